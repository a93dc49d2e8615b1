"""Checkout sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.core.fitted import Fitted
from billing.stripe.snapshots.fields import Json, object_id, required_time, text


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
    taxes: list[dict[str, Any]]  # by rate, as an invoice's; empty unless they were asked for


def checkout(data: Json) -> CheckoutSnapshot:
    """Read a Checkout session."""
    totals = data.get("total_details") or {}
    breakdown = totals.get("breakdown") or {}
    return CheckoutSnapshot(
        id=data["id"],
        status=text(data.get("status")),
        payment_status=text(data.get("payment_status")),
        customer_id=object_id(data.get("customer")),
        subscription_id=object_id(data.get("subscription")),
        payment_intent_id=object_id(data.get("payment_intent")),
        url=text(data.get("url")),
        expires_at=required_time(data["expires_at"]),
        tax=totals.get("amount_tax") or 0,
        taxes=[_tax(one) for one in breakdown.get("taxes") or []],
    )


def _tax(data: Json) -> dict[str, Any]:
    """Read a session's tax as `tax_snapshots.entries` reads an invoice's."""
    rate = data["rate"]
    return {
        "rate": rate["id"],
        "amount": data["amount"],
        "is_included": bool(rate.get("inclusive")),
        "reason": text(data.get("taxability_reason")),
    }
