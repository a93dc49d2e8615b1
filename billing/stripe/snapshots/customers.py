"""Customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from billing.core.fitted import Fitted
from billing.stripe import tax_snapshots
from billing.stripe.snapshots.fields import USER_KEY, Json, object_id, own_key, part, text, time


@dataclass(frozen=True)
class CustomerSnapshot(Fitted):
    """A customer. `user_id` is the primary key from our metadata, or None."""

    id: str
    email: str
    name: str
    business_name: str
    individual_name: str
    address: dict[str, str]
    tax_ids: list[dict[str, str]]
    default_method_id: str
    deleted: bool
    user_id: int | None
    created_at: datetime


def customer(data: Json) -> CustomerSnapshot:
    """Read a customer, deleted or not."""
    return CustomerSnapshot(
        id=data["id"],
        email=text(data.get("email")),
        name=text(data.get("name")),
        business_name=text(data.get("business_name")),
        individual_name=text(data.get("individual_name")),
        address={name: one for name, one in part(data.get("address")).items() if one},
        tax_ids=tax_snapshots.tax_ids(data.get("tax_ids")),
        default_method_id=_default_method(data),
        deleted=bool(data.get("deleted")),
        user_id=own_key(data, USER_KEY),
        created_at=time(data.get("created")) or datetime.fromtimestamp(0, UTC),
    )


def _default_method(data: Json) -> str:
    """Return what's charged if nothing else is said: a payment method, before a source."""
    chosen = part(data.get("invoice_settings")).get("default_payment_method")
    return object_id(chosen) or object_id(data.get("default_source"))
