"""Invoices, with their lines and what paid them, and credit notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from billing.core.fitted import Fitted
from billing.stripe import tax_snapshots
from billing.stripe.snapshots.fields import (
    CHARGED,
    REFUND_KEY,
    ZELLE_KEY,
    Json,
    object_id,
    part,
    required_time,
    sum_of,
    text,
    time,
)


@dataclass(frozen=True)
class InvoiceSnapshot(Fitted):
    """An invoice, its lines, and the payment intents that tried to pay it."""

    id: str
    customer_id: str
    subscription_id: str
    number: str
    status: str
    billing_reason: str
    currency: str
    customer_name: str  # of a business, like its tax IDs
    customer_tax_ids: list[dict[str, str]]
    finalization_error: str
    subtotal: int
    discount: int
    discount_lasting: int | None  # the part of it without an end; None if that isn't known
    promotion_codes: str  # the codes that reduced it: "WELCOME50"
    tax: int
    tax_included: int  # the part included in the lines
    taxes: list[dict[str, Any]]
    total: int
    starting_balance: int
    ending_balance: int | None
    pre_payment_credit_notes_amount: int
    post_payment_credit_notes_amount: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    amount_paid_outside: int
    collection_method: str
    auto_advance: bool
    attempt_count: int
    next_payment_attempt_at: datetime | None
    lines: list[dict[str, Any]]
    hosted_url: str
    pdf_url: str
    created_at: datetime
    finalized_at: datetime | None
    due_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    given_up_at: datetime | None
    given_up_reason: str
    paid_outside_at: datetime | None
    zelle_key: str  # of the payment by Zelle that paid it, in our metadata
    payment_intent_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CreditNoteSnapshot(Fitted):
    """A credit note. Its parts add up to its amount, including tax."""

    id: str
    customer_id: str
    invoice_id: str
    number: str
    status: str
    reason: str
    memo: str
    currency: str
    amount: int
    tax: int
    pre_payment_amount: int
    refunded: int
    out_of_band: int
    credited: int
    pdf_url: str
    created_at: datetime
    voided_at: datetime | None
    key: str  # of the refund that we made it for, in our metadata


def invoice(data: Json) -> InvoiceSnapshot:
    """Read an invoice with all of its lines, and everything in `gateway.INVOICE_PARTS`.

    The parent may be null (a manual invoice).
    """
    parent = data.get("parent") or {}
    details = parent.get("subscription_details") or {}
    transitions = data.get("status_transitions") or {}
    # A draft follows its customer's changes without an event.
    is_draft = data.get("status") == "draft"
    business = [] if is_draft else tax_snapshots.tax_ids(data.get("customer_tax_ids"))
    given_up = (data.get("status_details") or {}).get("uncollectible") or {}
    return InvoiceSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        subscription_id=object_id(details.get("subscription")),
        number=text(data.get("number")),
        status=text(data.get("status")) or "draft",
        billing_reason=text(data.get("billing_reason")),
        currency=data["currency"],
        customer_name=text(data.get("customer_name")) if business else "",
        customer_tax_ids=business,
        finalization_error=text((data.get("last_finalization_error") or {}).get("code")),
        subtotal=data["subtotal"],
        discount=sum_of(data.get("total_discount_amounts")),
        discount_lasting=_lasting(data),
        promotion_codes=", ".join(_codes(data)),
        tax=sum_of(data.get("total_taxes")),
        tax_included=tax_snapshots.included(data.get("total_taxes")),
        taxes=tax_snapshots.entries(data.get("total_taxes")),
        total=data["total"],
        starting_balance=data.get("starting_balance") or 0,
        ending_balance=data.get("ending_balance"),
        pre_payment_credit_notes_amount=data.get("pre_payment_credit_notes_amount") or 0,
        post_payment_credit_notes_amount=data.get("post_payment_credit_notes_amount") or 0,
        amount_due=data["amount_due"],
        amount_paid=data["amount_paid"],
        amount_remaining=data["amount_remaining"],
        amount_paid_outside=_paid_outside(data),
        collection_method=text(data.get("collection_method")) or CHARGED,
        auto_advance=bool(data.get("auto_advance", True)),
        attempt_count=data.get("attempt_count") or 0,
        next_payment_attempt_at=time(data.get("next_payment_attempt")),
        lines=[_line(line) for line in data["lines"]["data"]],
        hosted_url=text(data.get("hosted_invoice_url")),
        pdf_url=text(data.get("invoice_pdf")),
        created_at=required_time(data["created"]),
        finalized_at=time(transitions.get("finalized_at")),
        due_at=time(data.get("due_date")),
        paid_at=time(transitions.get("paid_at")),
        voided_at=time(transitions.get("voided_at")),
        given_up_at=time(transitions.get("marked_uncollectible_at")),
        given_up_reason=text(given_up.get("reason")),
        paid_outside_at=_paid_outside_at(data),
        zelle_key=text((data.get("metadata") or {}).get(ZELLE_KEY)),
        payment_intent_ids=_payment_intent_ids(data),
    )


def _codes(invoice_object: Json) -> list[str]:
    """Return the promo codes that took something off, each once."""
    amounts = invoice_object.get("total_discount_amounts") or []
    used = {object_id(one.get("discount")) for one in amounts if one["amount"]}
    discounts = [part(one) for one in invoice_object.get("discounts") or []]
    codes = [text(part(one.get("promotion_code")).get("code")) for one in discounts if one]
    ids = [object_id(one) for one in discounts if one]
    named = dict.fromkeys(code for key, code in zip(ids, codes, strict=True) if key in used)
    return [code for code in named if code]


def _lasting(invoice_object: Json) -> int | None:
    """Return what the coupons without an end took off, or None if a coupon can't be read.

    An invoice keeps its discounts when its subscription no longer has them.
    """
    durations = {
        object_id(one): text(part(part(part(one).get("source")).get("coupon")).get("duration"))
        for one in invoice_object.get("discounts") or []
    }
    lasting = 0
    for one in invoice_object.get("total_discount_amounts") or []:
        duration = durations.get(object_id(one.get("discount")), "")
        if one["amount"] and not duration:
            return None
        lasting += one["amount"] if duration == "forever" else 0
    return lasting


def _line(line: Json) -> dict[str, Any]:
    period = line.get("period") or {}
    return {
        "description": text(line.get("description")),
        "quantity": line.get("quantity") or 1,
        "amount": line["amount"],
        "product": _product_of(line),
        "period_start": period.get("start"),
        "period_end": period.get("end"),
    }


def _product_of(line: Json) -> str:
    """Return the product ID of a line that charges for a subscription item, or ""."""
    parent = line.get("parent") or {}
    if not (parent.get("subscription_item_details") or is_proration(line)):
        return ""
    details = (line.get("pricing") or {}).get("price_details") or {}
    return object_id(details.get("product"))


def is_proration(line: Json) -> bool:
    """Whether a line credits or charges part of a period (its item may say so too)."""
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return bool(details.get("proration"))


def _records(data: Json) -> list[Json]:
    """Return an invoice's payments that Stripe only recorded and didn't process."""
    payments = (data.get("payments") or {}).get("data") or []
    paid = [one for one in payments if one.get("status") == "paid"]
    return [one for one in paid if (one.get("payment") or {}).get("type") == "payment_record"]


def _paid_outside(data: Json) -> int:
    """Return how much was paid outside of Stripe, which `amount_paid` includes."""
    told = data.get("amount_paid_off_stripe")
    return told if told is not None else sum(one.get("amount_paid") or 0 for one in _records(data))


def _paid_outside_at(data: Json) -> datetime | None:
    """Return when that was recorded: a partly paid invoice has no date."""
    times = [(one.get("status_transitions") or {}).get("paid_at") for one in _records(data)]
    at = max((moment for moment in times if moment), default=None)
    return time(at or (data.get("status_transitions") or {}).get("paid_at"))


def _payment_intent_ids(data: Json) -> list[str]:
    payments = (data.get("payments") or {}).get("data") or []
    ids = [object_id((entry.get("payment") or {}).get("payment_intent")) for entry in payments]
    return [identifier for identifier in ids if identifier]


def credit_note(data: Json) -> CreditNoteSnapshot:
    """Read a credit note. What was neither refunded nor given back elsewhere became credit."""
    refunded = sum(entry.get("amount_refunded") or 0 for entry in data.get("refunds") or [])
    out_of_band = data.get("out_of_band_amount") or 0
    return CreditNoteSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        invoice_id=object_id(data["invoice"]),
        number=text(data.get("number")),
        status=text(data.get("status")),
        reason=text(data.get("reason")),
        memo=text(data.get("memo")),
        currency=data["currency"],
        amount=data["amount"],
        tax=sum_of(data.get("total_taxes")),
        pre_payment_amount=data.get("pre_payment_amount") or 0,
        refunded=refunded,
        out_of_band=out_of_band,
        credited=max(0, (data.get("post_payment_amount") or 0) - refunded - out_of_band),
        pdf_url=text(data.get("pdf")),
        created_at=required_time(data["created"]),
        voided_at=time(data.get("voided_at")),
        key=text((data.get("metadata") or {}).get(REFUND_KEY)),
    )
