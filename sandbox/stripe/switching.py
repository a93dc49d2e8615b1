"""Price changes of a subscription: proration, and the invoice if a new period begins."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe import (
    cards,
    checkout_rules,
    customers,
    discounts,
    invoice_items,
    invoices,
    periods,
    prices,
    renewals,
    subscription_items,
    subscription_rules,
    subscription_taxes,
    subscriptions,
)
from sandbox.stripe import invoice_documents as documents
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing
from sandbox.stripe.shown import copy
from sandbox.world import Json, World


@dataclass(frozen=True)
class Change:
    """The result of new prices: credit and charges for the rest of the period."""

    prorations: list[Json]
    restarts: bool
    """The new price has another interval: its period begins now and is paid at once."""


def switch(world: World, subscription: Json, params: Json) -> None:
    """Change items as `subscriptions.update` asks, with all consequences."""
    behavior = params.get("proration_behavior") or "create_prorations"
    at = params.get("proration_date")
    _check_date(subscription, at)
    # Try it on a copy first, so a refused change leaves nothing half done.
    _apply(world, copy(subscription), params["items"], behavior, at)
    if params.get("payment_behavior") == "error_if_incomplete" and _due_now(
        world, subscription, params
    ):
        _check_card(world, subscription)
    subscription_taxes.check_change(world, subscription)
    with changing(world, subscription, "customer.subscription.updated"):
        change = _apply(world, subscription, params["items"], behavior, at)
        for item in change.prorations:
            world.objects.put(item)
        if not change.restarts and (behavior != "always_invoice" or not change.prorations):
            return
        invoice = _invoice(world, subscription, restarts=change.restarts)
        subscription["latest_invoice"] = invoice["id"]
    _collect(world, subscription, invoice)


def _check_date(subscription: Json, at: int | None) -> None:
    start, end = subscriptions.period(subscription)
    if at is not None and not start <= at <= end:
        raise invalid(
            "Cannot specify proration date outside of current subscription period",
            param="proration_date",
        )


def _due_now(world: World, subscription: Json, params: Json) -> int:
    """What the change makes due right away."""
    shown = preview(world, subscription, params)
    due: int = shown["amount_due"] if shown["billing_reason"] == "subscription_update" else 0
    return due


def _check_card(world: World, subscription: Json) -> None:
    customer = customers.find(world, subscription["customer"])
    method = customers.default_method(world, customer, subscription)
    if method is None:
        raise subscription_rules.without_method()
    subscription_rules.check_card(cards.of_method(method), off_session=True)


def _invoice(world: World, subscription: Json, *, restarts: bool) -> Json:
    customer = customers.find(world, subscription["customer"])
    waiting = invoice_items.pending(world, customer["id"], subscription["id"])
    lines = [invoice_items.line(world, item) for item in waiting]
    if restarts:
        lines += _period_lines(world, subscription)
    now = world.now()
    invoice = documents.draft(
        world,
        customer,
        reason="subscription_update",
        currency=subscription["currency"],
        lines=lines,
        subscription=subscription,
        period=(now, now),
        granted=discounts.of(world, subscription),
    )
    invoice_items.settle(world, waiting, invoice)
    if restarts:
        discounts.drop_used(world, subscription, invoice)
    return documents.finalize(world, invoice, customer)


def _period_lines(world: World, subscription: Json) -> list[Json]:
    period = subscriptions.period(subscription)
    return [
        documents.subscription_line(world, subscription, item, period)
        for item in subscription["items"]["data"]
    ]


def _collect(world: World, subscription: Json, invoice: Json) -> None:
    outcome = invoices.collect(world, invoice)
    if outcome.status not in ("complete", "processing") and subscription["status"] == "active":
        subscriptions.set_status(world, subscription, "past_due")


def _apply(
    world: World, subscription: Json, wanted: list[Json], behavior: str, at: int | None
) -> Change:
    """Apply the new prices. Nothing is stored, so a preview can use a copy."""
    now = at or world.now()
    trial = subscription["status"] == "trialing"
    prorated = behavior != "none" and not trial
    prorations: list[Json] = []
    restarts = False
    for index, change in enumerate(wanted):
        if change.get("price") and not change.get("id"):
            item = _add(world, subscription, change, index)
            if prorated:
                prorations.append(_charge(world, subscription, item, now))
            continue
        item = _item(subscription, change, index)
        old = copy(item)
        if change.get("deleted"):
            _remove(subscription, item)
            if prorated:
                prorations.append(_credit(world, subscription, old, now))
            continue
        _change_item(world, subscription, item, change, index)
        restarts |= prices.interval(old["price"]) != prices.interval(item["price"]) and not trial
        if prorated:
            prorations.append(_credit(world, subscription, old, now))
            if not restarts:
                prorations.append(_charge(world, subscription, item, now))
    subscription_rules.check_intervals([item["price"] for item in subscription["items"]["data"]])
    if restarts:
        _restart(subscription, now)
    return Change(prorations, restarts)


def _item(subscription: Json, change: Json, index: int) -> Json:
    for item in subscription["items"]["data"]:
        if item["id"] == change.get("id"):
            own: Json = item
            return own
    raise invalid(
        f"Invalid subscription item: '{change.get('id')}' is not one of this subscription.",
        param=f"items[{index}][id]",
    )


def _add(world: World, subscription: Json, change: Json, index: int) -> Json:
    items = subscription["items"]
    if len(items["data"]) >= subscriptions.MOST_ITEMS:
        raise invalid(
            f"A subscription can have at most {subscriptions.MOST_ITEMS} items.", param="items"
        )
    param = f"items[{index}][price]"
    price = prices.find(world, change["price"], param=param)
    subscription_rules.check_line(price, param)
    subscription_rules.check_new_item(subscription, price["id"], None)
    if price["currency"] != subscription["currency"]:
        raise checkout_rules.other_currency(price, subscription["currency"], param)
    quantity = 1 if change.get("quantity") is None else change["quantity"]
    period = subscriptions.period(subscription)
    item = subscription_items.new(world, subscription["id"], price, quantity, period)
    item["metadata"] = change.get("metadata") or {}
    items["data"].append(item)
    items["total_count"] = len(items["data"])
    subscription_taxes.set_item_rates(
        world, item, change.get("tax_rates"), param=f"items[{index}][tax_rates]"
    )
    return item


def _remove(subscription: Json, item: Json) -> None:
    items = subscription["items"]
    if len(items["data"]) == 1:
        raise subscription_rules.without_items()
    items["data"].remove(item)
    items["total_count"] = len(items["data"])


def _change_item(world: World, subscription: Json, item: Json, change: Json, index: int) -> None:
    if change.get("price"):
        param = f"items[{index}][price]"
        price = prices.find(world, change["price"], param=param)
        if price["id"] != item["price"]["id"]:
            subscription_rules.check_line(price, param)
        subscription_rules.check_new_item(subscription, price["id"], item["id"])
        if price["currency"] != subscription["currency"]:
            raise checkout_rules.other_currency(price, subscription["currency"], param)
        item |= {"price": copy(price), "plan": prices.plan(price)}
    if change.get("quantity") is not None:
        item["quantity"] = change["quantity"]
    if "tax_rates" in change:
        subscription_taxes.set_item_rates(
            world, item, change["tax_rates"], param=f"items[{index}][tax_rates]"
        )


def _restart(subscription: Json, now: int) -> None:
    subscription["billing_cycle_anchor"] = now
    for item in subscription["items"]["data"]:
        item["current_period_start"] = now
        item["current_period_end"] = periods.end(now, now, item["price"]["recurring"])


def _credit(world: World, subscription: Json, old: Json, now: int) -> Json:
    start, end = old["current_period_start"], old["current_period_end"]
    amount = -round(_paid_for(world, subscription, old) * (end - now) / (end - start))
    return invoice_items.proration(world, subscription, old, amount, "Unused time on", (now, end))


def _paid_for(world: World, subscription: Json, item: Json) -> int:
    """What an item's period cost after discounts."""
    for invoice in world.objects.list("invoice", customer=subscription["customer"]):
        for line in invoice["lines"]["data"]:
            details = (line["parent"] or {}).get("subscription_item_details")
            if (
                details
                and details["subscription_item"] == item["id"]
                and line["period"]["end"] == item["current_period_end"]
                and line["amount"] >= 0
            ):
                less = sum(int(entry["amount"]) for entry in line["discount_amounts"])
                return int(line["amount"]) - less
    return int(item["price"]["unit_amount"] * item["quantity"])


