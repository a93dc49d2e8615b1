"""Which tax rates a subscription and its items have."""

from __future__ import annotations

from sandbox.stripe import tax_rates
from sandbox.world import Json, World


def set_default_rates(world: World, subscription: Json, ids: list[str] | None) -> None:
    """Set the rates of every item that has none of its own."""
    rates = tax_rates.chosen(world, ids, param="default_tax_rates")
    items = subscription["items"]["data"]
    tax_rates.check_prices([(one["price"], rates) for one in items if not one["tax_rates"]])
    subscription["default_tax_rates"] = rates


def set_item_rates(world: World, item: Json, ids: list[str] | None, *, param: str) -> None:
    """Set an item's own rates, which take the place of the subscription's."""
    rates = tax_rates.chosen(world, ids, param=param)
    tax_rates.check_prices([(item["price"], rates)])
    item["tax_rates"] = rates
