"""A subscription's items: what it charges for."""

from __future__ import annotations

from sandbox.stripe import prices
from sandbox.stripe.shown import copy
from sandbox.world import Json, World


def new(
    world: World, subscription_id: str, price: Json, quantity: int, period: tuple[int, int]
) -> Json:
    """An item that isn't part of its subscription yet."""
    return {
        "id": world.new_id("si", 14),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": world.now(),
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": {},
        "plan": prices.plan(price),
        "price": copy(price),
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }
