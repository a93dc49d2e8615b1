"""Turns snapshots into the columns of our rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from billing.core import subscription_items
from billing.core.statuses import (
    CHARGED_SUBSCRIPTION,
    OUTSIDE,
    ZELLE,
    PaymentStatus,
)
from billing.facts import plans
from billing.stripe import snapshots

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# The ID suffix of payments that stand for money paid on an invoice outside of Stripe.
OUTSIDE_MARK = ":outside"


NO_DETAILS: dict[str, Any] = {
    "business_name": "",
    "individual_name": "",
    "address": {},
    "tax_ids": [],
    "default_method_id": "",
}


def billing_details_columns(snapshot: snapshots.CustomerSnapshot) -> dict[str, Any]:
    """Return what invoices say about who pays, besides the name, and what is charged."""
    return {name: getattr(snapshot, name) for name in NO_DETAILS}


def outside_columns(snapshot: snapshots.InvoiceSnapshot) -> dict[str, Any]:
    """Return the columns of the payment that stands for money paid outside of Stripe."""
    amount = snapshot.amount_paid_outside
    paid_at = snapshot.paid_outside_at or snapshot.created_at
    return {
        "status": PaymentStatus.SUCCEEDED if amount else PaymentStatus.CANCELED,
        "amount": amount,
        "amount_received": amount,
        "currency": snapshot.currency,
        "card_brand": ZELLE if snapshot.zelle_key else OUTSIDE,
        "created_at": paid_at,
        "paid_at": paid_at if amount else None,
    }


def outside_id(invoice_id: str) -> str:
    """Return that payment's ID: Stripe has none for it."""
    return f"{invoice_id}{OUTSIDE_MARK}"


def invoice_of_outside(payment_id: str) -> str:
    """Return such a payment's invoice ID, or "" for one of Stripe's own payments."""
    is_outside = payment_id.endswith(OUTSIDE_MARK)
    return payment_id.removesuffix(OUTSIDE_MARK) if is_outside else ""


def will_renew(snapshot: snapshots.SubscriptionSnapshot) -> bool:
    """Whether the subscription will be charged again, as far as it says."""
    end, resumes_at = snapshot.current_period_end, snapshot.resumes_at
    ends_at = end if snapshot.cancel_at_period_end else snapshot.cancel_at
    is_ending = ends_at is not None and ends_at <= end
    is_paused = bool(snapshot.pause_behavior) and (resumes_at is None or resumes_at > end)
    return snapshot.status in CHARGED_SUBSCRIPTION and not is_ending and not is_paused


@dataclass(frozen=True)
class Catalog:
    """The membership's product and price IDs, and the names of all products."""

    plan: frozenset[str]
    prices: frozenset[str]
    names: dict[str, str]

    @classmethod
    def now(cls) -> Catalog:
        """Read it from our rows."""
        products = plans.products_of_prices()
        return cls(frozenset(products.values()), frozenset(products), plans.product_names())


def subscription_columns(
    snapshot: snapshots.SubscriptionSnapshot, catalog: Catalog
) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    columns = columns_of(snapshot, "id", "items", "customer_id", "card", "phases")
    columns |= card_columns_of(asdict(snapshot.card), with_expiry=True)
    columns |= subscription_items.columns(snapshot.items, catalog.plan, catalog.names)
    return columns | _planned_columns(snapshot, columns["price_id"], catalog)


def _planned_columns(
    snapshot: snapshots.SubscriptionSnapshot, own: str, catalog: Catalog
) -> dict[str, Any]:
    """Return which price comes instead of the row's own, and when; and what changes before it.

    If none does, but something else changes, such as a price beside it, only when that is.
    """
    have = {one.price_id for one in snapshot.items}
    first = snapshot.phases[0].begins_at if snapshot.phases else None
    for phase in snapshot.phases:
        new = [one for one in phase.price_ids if one not in have]
        if new and own not in phase.price_ids:
            price_id = min(new, key=lambda one: one not in catalog.prices)
            before = None if first == phase.begins_at else first
            return _planned_on(phase.begins_at, price_id, changes_at=before)
    return _planned_on(first)


def _planned_on(
    at: datetime | None, price_id: str = "", changes_at: datetime | None = None
) -> dict[str, Any]:
    return {"planned_price_id": price_id, "planned_at": at, "changes_at": changes_at}


def invoice_columns(snapshot: snapshots.InvoiceSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    links = ("id", "customer_id", "subscription_id", "payment_intent_ids")
    return columns_of(snapshot, *links, "paid_outside_at", "zelle_key")


def credit_note_columns(snapshot: snapshots.CreditNoteSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    return columns_of(snapshot, "id", "customer_id", "invoice_id", "key")


def payment_columns(snapshot: snapshots.PaymentSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    left_out = ("id", "customer_id", "attempted_at", "checkout_pk", "card")
    return columns_of(snapshot, *left_out) | card_columns_of(
        asdict(snapshot.card), with_expiry=False
    )


def method_columns(snapshot: snapshots.MethodSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    columns = columns_of(snapshot, "id", "customer_id", "card")
    return columns | card_columns_of(asdict(snapshot.card), with_expiry=True)


def dispute_columns(snapshot: snapshots.DisputeSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    return columns_of(snapshot, "id", "customer_id", "payment_intent_id")


def fraud_warning_columns(snapshot: snapshots.FraudWarningSnapshot) -> dict[str, Any]:
    """Return the row's own columns: those that don't refer to other rows."""
    return columns_of(snapshot, "id", "customer_id", "payment_intent_id")


def columns_of(snapshot: DataclassInstance, *left_out: str) -> dict[str, Any]:
    """Return a snapshot's fields as columns, except those left out."""
    return {name: value for name, value in asdict(snapshot).items() if name not in left_out}


def card_columns_of(card: dict[str, str], *, with_expiry: bool) -> dict[str, str]:
    """Return a card's columns."""
    columns = {"card_brand": card["brand"], "card_last4": card["last4"]}
    return columns | ({"card_expires": card["expires"]} if with_expiry else {})
