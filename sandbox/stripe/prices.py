"""Prices, and the plan that a subscription item still shows for each."""

from __future__ import annotations

from sandbox.stripe import products
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, missing_parameter, new_metadata
from sandbox.world import Json, World

_ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())


def create(world: World, params: Json, *, price_id: str | None = None) -> Json:
    product_id = _product(world, params)
    amount = _amount(params)
    recurring = params.get("recurring")
    price = {
        "id": price_id or world.new_id("price_1"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": world.now(),
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": new_metadata(params),
        "nickname": params.get("nickname"),
        "product": product_id,
        "recurring": _recurring(recurring) if recurring else None,
        "tax_behavior": params.get("tax_behavior") or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    world.objects.put(price)
    emit(world, "price.created", price)
    return price


def _product(world: World, params: Json) -> str:
    if params.get("product_data"):
        created: str = products.create(world, params["product_data"])["id"]
        return created
    if not params.get("product"):
        raise missing_parameter("product")
    found: str = products.find(world, params["product"], param="product")["id"]
    return found


def _amount(params: Json) -> int:
    amount: int | None = params.get("unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    if amount < 0:
        raise invalid(
            "Invalid non-negative integer", param="unit_amount", code="parameter_invalid_integer"
        )
    return amount


def _recurring(wanted: Json) -> Json:
    return {
        "interval": wanted["interval"],
        "interval_count": wanted.get("interval_count") or 1,
        "meter": None,
        "trial_period_days": wanted.get("trial_period_days"),
        "usage_type": "licensed",
    }


def update(world: World, price: Json, params: Json) -> Json:
    with changing(world, price, "price.updated"):
        for name in ("active", "nickname", "lookup_key", "tax_behavior"):
            if name in params:
                price[name] = params[name]
        if "metadata" in params:
            price["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    return price


def find(world: World, price_id: str, *, param: str | None = None) -> Json:
    price = world.objects.get(price_id)
    if price is None or price["object"] != "price":
        raise missing("price", price_id, param=param or "price", status=400 if param else 404)
    return price


def plan(price: Json) -> Json:
    """The same price in the shape of the older plan."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": dict(price["metadata"]),
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def text(price: Json) -> str:
    """The price as it stands on invoices: `$29.00 / month`."""
    exponent = 0 if price["currency"] in _ZERO_DECIMAL else 2
    amount = f"{price['unit_amount'] / 10**exponent:,.{exponent}f}"
    sum_text = (
        f"${amount}" if price["currency"] == "usd" else f"{amount} {price['currency'].upper()}"
    )
    recurring = price["recurring"]
    if not recurring:
        return sum_text
    every = recurring["interval_count"]
    unit = recurring["interval"] if every == 1 else f"every {every} {recurring['interval']}s"
    return f"{sum_text} / {unit}"
