"""Subscriptions, with their items and discounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing.core.fitted import Fitted
from billing.core.subscription_items import SubscriptionItem
from billing.stripe.snapshots.cards import Card, method_card, paying_method
from billing.stripe.snapshots.fields import (
    CHARGED,
    FREE_KEY,
    ZELLE_KEY,
    Json,
    object_id,
    part,
    required_time,
    text,
    time,
)


@dataclass(frozen=True)
class PlannedPhase:
    """A later phase of a subscription's schedule, with its items' prices."""

    begins_at: datetime
    price_ids: tuple[str, ...]


@dataclass(frozen=True)
class SubscriptionSnapshot(Fitted):
    """A subscription with its items, which hold the periods and the prices."""

    id: str
    customer_id: str
    status: str
    items: list[SubscriptionItem]
    currency: str
    trial_end: datetime | None
    has_free_time: bool  # given by staff, rather than the trial it began with
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
    is_by_zelle: bool
    tax_problem: str
    schedule_id: str  # of what's planned for it at Stripe
    phases: tuple[PlannedPhase, ...]  # what that changes later, the next first
    balance: int  # the customer's, in the subscription's currency: negative is credit

    @property
    def current_period_end(self) -> datetime:
        """When its next item is charged."""
        return datetime.fromtimestamp(min(one.period_end for one in self.items), UTC)


def subscription(data: Json) -> SubscriptionSnapshot:
    """Read a subscription with payment method, customer and discounts expanded."""
    if not data["items"]["data"]:
        raise ValueError("A subscription without items.")
    method = paying_method(data)
    pause = data.get("pause_collection") or {}
    automatic = data.get("automatic_tax") or {}
    return SubscriptionSnapshot(
        id=data["id"],
        customer_id=object_id(data["customer"]),
        status=data["status"],
        items=[_subscription_item(item, data["currency"]) for item in data["items"]["data"]],
        currency=data["currency"],
        trial_end=time(data.get("trial_end")),
        cancel_at=time(data.get("cancel_at")) or _scheduled_end(data),
        cancel_at_period_end=bool(data.get("cancel_at_period_end")),
        canceled_at=time(data.get("canceled_at")),
        started_at=required_time(data["start_date"]),
        ended_at=time(data.get("ended_at")),
        end_reason=text((data.get("cancellation_details") or {}).get("reason")),
        card=method_card(method),
        method_id=object_id(method),
        card_added_at=time(method.get("created")),
        collection_method=text(data.get("collection_method")) or CHARGED,
        days_until_due=data.get("days_until_due"),
        pause_behavior=text(pause.get("behavior")),
        resumes_at=time(pause.get("resumes_at")),
        discounts=_discounts(data),
        tax_is_automatic=bool(automatic.get("enabled")),
        has_free_time=bool((data.get("metadata") or {}).get(FREE_KEY)),
        is_by_zelle=bool((data.get("metadata") or {}).get(ZELLE_KEY)),
        schedule_id=object_id(data.get("schedule")),
        phases=_phases(data),
        tax_problem=text(automatic.get("disabled_reason")),
        balance=_balance(part(data["customer"]), data["currency"]),
    )


def _scheduled_end(data: Json) -> datetime | None:
    """Return when its schedule, if it's expanded, ends it with the last phase.

    Stripe doesn't promise that the subscription says so itself.
    """
    schedule = part(data.get("schedule"))
    ends_it = schedule.get("end_behavior") == "cancel" and schedule.get("current_phase")
    return time(schedule["phases"][-1]["end_date"]) if ends_it else None


def _phases(data: Json) -> tuple[PlannedPhase, ...]:
    """Read from a subscription's schedule, if it's expanded, the later phases that change it."""
    schedule = part(data.get("schedule"))
    now = schedule.get("current_phase")
    if not now:
        return ()
    return tuple(
        PlannedPhase(
            begins_at=required_time(one["start_date"]),
            price_ids=tuple(object_id(item["price"]) for item in one["items"]),
        )
        for one in schedule["phases"]
        if one["start_date"] >= now["end_date"] and _is_other(one, data)
    )


def _is_other(phase: Json, data: Json) -> bool:
    """Whether a phase has other prices or quantities, or a new discount or trial."""
    asked = Counter({object_id(one["price"]): one.get("quantity") or 1 for one in phase["items"]})
    have = Counter({one["price"]["id"]: one.get("quantity") or 1 for one in data["items"]["data"]})
    given = [*(phase.get("discounts") or [])]
    for item in phase["items"]:
        given += item.get("discounts") or []
    is_new = any(one.get("coupon") or one.get("promotion_code") for one in given)
    return asked != have or is_new or (phase.get("trial_end") or 0) > phase["start_date"]


def _subscription_item(data: Json, currency: str) -> SubscriptionItem:
    """Read an item. One billed by usage has no amount before it's used."""
    price = data["price"]
    # A price may have amounts in other currencies than its own.
    own = (price.get("currency_options") or {}).get(currency) or {}
    if own and currency != price["currency"]:
        price = {**price, **own, "currency": currency}
    recurring = price.get("recurring") or {}
    is_metered = recurring.get("usage_type") == "metered"
    return SubscriptionItem(
        id=data["id"],
        price_id=price["id"],
        product_id=object_id(price["product"]),
        quantity=1 if is_metered else data.get("quantity") or 1,
        unit_amount=None if is_metered else _unit_amount(price),
        currency=price["currency"],
        interval=text(recurring.get("interval")),
        interval_count=recurring.get("interval_count") or 1,
        period_start=int(data["current_period_start"]),
        period_end=int(data["current_period_end"]),
    )


def _unit_amount(price: Json) -> int | None:
    """Return a price's amount, rounded to minor units; None if it has tiers."""
    exact = price.get("unit_amount_decimal")
    amount: int | None = price.get("unit_amount")
    return round(Decimal(exact)) if amount is None and exact else amount


def _balance(customer_object: Json, currency: str) -> int:
    """Return a customer's balance if it's in this currency: otherwise it can't be used."""
    own = customer_object.get("currency") or currency
    return int(customer_object.get("balance") or 0) if own == currency else 0


def _discounts(data: Json) -> list[dict[str, Any]]:
    """Read the discounts of a subscription's items, which come first, and its own."""
    of_items = [
        _discount(one) | {"item": item["id"]}
        for item in data["items"]["data"]
        for one in item.get("discounts") or []
        if isinstance(one, Mapping)
    ]
    return [*of_items, *(_discount(one) for one in data.get("discounts") or [])]


def _discount(data: Any) -> dict[str, Any]:
    """Read a discount of a subscription with its coupon and promotion code expanded."""
    granted = (data.get("source") or {}).get("coupon") or {}
    code = data.get("promotion_code")
    return {
        "id": data["id"],
        "coupon": object_id(granted),
        "name": text(granted.get("name")),
        "code": text(code.get("code")) if isinstance(code, Mapping) else "",
        "percent_off": granted.get("percent_off"),
        "amount_off": granted.get("amount_off"),
        "currency": text(granted.get("currency")),
        "duration": text(granted.get("duration")),
        "ends_at": data.get("end"),
    }
