"""What Stripe said about an object at one time, as plain values (pure).

Field names are those of Stripe's API version 2026-10-28.endive. Amounts are in minor units; times
are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.core.fitted import Fitted
from billing.core.subscription_items import SubscriptionItem
from billing.stripe import tax_snapshots

# The metadata key for the user's primary key in Stripe's objects.
USER_KEY = "portal_user"
# The metadata key by which a single payment names its `Checkout` row.
CHECKOUT_KEY = "portal_checkout"
# The metadata key by which a Stripe refund names its `Refund` row.
REFUND_KEY = "portal_refund"

# A payment intent that nobody has used, or that was canceled before anyone did.
UNTRIED = frozenset({"requires_payment_method", "requires_confirmation", "canceled"})
# How an invoice is collected unless Stripe says otherwise.
CHARGED = "charge_automatically"
# A refund's status if Stripe doesn't say.
PENDING = "pending"
# Stripe's longest trial, in days.
LONGEST_TRIAL = 730
# The kinds of sources, which predate payment methods, and their types.
SOURCES = {"card": "card", "bank_account": "us_bank_account"}
# Their card brands, in payment methods' terms.
OLDER_BRANDS = {
    "American Express": "amex",
    "Diners Club": "diners",
    "Discover": "discover",
    "JCB": "jcb",
    "MasterCard": "mastercard",
    "UnionPay": "unionpay",
    "Visa": "visa",
}

Json = Mapping[str, Any]


@dataclass(frozen=True)
class CustomerSnapshot(Fitted):
    """A customer. `user_id` is the primary key from our metadata, or None."""

    id: str
    email: str
    name: str
    business_name: str
    tax_ids: list[dict[str, str]]
    deleted: bool
    user_id: int | None
    created_at: datetime


@dataclass(frozen=True)
class PlanSnapshot(Fitted):
    """A recurring price and its product."""

    price_id: str
    product_id: str
    name: str
    description: str
    amount: int
    currency: str
    interval: str
    interval_count: int
    trial_days: int
    tax_behavior: str
    active: bool


@dataclass(frozen=True)
class ProductSnapshot(Fitted):
    """Something that's sold."""

    id: str
    name: str


@dataclass(frozen=True)
class Card(Fitted):
    """The parts of a card that we may know. `expires` is YYYY-MM.

    For a payment method other than a card, `brand` is Stripe's type: `us_bank_account`.
    """

    brand: str = ""
    last4: str = ""
    expires: str = ""


@dataclass(frozen=True)
class CouponSnapshot(Fitted):
    """A coupon: how much off, and for how long. `months` applies if it's repeating."""

    id: str
    name: str
    percent_off: float | None
    amount_off: int | None
    currency: str
    duration: str  # "once", "repeating", "forever"
    months: int | None
    valid: bool


@dataclass(frozen=True)
class SubscriptionSnapshot(Fitted):
    """A subscription with its items, which hold the periods and the prices."""

    id: str
    customer_id: str
    status: str
    items: list[SubscriptionItem]
    currency: str
    trial_end: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    end_reason: str
    card: Card
    method_id: str
    card_added_at: datetime | None
    collection_method: str
    days_until_due: int | None
    pause_behavior: str  # while collection is paused: what happens to new invoices
    resumes_at: datetime | None
    discounts: list[dict[str, Any]]
    tax_is_automatic: bool
    tax_problem: str
    balance: int  # the customer's, in the subscription's currency: negative is credit

    @property
    def current_period_end(self) -> datetime:
        """When its next item is charged."""
        return datetime.fromtimestamp(min(one.period_end for one in self.items), UTC)


@dataclass(frozen=True)
class NextCharge:
    """The next renewal's amount, after the `credit` that it uses.

    `taxation` says whether tax is added to the price or included in it, or "" if there's none.
    """

    amount: int
    credit: int
    taxation: str = ""


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
    payment_intent_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SwitchLine(Fitted):
    """A line of the invoice that a price change would make."""

    description: str
    amount: int
    is_proration: bool
    is_period: bool  # a whole period of the subscription
    ends_at: datetime | None
    tax_added: int  # on top of the amount


