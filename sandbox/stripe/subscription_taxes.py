"""The tax rates of a subscription and its items."""

from __future__ import annotations

from sandbox.stripe import automatic_tax, customers, tax_rates
from sandbox.stripe.errors import invalid
from sandbox.stripe.events import changing
from sandbox.world import Json, World


def set_default_rates(world: World, subscription: Json, ids: list[str] | None) -> None:
    """Set the rates for every item without its own."""
    rates = tax_rates.chosen(world, ids, param="default_tax_rates")
    items = subscription["items"]["data"]
    tax_rates.check_prices([(one["price"], rates) for one in items if not one["tax_rates"]])
    subscription["default_tax_rates"] = rates


def set_item_rates(world: World, item: Json, ids: list[str] | None, *, param: str) -> None:
    """Set an item's own rates, which replace the subscription's."""
    rates = tax_rates.chosen(world, ids, param=param)
    tax_rates.check_prices([(item["price"], rates)])
    item["tax_rates"] = rates


def set_automatic(world: World, subscription: Json, *, enabled: bool) -> None:
    """Turn Stripe's tax calculation on future invoices on or off."""
    if enabled:
        _check_automatic(world, subscription)
    subscription["automatic_tax"] = {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
    }


def _check_automatic(world: World, subscription: Json) -> None:
    automatic_tax.check_active(world)
    items = subscription["items"]["data"]
    if subscription["default_tax_rates"] or any(one["tax_rates"] for one in items):
        raise invalid(
            "You cannot use tax rates together with automatic tax.", param="automatic_tax[enabled]"
        )
    check_items(world, subscription)
    customer = customers.find(world, subscription["customer"])
    automatic_tax.check_place(world, customer, subscription)


def check_items(world: World, subscription: Json) -> None:
    """Refuse prices that say nothing about tax."""
    items = subscription["items"]["data"]
    automatic_tax.check_prices(world, [one["price"] for one in items])


def check_change(world: World, subscription: Json) -> None:
    """Refuse what Stripe Tax can't calculate: a new price for a customer it can't locate."""
    if subscription["automatic_tax"]["enabled"]:
        check_items(world, subscription)
        customer = customers.find(world, subscription["customer"])
        automatic_tax.check_place(world, customer, subscription)


def disable(world: World, subscription: Json) -> None:
    """Continue without tax: Stripe no longer knows where the customer is."""
    with changing(world, subscription, "customer.subscription.updated"):
        subscription["automatic_tax"] |= {
            "disabled_reason": "requires_location_inputs",
            "enabled": False,
        }
