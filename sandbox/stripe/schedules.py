"""Subscription schedules: a price change from the next period on.

`create` is one of the sandbox's controls: what Stripe's dashboard does. The API makes one of a
subscription as it is (`begin`), and gives it phases after that (`change`).
"""

from __future__ import annotations

from sandbox.stripe import periods, prices, subscription_items
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.shown import copy, whole
from sandbox.world import Json, World

_UPDATED = "subscription_schedule.updated"


def begin(world: World, subscription: Json) -> Json:
    """Put a subscription under a schedule, which has its present phase and nothing after it."""
    _check(subscription)
    first = subscription["items"]["data"][0]
    start, end = first["current_period_start"], first["current_period_end"]
    items = [_item(item) for item in subscription["items"]["data"]]
    discounts = [
        {"coupon": None, "discount": one, "promotion_code": None}
        for one in subscription["discounts"]
    ]
    phase = _phase(subscription, items, start, end) | {
        "discounts": discounts,
        "trial_end": subscription["trial_end"],
    }
    return _attach(world, subscription, [phase])


def change(world: World, schedule: Json, params: Json) -> Json:
    """Replace a schedule's phases. The first one must be what the subscription is in now."""
    if schedule["status"] not in ("active", "not_started"):
        raise invalid(
            f"You cannot update a subscription schedule that is currently in the "
            f"`{schedule['status']}` status."
        )
    subscription = world.objects.get(schedule["subscription"])
    if subscription is None:
        raise missing("subscription", schedule["subscription"], param="subscription")
    phases = _asked(world, schedule, subscription, params["phases"])
    with changing(world, schedule, _UPDATED):
        schedule |= {"phases": phases, "end_behavior": params.get("end_behavior") or "release"}
    return schedule


def _asked(world: World, schedule: Json, subscription: Json, wanted: list[Json]) -> list[Json]:
    phases: list[Json] = []
    for one in wanted:
        start = one.get("start_date") or (phases[-1]["end_date"] if phases else None)
        if start is None or (phases and start != phases[-1]["end_date"]):
            raise invalid("Phases must follow each other.", param="phases")
        if not phases and start != schedule["current_phase"]["start_date"]:
            raise invalid(
                "You can not modify the start date of the current phase.", param="phases[0]"
            )
        items, recurring = [], {}
        for item in one["items"]:
            price = prices.find(world, item["price"], param="price")
            recurring = price["recurring"]
            items.append(_item({"price": price, "quantity": item.get("quantity", 1)}))
        lasting = one.get("duration") or recurring
        end = one.get("end_date") or periods.end(start, start, lasting)
        granted = [
            {"coupon": None, "discount": None, "promotion_code": None} | given
            for given in one.get("discounts") or []
        ]
        behavior = one.get("proration_behavior") or "create_prorations"
        phases.append(
            _phase(subscription, items, start, end)
            | {"discounts": granted, "proration_behavior": behavior}
            | {"trial_end": one.get("trial_end"), "metadata": one.get("metadata") or {}}
        )
    return phases


def _check(subscription: Json) -> None:
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise invalid("Only an active subscription can be scheduled.", param="from_subscription")
    if subscription["schedule"]:
        raise invalid("A subscription can only have one schedule.", param="from_subscription")


def coming(world: World, schedule: Json) -> Json | None:
    """The subscription as its next phase makes it, to preview; None without one."""
    subscription = world.objects.get(schedule["subscription"] or "")
    now = schedule["current_phase"]
    later = [one for one in schedule["phases"] if now and one["start_date"] >= now["end_date"]]
    if subscription is None:
        return None
    found: Json = copy(subscription)
    if later:
        _take_on(world, found, later[0], later[0]["start_date"])
    return found


def create(world: World, subscription: Json, price_id: str) -> Json:
    """Schedule another price for a subscription's first item, after the current period."""
    _check(subscription)
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
    return _attach(world, subscription, [now, later])


def _attach(world: World, subscription: Json, phases: list[Json]) -> Json:
    schedule = _blank(world, subscription, phases)
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


def is_over(world: World, subscription: Json, at: int) -> bool:
    """Whether a schedule ends its subscription now, after its last phase."""
    schedule = _of(world, subscription)
    if schedule is None or schedule["end_behavior"] != "cancel":
        return False
    return bool(schedule["phases"][-1]["end_date"] <= at)


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
    _take_on(world, subscription, phase, at)
    with changing(world, schedule, _UPDATED):
        schedule["current_phase"] = _dates(phase)


def _take_on(world: World, subscription: Json, phase: Json, at: int) -> None:
    """Give a subscription the items of a phase, which may be more or fewer.

    An item stays if the phase has its price. The others get the phase's other prices, in order.
    """
    have = subscription["items"]["data"]
    asked = {one["price"] for one in phase["items"]}
    kept = {one["price"]["id"]: one for one in have if one["price"]["id"] in asked}
    others = [one for one in have if one["price"]["id"] not in asked]
    period = (have[0]["current_period_start"], have[0]["current_period_end"])
    items = []
    for wanted in phase["items"]:
        price = prices.find(world, wanted["price"], param="price")
        item = kept.get(price["id"]) or (others.pop(0) if others else None)
        if item and prices.interval(price) != prices.interval(item["price"]):
            subscription["billing_cycle_anchor"] = at
        item = item or subscription_items.new(world, subscription["id"], price, 1, period)
        item |= {"price": copy(price), "plan": prices.plan(price), "quantity": wanted["quantity"]}
        items.append(item)
    subscription["items"] |= {"data": items, "total_count": len(items)}


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