@dataclass(frozen=True)
class SwitchSnapshot(Fitted):
    """Stripe's preview of that invoice. `balance` is the customer's: negative is credit.

    `prorated_at` is the second when its prorations begin, or None without any.
    """

    prorated_at: int | None
    currency: str
    lines: list[SwitchLine]
    discount: int
    tax_added: int
    tax_included: int  # the tax included in the lines
    total: int
    balance: int
    amount_due: int
    needs_place: bool  # of the customer, to calculate tax


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


@dataclass(frozen=True)
class PaymentSnapshot(Fitted):
    """A payment intent and its latest charge."""

    id: str
    customer_id: str
    charge_id: str
    status: str
    amount: int
    amount_received: int
    amount_refunded: int
    currency: str
    description: str
    card: Card
    method_id: str
    failure_code: str
    failure_message: str
    receipt_url: str
    created_at: datetime
    paid_at: datetime | None
    attempted_at: datetime | None
    checkout_pk: int | None = None  # from our metadata

    @property
    def is_tried(self) -> bool:
        """Whether anyone has tried to pay: Stripe makes one with each invoice and page."""
        return bool(self.charge_id or self.failure_code) or self.status not in UNTRIED


@dataclass(frozen=True)
class DisputeSnapshot(Fitted):
    """A dispute; its customer comes from the payment intent or the charge."""

    id: str
    customer_id: str
    payment_intent_id: str
    charge_id: str
    status: str
    reason: str
    network_reason_code: str
    amount: int
    currency: str
    evidence_due_at: datetime | None
    has_evidence: bool
    submission_count: int
    created_at: datetime


@dataclass(frozen=True)
class CheckoutSnapshot(Fitted):
    """A Checkout session."""

    id: str
    status: str
    payment_status: str
    customer_id: str
    subscription_id: str
    payment_intent_id: str
    url: str
    expires_at: datetime
    tax: int  # included in what's paid


@dataclass(frozen=True)
class RefundSnapshot(Fitted):
    """A refund. `key` is our row's, from our metadata; `reference` is the bank's.

    `answer_by` is when the member must have said where the money should go (`requires_action`).
    """

    id: str
    payment_intent_id: str
    amount: int
    currency: str
    status: str
    reason: str
    failure_reason: str
    pending_reason: str
    answer_by: datetime | None
    reference: str
    key: str
    created_at: datetime


def customer(data: Json) -> CustomerSnapshot:
    """Read a customer, deleted or not."""
    return CustomerSnapshot(
        id=data["id"],
        email=_text(data.get("email")),
        name=_text(data.get("name")),
        business_name=_text(data.get("business_name")),
        tax_ids=tax_snapshots.tax_ids(data.get("tax_ids")),
        deleted=bool(data.get("deleted")),
        user_id=_own_key(data, USER_KEY),
        created_at=_time(data.get("created")) or datetime.fromtimestamp(0, UTC),
    )


def plan(price: Json) -> PlanSnapshot:
    """Read a price with its product expanded.

    The trial is the price's own (`recurring.trial_period_days`), or `trial_days` in its metadata.
    """
    product = price["product"]
    recurring = price.get("recurring") or {}
    return PlanSnapshot(
        price_id=price["id"],
        product_id=product["id"],
        name=_text(product.get("name")),
        description=_text(product.get("description")),
        amount=price.get("unit_amount") or 0,
        currency=price["currency"],
        interval=_text(recurring.get("interval")),
        interval_count=recurring.get("interval_count") or 1,
        trial_days=recurring.get("trial_period_days") or _trial_in(price.get("metadata") or {}),
        tax_behavior=_text(price.get("tax_behavior")),
        active=bool(price.get("active")),
    )


def _trial_in(metadata: Json) -> int:
    """Return the trial in `trial_days`, which people type: a value Stripe would refuse is none."""
    typed = str(metadata.get("trial_days") or "").strip()
    is_number = typed.isascii() and typed.isdecimal() and len(typed) < 5
    return int(typed) if is_number and int(typed) <= LONGEST_TRIAL else 0


