"""What Stripe said about tax, as plain values (pure). Part of `billing.stripe.snapshots`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.core import tax_texts
from billing.core.fitted import Fitted

Json = Mapping[str, Any]
# What Stripe says about tax IDs of the kinds that it looks up in a registry.
PENDING, VERIFIED, UNVERIFIED = LOOKED_UP = ("pending", "verified", "unverified")


@dataclass(frozen=True)
class TaxRateSnapshot(Fitted):
    """A tax rate, as far as invoices name it."""

    id: str
    name: str
    jurisdiction: str
    percentage: Decimal


@dataclass(frozen=True)
class TaxAccountSnapshot(Fitted):
    """Stripe Tax's settings. `behavior` applies to prices that don't say."""

    status: str
    behavior: str


def tax_rate(data: Json) -> TaxRateSnapshot:
    """Read a tax rate."""
    return TaxRateSnapshot(
        id=data["id"],
        name=data.get("display_name") or "",
        jurisdiction=data.get("jurisdiction") or "",
        percentage=Decimal(str(data.get("percentage") or 0)),
    )


def tax_account(data: Json) -> TaxAccountSnapshot:
    """Read the settings of Stripe Tax."""
    defaults = data.get("defaults") or {}
    return TaxAccountSnapshot(
        status=data.get("status") or "", behavior=defaults.get("tax_behavior") or ""
    )


def has_place(customer: Json) -> bool:
    """Whether Stripe Tax knows where a customer is (`tax` expanded), taxed there or not."""
    status = (customer.get("tax") or {}).get("automatic_tax")
    return status in ("supported", "not_collecting")


def tax_ids(ids: Any) -> list[dict[str, str]]:
    """Read tax IDs: a customer's list (expanded), or an invoice's.

    Those of a kind that Stripe looks up in a registry have a `status`: pending, verified, or
    unverified. Without one, nothing is known (Stripe documentation, "Customer tax IDs").
    """
    entries = ids.get("data") if isinstance(ids, Mapping) else ids
    return [{"type": one["type"], "value": one["value"], **_checked(one)} for one in entries or []]


def _checked(tax_id: Json) -> dict[str, str]:
    status = (tax_id.get("verification") or {}).get("status")
    return {"status": status} if status in LOOKED_UP else {}


def entries(taxes: Any) -> list[dict[str, Any]]:
    """Read an invoice's taxes, one per rate and reason."""
    return [
        {
            "rate": (one.get("tax_rate_details") or {}).get("tax_rate") or "",
            "amount": one["amount"],
            "is_included": one.get("tax_behavior") == "inclusive",
            "reason": one.get("taxability_reason") or "",
        }
        for one in taxes or []
    ]


def included(taxes: Any) -> int:
    """Return the tax included in the amounts."""
    return sum(one["amount"] for one in entries(taxes) if one["is_included"])


def added(taxes: Any) -> int:
    """Return the tax added on top of the amounts."""
    return sum(one["amount"] for one in entries(taxes) if not one["is_included"])


def taxation(taxes: Any) -> str:
    """Return how a price is taxed; a zero tax (an exemption) says nothing about it."""
    counted = [one for one in entries(taxes) if one["reason"] not in tax_texts.NOTHING]
    if any(not one["is_included"] for one in counted):
        return tax_texts.ADDED
    return tax_texts.INCLUDED if counted else ""


def needs_place(invoice: Json) -> bool:
    """Whether Stripe couldn't calculate tax because it doesn't know the customer's location."""
    status = (invoice.get("automatic_tax") or {}).get("status")
    return bool(status == "requires_location_inputs")
