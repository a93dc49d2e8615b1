"""Coupons: how much off, and for how long."""

from __future__ import annotations

from decimal import Decimal

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata, missing_parameter, new_metadata
from sandbox.world import Json, World


def create(world: World, params: Json) -> Json:
    percent, amount = params.get("percent_off"), params.get("amount_off")
    duration = params.get("duration") or "once"
    _check(world, params, percent, amount, duration)
    coupon = {
        "id": params.get("id") or world.new_id("_", 8)[1:],
        "object": "coupon",
        "amount_off": amount,
        "created": world.now(),
        "currency": params["currency"].lower() if amount else None,
        "duration": duration,
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": new_metadata(params),
        "name": params.get("name"),
        "percent_off": float(percent) if percent else None,
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    world.objects.put(coupon)
    emit(world, "coupon.created", coupon)
    return coupon


def _check(
    world: World, params: Json, percent: Decimal | None, amount: int | None, duration: str
) -> None:
    if (percent is None) == (amount is None):
        raise invalid("You must pass either percent_off or amount_off, and not both.")
    if percent is not None and not 0 < percent <= 100:
        raise invalid("Invalid percent_off: must be between 0 and 100.", param="percent_off")
    if amount is not None and amount <= 0:
        raise invalid("Invalid positive integer", param="amount_off")
    if amount and not params.get("currency"):
        raise missing_parameter("currency")
    if (duration == "repeating") != bool(params.get("duration_in_months")):
        raise invalid(
            "You must pass duration_in_months exactly when duration is repeating.",
            param="duration_in_months",
        )
    if params.get("id") and world.objects.get(params["id"]):
        raise invalid("Coupon already exists.", param="id", code="resource_already_exists")


def update(world: World, coupon: Json, params: Json) -> Json:
    with changing(world, coupon, "coupon.updated"):
        if "name" in params:
            coupon["name"] = params["name"]
        if "metadata" in params:
            coupon["metadata"] = merge_metadata(coupon["metadata"], params["metadata"])
    return coupon


def delete(world: World, coupon: Json) -> Json:
    """Delete it: nobody can redeem it anymore, but existing discounts stay."""
    coupon["valid"] = False
    world.objects.put(coupon)
    emit(world, "coupon.deleted", coupon)
    private(coupon)["deleted"] = True
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def check_redeemable(world: World, coupon: Json) -> None:
    by = coupon["redeem_by"]
    if not coupon["valid"] or (by and by <= world.now()):
        raise invalid(f"Coupon expired: {coupon['id']}", param="coupon", code="coupon_expired")


def count(world: World, coupon: Json) -> None:
    """Count a redemption; the last one allowed ends the coupon."""
    coupon["times_redeemed"] += 1
    if coupon["times_redeemed"] == coupon["max_redemptions"]:
        coupon["valid"] = False
    world.objects.put(coupon)


def find(world: World, coupon_id: str, *, param: str | None = None) -> Json:
    coupon = world.objects.get(coupon_id)
    if coupon is None or coupon["object"] != "coupon" or private(coupon).get("deleted"):
        raise missing("coupon", coupon_id, param=param or "coupon", status=400 if param else 404)
    return coupon