def subscription(data: Json) -> SubscriptionSnapshot:
    """Read a subscription with payment method, customer and discounts expanded."""
    if not data["items"]["data"]:
        raise ValueError("A subscription without items.")
    method = _paying_method(data)
    pause = data.get("pause_collection") or {}
    automatic = data.get("automatic_tax") or {}
    return SubscriptionSnapshot(
        id=data["id"],
        customer_id=object_id(data["customer"]),
        status=data["status"],
        items=[_subscription_item(item) for item in data["items"]["data"]],
        currency=data["currency"],
        trial_end=_time(data.get("trial_end")),
        cancel_at=_time(data.get("cancel_at")),
        cancel_at_period_end=bool(data.get("cancel_at_period_end")),
        canceled_at=_time(data.get("canceled_at")),
        started_at=_required_time(data["start_date"]),
        ended_at=_time(data.get("ended_at")),
        end_reason=_text((data.get("cancellation_details") or {}).get("reason")),
        card=_method(method),
        method_id=object_id(method),
        card_added_at=_time(method.get("created")),
        collection_method=_text(data.get("collection_method")) or CHARGED,
        days_until_due=data.get("days_until_due"),
        pause_behavior=_text(pause.get("behavior")),
        resumes_at=_time(pause.get("resumes_at")),
        discounts=[_discount(one) for one in data.get("discounts") or []],
        tax_is_automatic=bool(automatic.get("enabled")),
        tax_problem=_text(automatic.get("disabled_reason")),
        balance=_balance(_part(data["customer"]), data["currency"]),
    )


def _subscription_item(data: Json) -> SubscriptionItem:
    """Read an item. One billed by usage has no amount before it's used."""
    price = data["price"]
    recurring = price.get("recurring") or {}
    is_metered = recurring.get("usage_type") == "metered"
    return SubscriptionItem(
        id=data["id"],
        price_id=price["id"],
        product_id=object_id(price["product"]),
        quantity=1 if is_metered else data.get("quantity") or 1,
        unit_amount=None if is_metered else _unit_amount(price),
        currency=price["currency"],
        interval=_text(recurring.get("interval")),
        interval_count=recurring.get("interval_count") or 1,
        period_start=int(data["current_period_start"]),
        period_end=int(data["current_period_end"]),
    )


def _unit_amount(price: Json) -> int | None:
    """Return a price's amount, rounded to minor units; None if it has tiers."""
    exact = price.get("unit_amount_decimal")
    amount: int | None = price.get("unit_amount")
    return round(Decimal(exact)) if amount is None and exact else amount


def product(data: Json) -> ProductSnapshot:
    """Read a product."""
    return ProductSnapshot(id=data["id"], name=_text(data.get("name")))


def coupon(data: Json) -> CouponSnapshot:
    """Read a coupon."""
    return CouponSnapshot(
        id=data["id"],
        name=_text(data.get("name")),
        percent_off=data.get("percent_off"),
        amount_off=data.get("amount_off"),
        currency=_text(data.get("currency")),
        duration=_text(data.get("duration")),
        months=data.get("duration_in_months"),
        valid=bool(data.get("valid")),
    )


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
        number=_text(data.get("number")),
        status=_text(data.get("status")) or "draft",
        billing_reason=_text(data.get("billing_reason")),
        currency=data["currency"],
        customer_name=_text(data.get("customer_name")) if business else "",
        customer_tax_ids=business,
        finalization_error=_text((data.get("last_finalization_error") or {}).get("code")),
        subtotal=data["subtotal"],
        discount=_sum(data.get("total_discount_amounts")),
        promotion_codes=", ".join(_codes(data)),
        tax=_sum(data.get("total_taxes")),
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
        collection_method=_text(data.get("collection_method")) or CHARGED,
        auto_advance=bool(data.get("auto_advance", True)),
        attempt_count=data.get("attempt_count") or 0,
        next_payment_attempt_at=_time(data.get("next_payment_attempt")),
        lines=[_line(line) for line in data["lines"]["data"]],
        hosted_url=_text(data.get("hosted_invoice_url")),
        pdf_url=_text(data.get("invoice_pdf")),
        created_at=_required_time(data["created"]),
        finalized_at=_time(transitions.get("finalized_at")),
        due_at=_time(data.get("due_date")),
        paid_at=_time(transitions.get("paid_at")),
        voided_at=_time(transitions.get("voided_at")),
        given_up_at=_time(transitions.get("marked_uncollectible_at")),
        given_up_reason=_text(given_up.get("reason")),
        paid_outside_at=_paid_outside_at(data),
        payment_intent_ids=_payment_intent_ids(data),
    )


def next_charge(data: Json) -> NextCharge:
    """Read a renewal invoice's preview. No more credit is used than it asks for."""
    credit = max(0, -(data.get("starting_balance") or 0))
    return NextCharge(
        amount=data["amount_due"],
        credit=min(credit, max(0, data["total"])),
        taxation=tax_snapshots.taxation(data.get("total_taxes")),
    )


def switch(data: Json) -> SwitchSnapshot:
    """Read the preview of an invoice that a price change would make."""
    lines = data["lines"]["data"]
    starts = [line["period"]["start"] for line in lines if _is_proration(line)]
    return SwitchSnapshot(
        prorated_at=max(starts, default=None),
        currency=data["currency"],
        lines=[_switch_line(line) for line in lines],
        discount=_sum(data.get("total_discount_amounts")),
        tax_added=tax_snapshots.added(data.get("total_taxes")),
        tax_included=tax_snapshots.included(data.get("total_taxes")),
        total=data["total"],
        balance=data.get("starting_balance") or 0,
        amount_due=data["amount_due"],
        needs_place=tax_snapshots.needs_place(data),
    )


def credit_note(data: Json) -> CreditNoteSnapshot:
    """Read a credit note. What was neither refunded nor given back elsewhere became credit."""
    refunded = sum(entry.get("amount_refunded") or 0 for entry in data.get("refunds") or [])
    out_of_band = data.get("out_of_band_amount") or 0
    return CreditNoteSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        invoice_id=object_id(data["invoice"]),
        number=_text(data.get("number")),
        status=_text(data.get("status")),
        reason=_text(data.get("reason")),
        memo=_text(data.get("memo")),
        currency=data["currency"],
        amount=data["amount"],
        tax=_sum(data.get("total_taxes")),
        pre_payment_amount=data.get("pre_payment_amount") or 0,
        refunded=refunded,
        out_of_band=out_of_band,
        credited=max(0, (data.get("post_payment_amount") or 0) - refunded - out_of_band),
        pdf_url=_text(data.get("pdf")),
        created_at=_required_time(data["created"]),
        voided_at=_time(data.get("voided_at")),
    )


def payment(data: Json) -> PaymentSnapshot:
    """Read a payment intent with its latest charge expanded.

    If it was reserved and only partly captured, the amount is what arrived.
    """
    charge = data.get("latest_charge") or {}
    error = data.get("last_payment_error") or {}
    paid, received = data["status"] == "succeeded", data.get("amount_received") or 0
    method = charge.get("payment_method_details") or {}
    return PaymentSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        charge_id=_text(charge.get("id")),
        status=data["status"],
        amount=received if paid and received else data["amount"],
        amount_received=received,
        amount_refunded=charge.get("amount_refunded") or 0,
        currency=data["currency"],
        description=_text(data.get("description")),
        card=_method(method) if method else _method(error.get("payment_method")),
        method_id=object_id(charge.get("payment_method") or data.get("payment_method")),
        failure_code=_text(error.get("decline_code") or error.get("code")),
        failure_message=_text(error.get("message")),
        receipt_url=_text(charge.get("receipt_url")),
        created_at=_required_time(data["created"]),
        paid_at=_settled_at(charge) if paid else None,
        attempted_at=_time(charge.get("created")),
        checkout_pk=_own_key(data, CHECKOUT_KEY),
    )


