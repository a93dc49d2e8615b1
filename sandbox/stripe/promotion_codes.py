"""Promotion codes: words that people type to redeem a coupon."""

from __future__ import annotations

from sandbox.stripe import coupons, customers
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.world import Json, World


def create(world: World, params: Json) -> Json:
    promotion = params["promotion"]
    coupon = coupons.find(world, promotion.get("coupon") or "", param="promotion[coupon]")
    code = params.get("code") or world.new_id("_", 8)[1:].upper()
    if by_code(world, code):
        raise invalid(
            "An active promotion code with `code: " + code + "` already exists.", param="code"
        )
    if params.get("customer"):
        customers.find(world, params["customer"], param="customer")
    restrictions = params.get("restrictions") or {}
    made = {
        "id": world.new_id("promo_1"),
        "object": "promotion_code",
        "active": params.get("active", True),
        "code": code,
        "created": world.now(),
        "customer": params.get("customer"),
        "customer_account": None,
        "expires_at": params.get("expires_at"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": new_metadata(params),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        "restrictions": {
            "first_time_transaction": restrictions.get("first_time_transaction", False),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
    }
    world.objects.put(made)
    emit(world, "promotion_code.created", made)
    return made


def by_code(world: World, code: str) -> Json | None:
    """The active promotion code for a word, in upper or lower case."""
    active = world.objects.list("promotion_code", active=True)
    return next((one for one in active if one["code"].lower() == code.strip().lower()), None)


def update(world: World, code: Json, params: Json) -> Json:
    with changing(world, code, "promotion_code.updated"):
        if "active" in params:
            code["active"] = params["active"]
        if "metadata" in params:
            code["metadata"] = merge_metadata(code["metadata"], params["metadata"])
    return code


def check(world: World, code: Json, customer_id: str | None, amount: int) -> None:
    """Check that this customer may use the code for a purchase of this amount."""
    expired = code["expires_at"] and code["expires_at"] <= world.now()
    foreign = code["customer"] not in (None, customer_id)
    if not code["active"] or expired or foreign:
        raise invalid("This promotion code cannot be redeemed.", code="promotion_code_inactive")
    rules = code["restrictions"]
    if amount < (rules["minimum_amount"] or 0):
        raise invalid("This promotion code has a higher minimum amount.")
    if rules["first_time_transaction"] and _bought_before(world, customer_id):
        raise invalid(
            "This promotion code cannot be redeemed because the associated customer has "
            "prior transactions.",
            code="coupon_not_first_time",
        )


def _bought_before(world: World, customer_id: str | None) -> bool:
    if customer_id is None:
        return False
    paid = world.objects.list("charge", customer=customer_id, status="succeeded")
    return bool(paid or world.objects.list("invoice", customer=customer_id, status="paid"))


def count(world: World, code: Json) -> None:
    code["times_redeemed"] += 1
    if code["times_redeemed"] == code["max_redemptions"]:
        code["active"] = False
    world.objects.put(code)


def find(world: World, code_id: str, *, param: str | None = None) -> Json:
    code = world.objects.get(code_id)
    if code is None or code["object"] != "promotion_code":
        raise missing(
            "promotion code", code_id, param=param or "promotion_code", status=400 if param else 404
        )
    return code
