"""Manually created tax rates, and what they may be applied to."""

from __future__ import annotations

import re
from decimal import Decimal

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.stripe.shown import copy
from sandbox.world import Json, World

MOST = 5
"""How many rates one line, invoice or subscription may have (Stripe documentation, "Tax rates")."""
_PLAIN = ("active", "country", "description", "display_name", "jurisdiction", "state", "tax_type")


def create(world: World, params: Json) -> Json:
    _check(params)
    rate = _blank(world, params["percentage"], inclusive=params["inclusive"])
    rate |= {name: params[name] for name in _PLAIN if name in params}
    rate["metadata"] = new_metadata(params)
    world.objects.put(rate)
    emit(world, "tax_rate.created", rate)
    return rate


def _check(params: Json) -> None:
    percentage = params["percentage"]
    if not 0 <= percentage <= 100:
        raise invalid("Invalid percentage: must be between 0 and 100.", param="percentage")
    if percentage.as_tuple().exponent < -4:
        raise invalid("Invalid percentage: at most 4 decimal places.", param="percentage")
    _check_country(params)


def _check_country(params: Json) -> None:
    country = params.get("country")
    if country and not re.fullmatch("[A-Z]{2}", country):
        raise invalid(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code "
            "instead, such as 'US', 'EG', or 'GB'.",
            param="country",
            code="country_code_invalid",
        )


def _blank(world: World, percentage: Decimal, *, inclusive: bool) -> Json:
    return {
        "id": world.new_id("txr_1"),
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": world.now(),
        "description": None,
        "display_name": "",
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": {},
        "percentage": float(percentage),
        "rate_type": None,
        "state": None,
        "tax_type": None,
    }


def update(world: World, rate: Json, params: Json) -> Json:
    """Change a rate's texts; its percentage never changes."""
    _check_country(params)
    with changing(world, rate, "tax_rate.updated"):
        rate |= {name: params[name] for name in _PLAIN if name in params}
        if "metadata" in params:
            rate["metadata"] = merge_metadata(rate["metadata"], params["metadata"])
    _show_again(world, rate)
    return rate


def _show_again(world: World, rate: Json) -> None:
    """Update the copies of a rate in objects that show it in full."""
    for owner in (*world.objects.list("subscription"), *world.objects.list("invoice")):
        places = [owner, *(owner["items"]["data"] if "items" in owner else [])]
        for place in places:
            name = "default_tax_rates" if "default_tax_rates" in place else "tax_rates"
            place[name] = [
                copy(rate) if one["id"] == rate["id"] else one for one in place.get(name) or []
            ]
        world.objects.put(owner)


def chosen(world: World, ids: list[str] | None, *, param: str) -> list[Json]:
    """The full rates that a request names; refuse those that can't be applied anymore."""
    if len(ids or []) > MOST:
        raise invalid(f"You may apply at most {MOST} tax rates.", param=param)
    rates = [find(world, one, param=f"{param}[{index}]") for index, one in enumerate(ids or [])]
    for index, rate in enumerate(rates):
        if not rate["active"]:
            raise invalid(
                f"The tax rate {rate['id']} is archived, so it can't be applied.",
                param=f"{param}[{index}]",
            )
    return [copy(rate) for rate in rates]


def check_prices(lines: list[tuple[Json, list[Json]]]) -> None:
    """Refuse rates that contradict the price they apply to."""
    for price, rates in lines:
        for rate in rates:
            behavior = "inclusive" if rate["inclusive"] else "exclusive"
            if price["tax_behavior"] not in ("unspecified", behavior):
                raise invalid(
                    "One or more prices has a `tax_behavior` that conflicts with the tax rates "
                    "that apply to the corresponding line item."
                )


def find(world: World, rate_id: str, *, param: str | None = None) -> Json:
    rate = world.objects.get(rate_id)
    if rate is None or rate["object"] != "tax_rate":
        raise missing("tax rate", rate_id, param=param or "id", status=400 if param else 404)
    return rate