def _settled_at(charge: Json) -> datetime | None:
    """Return when a charge's money arrived: from a bank, days after the charge was made.

    The booking time says so if `balance_transaction` is expanded. A card pays immediately, but may
    be booked later: its day must not move between reads.
    """
    method = charge.get("payment_method_details") or {}
    if method.get("type") == "card":
        return _time(charge.get("created"))
    booked = charge.get("balance_transaction")
    times = [charge.get("created"), booked.get("created") if isinstance(booked, Mapping) else None]
    return _time(max((found for found in times if found), default=None))


def dispute(data: Json) -> DisputeSnapshot:
    """Read a dispute with charge and payment intent expanded; it names no customer itself."""
    charge, intent = _part(data.get("charge")), _part(data.get("payment_intent"))
    evidence = data.get("evidence_details") or {}
    card = (data.get("payment_method_details") or {}).get("card") or {}
    code = data.get("network_reason_code") or card.get("network_reason_code")
    return DisputeSnapshot(
        id=data["id"],
        customer_id=object_id(intent.get("customer")) or object_id(charge.get("customer")),
        payment_intent_id=object_id(data.get("payment_intent"))
        or object_id(charge.get("payment_intent")),
        charge_id=object_id(data.get("charge")),
        status=data["status"],
        reason=_text(data.get("reason")),
        network_reason_code=_text(code),
        amount=data["amount"],
        currency=data["currency"],
        evidence_due_at=_time(evidence.get("due_by")),
        has_evidence=bool(evidence.get("has_evidence")),
        submission_count=evidence.get("submission_count") or 0,
        created_at=_required_time(data["created"]),
    )


def refund(data: Json) -> RefundSnapshot:
    """Read a refund. The bank's reference is known a few days after it was made."""
    details = data.get("destination_details") or {}
    way = details.get(_text(details.get("type"))) or {}
    to_do = (data.get("next_action") or {}).get("display_details") or {}
    return RefundSnapshot(
        id=data["id"],
        payment_intent_id=object_id(data.get("payment_intent")),
        amount=data["amount"],
        currency=data["currency"],
        status=_text(data.get("status")) or PENDING,
        reason=_text(data.get("reason")),
        failure_reason=_text(data.get("failure_reason")),
        pending_reason=_text(data.get("pending_reason")),
        answer_by=_time(to_do.get("expires_at")),
        reference=_text(way.get("reference")),
        key=_text((data.get("metadata") or {}).get(REFUND_KEY)),
        created_at=_required_time(data["created"]),
    )


def checkout(data: Json) -> CheckoutSnapshot:
    """Read a Checkout session."""
    return CheckoutSnapshot(
        id=data["id"],
        status=_text(data.get("status")),
        payment_status=_text(data.get("payment_status")),
        customer_id=object_id(data.get("customer")),
        subscription_id=object_id(data.get("subscription")),
        payment_intent_id=object_id(data.get("payment_intent")),
        url=_text(data.get("url")),
        expires_at=_required_time(data["expires_at"]),
        tax=(data.get("total_details") or {}).get("amount_tax") or 0,
    )


def object_id(value: Any) -> str:
    """Return the ID of an object that Stripe gives as an ID, expanded, or not at all."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return _text(value)


def _part(value: Any) -> Json:
    """Return an expanded object, or nothing if there's only its ID."""
    return value if isinstance(value, Mapping) else {}


def _balance(customer_object: Json, currency: str) -> int:
    """Return a customer's balance if it's in this currency: otherwise it can't be used."""
    own = customer_object.get("currency") or currency
    return int(customer_object.get("balance") or 0) if own == currency else 0


def _own_key(data: Json, name: str) -> int | None:
    """Return the primary key of our row that an object's metadata names."""
    value = str((data.get("metadata") or {}).get(name, ""))
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _time(value: Any) -> datetime | None:
    return _required_time(value) if value else None


def _required_time(value: Any) -> datetime:
    return datetime.fromtimestamp(int(value), UTC)


def _sum(amounts: Any) -> int:
    return sum(entry["amount"] for entry in amounts or [])


