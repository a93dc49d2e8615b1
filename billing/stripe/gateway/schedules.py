"""Subscription schedules: another price from the next period on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import stripe

from billing.core import limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeError, StripeRefused


@dataclass(frozen=True)
class PlannedPrice:
    """Another price for a subscription, in place of one that it has, once its period is over.

    `ends_at` is that end, in seconds since 1970, as it was shown.
    """

    subscription_id: str
    old_price_id: str
    price_id: str
    interval: str
    interval_count: int
    ends_at: int


def plan_price(planned: PlannedPrice, key: str) -> None:
    """Let a price begin with the next period. Nothing is charged now.

    Stripe makes a schedule of the subscription as it is, which then gets a second phase, and lets
    the subscription go on by itself after that.

    Raises:
        StripeRefused: something is planned already, or the period has another end by now.
    """
    schedules = client().v1.subscription_schedules
    with translated_errors():
        made = schedules.create(
            {"from_subscription": planned.subscription_id}, {"idempotency_key": f"{key}:made"}
        ).to_dict(for_json=True)
    try:
        params = _in_two_phases(planned, made)
        with translated_errors():
            schedules.update(made["id"], limits.sendable(params), {"idempotency_key": key})
    except StripeError:
        # A schedule that changes nothing would only be in the way.
        with translated_errors():
            schedules.release(made["id"])
        raise


def _in_two_phases(
    planned: PlannedPrice, schedule: Mapping[str, Any]
) -> stripe.params.SubscriptionScheduleUpdateParams:
    """Return the phase that's running, as it is, and one with the new price."""
    [now] = schedule["phases"]
    if now["end_date"] != planned.ends_at:
        raise StripeRefused(f"The period of {planned.subscription_id} has another end by now.")
    kept = _kept(now)
    later = {name: value for name, value in kept.items() if name != "trial_end"}
    items = [
        {**item, "price": planned.price_id} if item["price"] == planned.old_price_id else item
        for item in kept["items"]
    ]
    lasting = {"interval": planned.interval, "interval_count": planned.interval_count}
    phases: Any = [
        {**kept, "start_date": now["start_date"], "end_date": now["end_date"]},
        {**later, "items": items, "duration": lasting, "proration_behavior": "none"},
    ]
    return {"phases": phases, "end_behavior": "release", "proration_behavior": "none"}


def _kept(phase: Mapping[str, Any]) -> dict[str, Any]:
    """Return a phase as parameters: what isn't sent again would be lost."""
    sent = phase.get("invoice_settings") or {}
    automatic = phase.get("automatic_tax") or {}
    found = {
        "items": [_item(one) for one in phase["items"]],
        "discounts": _discounts(phase),
        "default_tax_rates": _ids(phase.get("default_tax_rates")),
        "default_payment_method": snapshots.object_id(phase.get("default_payment_method")),
        "collection_method": phase.get("collection_method"),
        "description": phase.get("description"),
        "metadata": phase.get("metadata"),
        "trial_end": phase.get("trial_end"),
    }
    if automatic:
        found["automatic_tax"] = {"enabled": bool(automatic.get("enabled"))}
    if sent.get("days_until_due") is not None:
        found["invoice_settings"] = {"days_until_due": sent["days_until_due"]}
    return {name: value for name, value in found.items() if value}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "price": snapshots.object_id(item["price"]),
        "quantity": item.get("quantity"),
        "discounts": _discounts(item),
        "tax_rates": _ids(item.get("tax_rates")),
        "metadata": item.get("metadata"),
    }
    return {name: value for name, value in found.items() if value}


def _discounts(holder: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return discounts that go on: by what was granted, or else by coupon."""
    found = []
    for one in holder.get("discounts") or []:
        granted = snapshots.object_id(one.get("discount"))
        coupon = snapshots.object_id(one.get("coupon"))
        found.append({"discount": granted} if granted else {"coupon": coupon})
    return found


def _ids(entries: Any) -> list[str]:
    return [snapshots.object_id(one) for one in entries or []]
