"""Subscription schedules: a price change from the next period on, made in Stripe's dashboard.

The API reads and releases them; `create` is one of the sandbox's controls.
"""

from __future__ import annotations

from sandbox.stripe import periods, prices
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.shown import copy, whole
from sandbox.world import Json, World

_UPDATED = "subscription_schedule.updated"


def create(world: World, subscription: Json, price_id: str) -> Json:
    """Schedule another price for a subscription's first item, after the current period."""
    if subscription["status"] not in ("active", "trialing"):
        raise invalid("Only an active subscription can be scheduled.", param="from_subscription")
    if subscription["schedule"]:
        raise invalid("A subscription can only have one schedule.", param="from_subscription")
    price = prices.find(world, price_id, param="price")
    first = subscription["items"]["data"][0]
    start, end = first["current_period_start"], first["current_period_end"]
    items = [_item(item) for item in subscription["items"]["data"]]
    changed = [{**items[0], "plan": price["id"], "price": price["id"]}, *items[1:]]
    # Another interval starts its own cycle.
    is_same = prices.interval(price) == prices.interval(first["price"])
    anchor = subscription["billing_cycle_anchor"] if is_same else end
    following = periods.end(anchor, end, price["recurring"])
    now, later = (
        _phase(subscription, items, start, end),
        _phase(subscription, changed, end, following),
    )
    schedule = _blank(world, subscription, [now, later])
    world.objects.put(schedule)
    emit(world, "subscription_schedule.created", schedule)
    with changing(world, subscription, "customer.subscription.updated"):
        subscription["schedule"] = schedule["id"]
    return schedule


def _item(item: Json) -> Json:
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": item["price"]["id"],
        "price": item["price"]["id"],
        "quantity": item["quantity"],
        "tax_rates": [],
    }


def _phase(subscription: Json, items: list[Json], start: int, end: int) -> Json:
    names = "application_fee_percent billing_cycle_anchor billing_thresholds collection_method"
    more = "default_payment_method description invoice_settings on_behalf_of transfer_data"
    return dict.fromkeys(f"{names} {more}".split()) | {
        "add_invoice_items": [],
        "currency": subscription["currency"],
        "default_tax_rates": [],
        "discounts": [],
        "end_date": end,
        "items": items,
        "metadata": {},
        "proration_behavior": "create_prorations",
        "start_date": start,
        "trial_end": None,
    }


def _blank(world: World, subscription: Json, phases: list[Json]) -> Json:
    settings = {
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": "automatic",
        "billing_thresholds": None,
        "collection_method": subscription["collection_method"],
        "default_payment_method": subscription["default_payment_method"],
        "description": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "days_until_due": subscription["days_until_due"],
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "on_behalf_of": None,
        "transfer_data": None,
    }
    return whole(
        {
            "id": world.new_id("sub_sched_1"),
            "object": "subscription_schedule",
            "billing_mode": copy(subscription["billing_mode"]),
            "created": world.now(),
            "current_phase": _dates(phases[0]),
            "customer": subscription["customer"],
            "default_settings": settings,
            "end_behavior": "release",
            "livemode": False,
            "metadata": {},
            "pause_schedules": [],
            "phases": phases,
            "status": "active",
            "subscription": subscription["id"],
        }
    )


def _dates(phase: Json) -> Json:
    return {name: phase[name] for name in ("end_date", "start_date")}


def turn(world: World, subscription: Json, at: int) -> None:
    """A period is over: the next phase begins, or the schedule releases after the last."""
    schedule = _of(world, subscription)
    if schedule is None:
        return
    phase = next((one for one in schedule["phases"] if one["start_date"] == at), None)
    if phase is None:
        _let_go(world, schedule)
        subscription["schedule"] = None
        return
    for item, wanted in zip(subscription["items"]["data"], phase["items"], strict=True):
        price = prices.find(world, wanted["price"], param="price")
        if prices.interval(price) != prices.interval(item["price"]):
            subscription["billing_cycle_anchor"] = at
        item |= {"price": copy(price), "plan": prices.plan(price)}
    with changing(world, schedule, _UPDATED):
        schedule["current_phase"] = _dates(phase)


def _let_go(world: World, schedule: Json) -> None:
    schedule |= {
        "current_phase": None,
        "released_at": world.now(),
        "released_subscription": schedule["subscription"],
        "status": "released",
        "subscription": None,
    }
    world.objects.put(schedule)
    emit(world, "subscription_schedule.released", schedule)


def release(world: World, schedule: Json) -> Json:
    """Leave the subscription as it is, and drop the remaining phases."""
    if schedule["status"] not in ("active", "not_started"):
        raise invalid(
            "You cannot release a subscription schedule that is currently in the "
            f"`{schedule['status']}` status. It must be in the `active` or `not_started` status."
        )
    subscription = world.objects.get(schedule["subscription"])
    _let_go(world, schedule)
    if subscription:
        with changing(world, subscription, "customer.subscription.updated"):
            subscription["schedule"] = None
    return schedule


def end(world: World, subscription: Json) -> None:
    """End the schedule along with its subscription."""
    schedule = _of(world, subscription)
    if schedule is not None:
        schedule |= {"canceled_at": world.now(), "current_phase": None, "status": "canceled"}
        world.objects.put(schedule)
        emit(world, "subscription_schedule.canceled", schedule)


def check_end(subscription: Json, params: Json) -> None:
    """Refuse to change the end of a subscription that a schedule manages."""
    if subscription["schedule"] and {"cancel_at", "cancel_at_period_end"} & set(params):
        raise invalid(
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating any cancelation behavior directly is not "
            "allowed. Please update the schedule instead."
        )


def _of(world: World, subscription: Json) -> Json | None:
    return world.objects.get(subscription["schedule"]) if subscription["schedule"] else None


def find(world: World, schedule_id: str) -> Json:
    schedule = world.objects.get(schedule_id)
    if schedule is None or schedule["object"] != "subscription_schedule":
        raise missing("subscription schedule", schedule_id, param="schedule")
    return schedule