def _charge(world: World, subscription: Json, item: Json, now: int) -> Json:
    start, end = item["current_period_start"], item["current_period_end"]
    cost = item["price"]["unit_amount"] * item["quantity"]
    for discount in discounts.of(world, subscription):
        coupon = world.objects.get(discount["source"]["coupon"])
        cost -= discounts.spread(coupon, [cost])[0] if coupon else 0
    amount = round(cost * (end - now) / (end - start))
    return invoice_items.proration(
        world, subscription, item, amount, "Remaining time on", (now, end)
    )


def preview(world: World, subscription: Json, wanted: Json) -> Json:
    """The invoice that a change would make: the immediate one, or the next renewal's."""
    changed: Json = copy(subscription)
    behavior = wanted.get("proration_behavior") or "create_prorations"
    _check_date(subscription, wanted.get("proration_date"))
    change = _apply(world, changed, wanted["items"], behavior, wanted.get("proration_date"))
    lines = [invoice_items.line(world, item) for item in change.prorations]
    if not change.restarts and behavior != "always_invoice":
        return renewals.preview(world, changed, extra=lines)
    waiting = invoice_items.pending(world, changed["customer"], changed["id"])
    lines = [*(invoice_items.line(world, item) for item in waiting), *lines]
    if change.restarts:
        lines += _period_lines(world, changed)
    now = wanted.get("proration_date") or world.now()
    return renewals.previewed(
        world, changed, lines, "subscription_update", period=(now, now), attempt_at=now
    )
