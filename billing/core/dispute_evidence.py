"""The evidence that Stripe takes: names, questions, and limits, by a dispute's reason (pure).

Names and limits are Stripe's: its API reference, "Update a dispute", its "File upload guide", and
its guide to answering disputes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONG, SHORT = 20_000, 5_000
MOST_CHARACTERS = 150_000
# A file may have 5 MB, and what goes to the bank in all 4.5 MB.
MOST_BYTES = 4_500_000
MOST_PAGES, MOST_PAGES_OF = 50, {"mastercard": 19}
TYPES = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg"}
# Stripe estimates the pages of the texts, too.
TOO_MANY_PAGES = "dispute_evidence_page_limit_exceeded"


@dataclass(frozen=True)
class Text:
    """A text of the evidence; `rows` is how tall its box is."""

    label: str
    help: str = ""
    rows: int = 1
    longest: int = SHORT


def _long(label: str, help_text: str = "", rows: int = 4) -> Text:
    return Text(label, help_text, rows, LONG)


TEXTS: Mapping[str, Text] = {
    "uncategorized_text": _long(
        "What happened", "The story in short, plain sentences. Banks read this first.", 8
    ),
    "product_description": _long("What was sold", "What they bought, and what it costs."),
    "customer_name": Text("Customer’s name"),
    "customer_email_address": Text("Customer’s email address"),
    "customer_purchase_ip": Text(
        "IP address of the purchase", "Of the sign-in right before the payment, if there’s one."
    ),
    "billing_address": Text("Billing address", rows=3),
    "service_date": Text("When they could use it", "A day, or the period that was paid for."),
    "access_activity_log": _long(
        "Use of the account", "Sign-ins with time, IP address, and browser.", 6
    ),
    "refund_policy_disclosure": _long(
        "How they were shown the refund policy", "Before the payment: where, and when."
    ),
    "refund_refusal_explanation": _long("Why they can’t have a refund"),
    "cancellation_policy_disclosure": _long(
        "How they were shown the cancellation policy", "Before the payment: where, and when."
    ),
    "cancellation_rebuttal": _long("Why the membership wasn’t canceled"),
    "duplicate_charge_id": Text("Charge that it’s said to repeat", "Stripe’s ID: ch_…"),
    "duplicate_charge_explanation": _long("How the two payments differ"),
    "shipping_address": Text("Shipping address", rows=3),
    "shipping_date": Text("Shipped on"),
    "shipping_carrier": Text("Shipped by"),
    "shipping_tracking_number": Text("Tracking number"),
}
FILES: Mapping[str, str] = {
    "receipt": "Receipt",
    "uncategorized_file": "Our records",
    "customer_communication": "Messages with the customer",
    "service_documentation": "Proof that they got it",
    "refund_policy": "Refund policy",
    "cancellation_policy": "Cancellation policy",
    "duplicate_charge_documentation": "Receipt of the other payment",
    "customer_signature": "Contract or signature",
    "shipping_documentation": "Proof of shipping",
}
NAMES = (*TEXTS, *FILES)
# Files that we can make from our own records.
OURS = {"receipt": "the receipt", "uncategorized_file": "the evidence from our records"}

_ALWAYS = ("uncategorized_text", "product_description", "customer_name", "customer_email_address")
_USE = ("service_date", "access_activity_log", "service_documentation")
_REFUND = ("refund_policy_disclosure", "refund_refusal_explanation", "refund_policy")
_CANCELED = (
    *("cancellation_policy_disclosure", "cancellation_rebuttal"),
    "cancellation_policy",
)
_SHIPPED = (
    *("shipping_address", "shipping_date", "shipping_carrier"),
    *("shipping_tracking_number", "shipping_documentation"),
)
_WHO = ("customer_purchase_ip", "billing_address")
_FILES = ("receipt", "uncategorized_file", "customer_communication")
# What decides by Stripe's reason; the rest is still taken.
_DECIDES = {
    "fraudulent": (*_WHO, *_USE, "customer_signature"),
    "unrecognized": (*_WHO, *_USE),
    "subscription_canceled": (*_CANCELED, *_USE),
    "product_not_received": (*_USE, *_SHIPPED),
    "product_unacceptable": (*_REFUND, *_USE),
    "credit_not_processed": (*_REFUND, *_CANCELED),
    "duplicate": (
        *("duplicate_charge_id", "duplicate_charge_explanation"),
        *("duplicate_charge_documentation", "service_date"),
    ),
}
_OTHERWISE = (*_WHO, *_USE, *_REFUND, *_CANCELED)


def deciding(reason: str) -> tuple[str, ...]:
    """Return the evidence that matters for a reason, in the order of the form."""
    wanted = {*_ALWAYS, *_DECIDES.get(reason, _OTHERWISE), *_FILES}
    return tuple(name for name in NAMES if name in wanted)


def most_pages(brand: str) -> int:
    """Return how many pages a card's network takes."""
    return MOST_PAGES_OF.get(brand, MOST_PAGES)


def characters(texts: Mapping[str, str]) -> int:
    """Return how many characters count."""
    return sum(map(len, texts.values()))
