"""Prices, and the legacy plan that a subscription item still shows for each."""

from __future__ import annotations

from sandbox.stripe import amounts, currencies, products
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, missing_parameter, new_metadata
from sandbox.world import Json, World

_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
"""Three years, in each interval."""


def create(world: World, params: Json, *, price_id: str | None = None) -> Json:
    amount = _amount(params)
    recurring = _recurring(params["recurring"]) if params.get("recurring") else None
    _check_lookup_key(world, params, None)
    product_id = _product(world, params)
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
        "recurring": recurring,
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
    product_id: str = products.find(world, params["product"], param="product")["id"]
    return product_id


def _amount(params: Json) -> int:
    amount: int | None = params.get("unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    if amount < 0:
        raise invalid(
            "Invalid non-negative integer", param="unit_amount", code="parameter_invalid_integer"
        )
    amounts.check_step(amount, params["currency"], param="unit_amount")
    if amount > currencies.most(params["currency"]):
        raise amounts.too_large(params["currency"], param="unit_amount")
    return amount


def _recurring(wanted: Json) -> Json:
    count, longest = wanted.get("interval_count") or 1, _LONGEST[wanted["interval"]]
    if count > longest:
        raise invalid(
            f"This value must be less than or equal to {longest} (it currently is '{count}').",
            param="recurring[interval_count]",
            code="parameter_invalid_integer",
        )
    return {
        "interval": wanted["interval"],
        "interval_count": count,
        "meter": None,
        "trial_period_days": wanted.get("trial_period_days"),
        "usage_type": "licensed",
    }


def _check_lookup_key(world: World, params: Json, price: Json | None) -> None:
    """A key names one active price; it can be transferred on request."""
    key = params.get("lookup_key")
    others = [one for one in world.objects.list("price", lookup_key=key) if one is not price]
    if not key or not others:
        return
    if not params.get("transfer_lookup_key"):
        message = f"A price (`{others[0]['id']}`) already uses that lookup key."
        raise invalid(message, param="lookup_key")
    for other in others:
        with changing(world, other, "price.updated"):
            other["lookup_key"] = None


def update(world: World, price: Json, params: Json) -> Json:
    _check_lookup_key(world, params, price)
    if params.get("active") is False and price["active"]:
        _check_default(world, price)
    with changing(world, price, "price.updated"):
        for name in ("active", "nickname", "lookup_key", "tax_behavior"):
            if name in params:
                price[name] = params[name]
        if "metadata" in params:
            price["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    return price


def _check_default(world: World, price: Json) -> None:
    product = products.find(world, price["product"])
    if product["default_price"] == price["id"]:
        raise invalid(
            "This price cannot be archived because it is the default price of its product."
        )


def find(world: World, price_id: str, *, param: str | None = None) -> Json:
    price = world.objects.get(price_id)
    if price is None or price["object"] != "price":
        raise missing("price", price_id, param=param or "price", status=400 if param else 404)
    return price


def interval(price: Json) -> tuple[str, int]:
    """How often a recurring price is charged."""
    recurring = price["recurring"]
    return recurring["interval"], recurring["interval_count"]


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
    """The price as invoices show it: `$29.00 / month`."""
    sum_text = currencies.money(price["unit_amount"], price["currency"])
    recurring = price["recurring"]
    if not recurring:
        return sum_text
    every = recurring["interval_count"]
    unit = recurring["interval"] if every == 1 else f"every {every} {recurring['interval']}s"
    return f"{sum_text} / {unit}"
