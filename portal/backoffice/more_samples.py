"""Every sample of a kind of message: the usual one, other cases, and very long words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from emails.catalog import Kind
from emails.contexts import MessageContext, NamedAmount
from portal.backoffice.message_samples import CONTEXTS

USUAL, LONG = "Usual", "Long names"
# What people, browsers, and Stripe's dashboard can make very long.
LONG_WORDS: Mapping[str, str] = {
    "name": "Maximiliane-Antoinette Featherstonehaugh-Wolfeschlegelstein",
    "member": "Maximiliane-Antoinette Featherstonehaugh-Wolfeschlegelstein",
    "sender": "Maximiliane-Antoinette Featherstonehaugh-Wolfeschlegelstein",
    "new_plan": "The unlimited sunrise, sunset, weekend, and evening membership for everyone",
    "plan_name": "The unlimited sunrise, sunset, and weekend membership for early birds",
    "description": "The unlimited sunrise, sunset, and weekend membership for early birds, 1 year",
    "method": "Bank account at The First National Savings Bank of Westchester ending in 6789",
}
MONEY = ("next_charge", "credit", "credit_used")
USES_CREDIT: Mapping[str, str] = {
    "next_charge": "$17.00",
    "credit": "$12.00",
    "credit_used": "$12.00",
}
# Other cases of a kind: what they're called, and the facts that differ from the usual sample.
CASES: Mapping[Kind, Mapping[str, Mapping[str, Any]]] = {
    Kind.WELCOME: {
        "Free trial": {"trial_ends_on": "next_charge_on", "tax_words": ""},
        "Pays by invoice": {"by_invoice": True},
        "Without a name": {"name": ""},
    },
    Kind.PAYMENT_RECEIVED: {
        "One line": {
            "lines": [NamedAmount(description="Drop-in class", amount="$29.00")],
            "taxes": [],
            "taxes_included": [],
            "credits": [],
            "discount": "",
            "tax_note": "",
            "next_card": "",
            "invoice_number": "",
            "on_statement": "",
        },
        "Discount for one payment": {
            "next_card": "",
            "full_price": "$30.00",
            "full_price_on": datetime(2026, 12, 24, 12, tzinfo=UTC),
        },
        "After a failure": {"recovered": True, "next_card": ""},
        "Paid in cash": {
            **dict.fromkeys(("method", "method_picture", "on_statement", "next_card"), ""),
            "is_direct": True,
        },
    },
    Kind.PAYMENT_FAILED: {
        "Last try": {"final": True, "next_attempt_on": None},
        "Not the membership": {"is_other": True, "other": "Locker"},
    },
    Kind.RENEWAL_FAILED: {"Last try": {"final": True, "next_attempt_on": None}},
    Kind.TRIAL_ENDING: {
        "Free time": {"is_free_time": True},
        "Pays by invoice": {"by_invoice": True, "method": ""},
        "Uses credit": USES_CREDIT,
        "Amount unknown": {"next_charge": ""},
        "Price unknown": {"next_charge": "", "rate": ""},
    },
    Kind.FREE_TIME: {
        "Pays by invoice": {"by_invoice": True},
        "Uses credit": USES_CREDIT,
        "Amount unknown": {"next_charge": ""},
        "Price unknown": {"next_charge": "", "rate": ""},
    },
    Kind.DISCOUNT_ENDING: {
        "Pays by invoice": {"by_invoice": True, "method": ""},
        "Uses credit": {"price": "$17.00", "credit": "$12.00", "credit_used": "$12.00"},
        "Amount unknown": {"price": ""},
        "Amount unknown, by invoice": {"price": "", "by_invoice": True, "method": ""},
        "Two discounts": {
            "discount": "20% off, $5.00 off",
            "ends_on": None,
            "endings": ["20% off until December 20, 2026", "$5.00 off until December 22, 2026"],
        },
    },
    Kind.MEMBERSHIP_GOES_ON: {
        "Amount unknown": {"price": ""},
        "While paused": {"price": "", "next_charge_on": None},
    },
    Kind.OFFER_ACCEPTED: {
        "Uses credit": {"next_charge": "$11.20", "credit": "$12.00", "credit_used": "$12.00"},
        "Amount unknown": {"next_charge": ""},
        "While paused": {"next_charge": "", "next_charge_on": None},
    },
    Kind.RENEWAL_COMING: {
        "Amount unknown": {"price": "", "discount_ends": False},
        "Uses credit": {"price": "$278.00", "credit": "$12.00", "credit_used": "$12.00"},
        "Not the membership": {"other": "Locker"},
        "Pays by invoice": {"by_invoice": True, "method": ""},
        "A discount ends": {"ending": "20% off"},
        "A planned price": {"is_planned": True, "rate": "$290.00 a year", "discount_ends": False},
        "A planned price of another plan": {
            "is_planned": True,
            "new_plan": "Harbor Yoga unlimited",
            "rate": "$390.00 a year",
            "price": "$390.00",
            "discount_ends": False,
        },
        "Something else planned": {"is_planned": True, "discount_ends": False},
    },
    Kind.PRICE_SWITCHED: {
        "As planned": {"was_planned": True, "credit": "", "credit_used": ""},
        "Amount unknown": dict.fromkeys(MONEY, ""),
        "While paused": {"next_charge_on": None, **dict.fromkeys(MONEY, "")},
    },
    Kind.PRICE_PLANNED: {
        "Pays by invoice": {"by_invoice": True, "method": "", "tax_words": ""},
        "Uses credit": {"first_charge": "$286.74", "credit": "$29.00", "credit_used": "$29.00"},
        "Another plan": {"new_plan": "Harbor Yoga unlimited"},
        "Something else before": {"changes_before": True, "first_charge": "", "method": ""},
        "Price unknown": {"rate": "", "tax_words": "", "first_charge": "", "method": ""},
    },
    Kind.PLAN_DROPPED: {
        "While paused": {"next_charge": "", "next_charge_on": None},
        "Price unknown": {"dropped_rate": ""},
    },
    Kind.MEMBERSHIP_ENDS: {
        "One of two": {"another": True, "credit": ""},
        "Renews until then": {
            "ends_on": datetime(2027, 11, 24, 12, tzinfo=UTC),
            "renews_on": "ends_on",
            "next_charge": "$29.00",
        },
        "One of two, renews until then": {"another": True, "renews_on": "ends_on"},
        "While paused": {
            "are_paused": True,
            "resumes_on": datetime(2026, 12, 1, 12, tzinfo=UTC),
        },
        "Paused without an end": {"are_paused": True},
        "Something continues": {"goes_on": ["Your locker for $5.00 a month continues."]},
    },
    Kind.MEMBERSHIP_ENDED: {"Unpaid": {"unpaid": True}},
    Kind.MEMBERSHIP_PAUSED: {"Until further notice": {"resumes_on": None}},
    Kind.INVOICE_SENT: {
        "By card": dict.fromkeys(
            ("zelle_reference", "zelle_name", "zelle_address", "zelle_url"), ""
        ),
        "Several lines": {
            "lines": [
                NamedAmount(description="2 × Workshop (at $20.00 / each)", amount="$40.00"),
                NamedAmount(description="Yoga mat", amount="$25.00"),
            ],
            "discount": "−$6.50",
            "discount_label": "Discount (code WELCOME50)",
            "taxes": [NamedAmount(description="Sales tax, New York (8.875%)", amount="$5.19")],
            "credits": [NamedAmount(description="Credit applied", amount="−$3.69")],
            "paid": "−$20.00",
        },
    },
    Kind.ZELLE_RECEIVED: {"For an invoice": {"begins": False, "invoice_number": "HY-0042"}},
    Kind.ZELLE_EXPIRED: {"An invoice": {"is_invoice": True}},
    Kind.PAYMENT_REQUESTED: {"By Zelle": {"by_zelle": True}},
    Kind.REFUND_RECEIVED: {
        "Two people decide": {"two_people": True},
        "Stays a member": {"leaves": False, "goes_on_until": None, "because": ""},
    },
    Kind.REFUND_APPROVED: {"Stays a member": {"leaves": False, "goes_on_until": None}},
    Kind.REFUND_DENIED: {"Closed": {"is_closed": True}},
    Kind.REFUND_SENT: {
        "Needs an answer": {"needs_answer": True, "answered": False},
        "Answered": {"needs_answer": False, "answered": True},
        "By Zelle": {"needs_answer": False, "by_zelle": True},
    },
    Kind.REFUND_FAILED: {
        "Closed": {"is_closed": True},
        "Canceled": {"again_url": "https://portal.example.com/payments/123456/refund/"},
    },
    Kind.NUMBERS: {"Nothing to do": {"tasks": [], "more_tasks": 0}},
    Kind.DISPUTE_OPENED: {
        "Inquiry": {"is_inquiry": True, "due_on": None},
        "Inquiry to answer": {"is_inquiry": True},
        "Appeal": {"is_appeal": True},
    },
    Kind.HELP_ASKED: {"No member": {"is_member": False, "page": ""}},
    Kind.CLOSING_PLANNED: {"By our team": {"by_staff": True, "renews": False}},
    Kind.DATA_READY: {"They asked for it": {"by_staff": False}},
}


@dataclass(frozen=True)
class Sample:
    """A kind's context, and what's special about it."""

    title: str
    context: MessageContext


def of_kind(kind: Kind) -> list[Sample]:
    """Return a kind's samples, the usual one first."""
    usual = CONTEXTS[kind]
    cases = [Sample(title, _changed(usual, facts)) for title, facts in CASES.get(kind, {}).items()]
    names = {field.name for field in fields(usual)}
    long = {
        name: words for name, words in LONG_WORDS.items() if name in names and getattr(usual, name)
    }
    longest = [Sample(LONG, replace(usual, **long))] if long else []
    return [Sample(USUAL, usual), *cases, *longest]


def _changed(usual: MessageContext, facts: Mapping[str, Any]) -> MessageContext:
    """Return a context with other facts; a fact of another name's value is that fact."""
    names = {field.name for field in fields(usual)}
    values = {
        name: getattr(usual, value) if isinstance(value, str) and value in names else value
        for name, value in facts.items()
    }
    return replace(usual, **values)
