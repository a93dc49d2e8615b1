"""Saved payment methods, and what a Checkout session in setup mode saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.core.fitted import Fitted
from billing.stripe.snapshots.cards import Card, method_card
from billing.stripe.snapshots.fields import Json, object_id, part, required_time, text


@dataclass(frozen=True)
class MethodSnapshot(Fitted):
    """A payment method; without a customer, it's detached and can't be used again."""

    id: str
    customer_id: str
    kind: str
    card: Card
    wallet: str
    fingerprint: str
    created_at: datetime


def payment_method(data: Json) -> MethodSnapshot:
    """Read a payment method of any type."""
    kind = text(data.get("type"))
    details = data.get(kind)
    details = details if isinstance(details, Mapping) else {}
    return MethodSnapshot(
        id=data["id"],
        customer_id=object_id(data.get("customer")),
        kind=kind,
        card=method_card(data),
        wallet=text(part(details.get("wallet")).get("type")),
        fingerprint=text(details.get("fingerprint")),
        created_at=required_time(data["created"]),
    )


@dataclass(frozen=True)
class SetupSnapshot(Fitted):
    """A Checkout session in setup mode; `method_id` is what was saved, once it's complete.

    `invoice_id` is the invoice that's to be paid with it then, if any.
    """

    id: str
    mode: str
    status: str
    customer_id: str
    method_id: str
    invoice_id: str
    url: str


def setup(data: Json, invoice_key: str) -> SetupSnapshot:
    """Read a Checkout session with its setup intent expanded."""
    return SetupSnapshot(
        id=data["id"],
        mode=text(data.get("mode")),
        status=text(data.get("status")),
        customer_id=object_id(data.get("customer")),
        method_id=object_id(part(data.get("setup_intent")).get("payment_method")),
        invoice_id=str((data.get("metadata") or {}).get(invoice_key, "")),
        url=text(data.get("url")),
    )