def _discount(data: Any) -> dict[str, Any]:
    """Read a discount of a subscription with its coupon and promotion code expanded."""
    granted = (data.get("source") or {}).get("coupon") or {}
    code = data.get("promotion_code")
    return {
        "id": data["id"],
        "coupon": object_id(granted),
        "name": _text(granted.get("name")),
        "code": _text(code.get("code")) if isinstance(code, Mapping) else "",
        "percent_off": granted.get("percent_off"),
        "amount_off": granted.get("amount_off"),
        "currency": _text(granted.get("currency")),
        "duration": _text(granted.get("duration")),
        "ends_at": data.get("end"),
    }


def _codes(invoice_object: Json) -> list[str]:
    """Return the promo codes that took something off, each once."""
    amounts = invoice_object.get("total_discount_amounts") or []
    used = {object_id(one.get("discount")) for one in amounts if one["amount"]}
    found = [_part(one) for one in invoice_object.get("discounts") or []]
    codes = [_text(_part(one.get("promotion_code")).get("code")) for one in found if one]
    ids = [object_id(one) for one in found if one]
    named = dict.fromkeys(code for key, code in zip(ids, codes, strict=True) if key in used)
    return [code for code in named if code]


def _line(line: Json) -> dict[str, Any]:
    period = line.get("period") or {}
    return {
        "description": _text(line.get("description")),
        "quantity": line.get("quantity") or 1,
        "amount": line["amount"],
        "product": _product_of(line),
        "period_start": period.get("start"),
        "period_end": period.get("end"),
    }


def _product_of(line: Json) -> str:
    """Return the product ID of a line that charges for a subscription item, or ""."""
    parent = line.get("parent") or {}
    if not (parent.get("subscription_item_details") or _is_proration(line)):
        return ""
    details = (line.get("pricing") or {}).get("price_details") or {}
    return object_id(details.get("product"))


def _switch_line(line: Json) -> SwitchLine:
    parent = line.get("parent") or {}
    is_proration = _is_proration(line)
    return SwitchLine(
        description=_text(line.get("description")),
        amount=line["amount"],
        is_proration=is_proration,
        is_period=bool(parent.get("subscription_item_details")) and not is_proration,
        ends_at=_time((line.get("period") or {}).get("end")),
        tax_added=tax_snapshots.added(line.get("taxes")),
    )


def _is_proration(line: Json) -> bool:
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
    at = max((found for found in times if found), default=None)
    return _time(at or (data.get("status_transitions") or {}).get("paid_at"))


def _payment_intent_ids(data: Json) -> list[str]:
    payments = (data.get("payments") or {}).get("data") or []
    found = [object_id((entry.get("payment") or {}).get("payment_intent")) for entry in payments]
    return [identifier for identifier in found if identifier]


def _card(card: Any) -> Card:
    if not isinstance(card, Mapping):
        return Card()
    year, month = card.get("exp_year"), card.get("exp_month")
    brand = _text(card.get("brand"))
    return Card(
        brand=OLDER_BRANDS.get(brand, brand),
        last4=_text(card.get("last4")),
        expires=f"{year:04d}-{month:02d}" if year and month else "",
    )


def _method(method: Any) -> Card:
    """Read a payment method, a source, or a charge's payment method details."""
    if not isinstance(method, Mapping):
        return Card()
    source = SOURCES.get(_text(method.get("object")), "")
    kind = source or _text(method.get("type"))
    if not kind:
        return Card()
    details = method if source else method.get(kind)
    if kind == "card":
        return _card(details)
    last4 = details.get("last4") if isinstance(details, Mapping) else ""
    return Card(brand=kind, last4=_text(last4))


def _paying_method(data: Json) -> Json:
    """Return what Stripe will charge: the subscription's own method, or the customer's.

    In each case a payment method comes before a source (`default_source`), the older kind.
    """
    owner = _part(data.get("customer"))
    settings = owner.get("invoice_settings") or {}
    own = (data.get("default_payment_method"), data.get("default_source"))
    theirs = (settings.get("default_payment_method"), owner.get("default_source"))
    return next((found for found in (*own, *theirs) if isinstance(found, Mapping)), {})
