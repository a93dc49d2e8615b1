"""Discounts: coupons redeemed by a subscription, an invoice, or a Checkout session."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.stripe import coupons, periods, promotion_codes
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit
from sandbox.world import Json, World


@dataclass(frozen=True)
class Choice:
    """A coupon that can be redeemed, and the promo code that led to it."""

    coupon: Json
    code: Json | None = None

    @property
    def of_session(self) -> Json:
        """As a Checkout session shows it."""
        return {
            "coupon": self.coupon["id"],
            "promotion_code": self.code["id"] if self.code else None,
        }


def choices(
    world: World, wanted: list[Json], *, customer: str | None, amount: int, currency: str
) -> list[Choice]:
    """What a request's `discounts` name. Raises ApiError for what can't be redeemed."""
    chosen = [_choice(world, one) for one in wanted]
    for one in chosen:
        check(world, one, customer=customer, amount=amount, currency=currency)
    return chosen


def _choice(world: World, wanted: Json) -> Choice:
    if wanted.get("promotion_code"):
        code = promotion_codes.find(world, wanted["promotion_code"], param="promotion_code")
        return Choice(coupons.find(world, code["promotion"]["coupon"], param="coupon"), code)
    if wanted.get("coupon"):
        return Choice(coupons.find(world, wanted["coupon"], param="coupon"))
    raise invalid("Each discount names a coupon or a promotion_code.", param="discounts")


def check(
    world: World, choice: Choice, *, customer: str | None, amount: int, currency: str
) -> None:
    coupons.check_redeemable(world, choice.coupon)
    if choice.coupon["currency"] not in (None, currency):
        raise invalid(f"Coupon {choice.coupon['id']} is not for {currency}.", param="coupon")
    if choice.code:
        promotion_codes.check(world, choice.code, customer, amount)


def redeem(
    world: World,
    choice: Choice,
    customer: str | None,
    *,
    subscription: str | None = None,
    item: str | None = None,
    invoice: str | None = None,
    session: str | None = None,
) -> Json:
    """Turn a coupon into a discount; this counts as one redemption."""
    coupon, now = choice.coupon, world.now()
    months = coupon["duration_in_months"]
    discount = {
        "id": world.new_id("di_1"),
        "object": "discount",
        "checkout_session": session,
        "customer": customer,
        "customer_account": None,
        "end": periods.after(now, "month", months) if months else None,
        "invoice": invoice,
        "invoice_item": None,
        "promotion_code": choice.code["id"] if choice.code else None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": now,
        "subscription": subscription,
        "subscription_item": item,
    }
    coupons.count(world, coupon)
    if choice.code:
        promotion_codes.count(world, choice.code)
    world.objects.put(discount)
    if subscription:
        emit(world, "customer.discount.created", discount)
    return discount


def of(world: World, owner: Json, at: int | None = None) -> list[Json]:
    """A subscription's or an invoice's discounts that still apply, now or at a later time.

    Those of a subscription's items are applied first.
    """
    at = at or world.now()
    ids = [one for holder in _holders(owner) for one in holder["discounts"]]
    discounts = [world.objects.get(discount_id) for discount_id in ids]
    return [one for one in discounts if one and (one["end"] is None or one["end"] > at)]


def _holders(owner: Json) -> list[Json]:
    """What has discounts: a subscription's items and itself, or an invoice alone."""
    return [*owner.get("items", {"data": []})["data"], owner]


def replace_in_item(
    world: World, subscription: Json, item_id: str, wanted: list[Json] | None
) -> None:
    """Set the discounts of a subscription's item; an empty value removes them all."""
    [item] = [one for one in subscription["items"]["data"] if one["id"] == item_id]
    amount = item["price"]["unit_amount"] * item["quantity"]
    customer, currency = subscription["customer"], subscription["currency"]
    chosen = choices(world, wanted or [], customer=customer, amount=amount, currency=currency)
    with changing(world, subscription, "customer.subscription.updated"):
        for discount_id in item["discounts"]:
            _forget(world, discount_id)
        where = {"subscription": subscription["id"], "item": item_id}
        item["discounts"] = [redeem(world, one, customer, **where)["id"] for one in chosen]


def replace(world: World, subscription: Json, wanted: list[Json] | None) -> None:
    """Set a subscription's discounts from a request; an empty value removes them all."""
    amount = sum(
        item["price"]["unit_amount"] * item["quantity"] for item in subscription["items"]["data"]
    )
    kept = [one["discount"] for one in wanted or [] if one.get("discount")]
    for discount_id in kept:
        if discount_id not in subscription["discounts"]:
            raise missing("discount", discount_id, param="discounts", status=400)
    chosen = choices(
        world,
        [one for one in wanted or [] if not one.get("discount")],
        customer=subscription["customer"],
        amount=amount,
        currency=subscription["currency"],
    )
    for discount_id in subscription["discounts"]:
        if discount_id not in kept:
            _forget(world, discount_id)
    made = [
        redeem(world, one, subscription["customer"], subscription=subscription["id"])["id"]
        for one in chosen
    ]
    subscription["discounts"] = [*kept, *made]


def drop_used(world: World, subscription: Json, invoice: Json) -> None:
    """Drop `once` discounts after the first invoice they applied to, and expired ones."""
    used = {entry["discount"] for entry in invoice["total_discount_amounts"] if entry["amount"]}
    kept = []
    for discount in of(world, subscription):
        coupon = world.objects.get(discount["source"]["coupon"])
        once = coupon is not None and coupon["duration"] == "once"
        if not (once and discount["id"] in used):
            kept.append(discount["id"])
    for holder in _holders(subscription):
        for discount_id in holder["discounts"]:
            if discount_id not in kept:
                _forget(world, discount_id)
        holder["discounts"] = [one for one in holder["discounts"] if one in kept]


def _forget(world: World, discount_id: str) -> None:
    discount = world.objects.get(discount_id)
    if discount:
        emit(world, "customer.discount.deleted", discount)


def apply(world: World, lines: list[Json], discounts: list[Json]) -> list[Json]:
    """Apply discounts to the lines, one after another. Return the total of each."""
    totals = []
    for discount in discounts:
        coupon = world.objects.get(discount["source"]["coupon"])
        left = [_left(line) if _is_of(line, discount) else 0 for line in lines]
        amounts = spread(coupon, left) if coupon else [0] * len(lines)
        for line, amount in zip(lines, amounts, strict=True):
            if line["discountable"]:
                line["discount_amounts"].append({"amount": amount, "discount": discount["id"]})
        totals.append({"amount": sum(amounts), "discount": discount["id"]})
    return totals


def _is_of(line: Json, discount: Json) -> bool:
    """Whether a discount applies to a line: it may be an item's alone."""
    wanted = discount["subscription_item"]
    details = (line.get("parent") or {}).get("subscription_item_details") or {}
    return wanted is None or details.get("subscription_item") == wanted


def _left(line: Json) -> int:
    if not line["discountable"]:
        return 0
    taken = sum(int(entry["amount"]) for entry in line["discount_amounts"])
    return max(0, int(line["amount"]) - taken)


def spread(coupon: Json, amounts: list[int]) -> list[int]:
    """How much a coupon takes off each of several amounts."""
    if coupon["percent_off"] is not None:
        return [round(amount * coupon["percent_off"] / 100) for amount in amounts]
    left = min(int(coupon["amount_off"]), sum(amounts))
    taken = []
    for amount in amounts:
        taken.append(min(left, amount))
        left -= taken[-1]
    return taken
