"""Prices, products, and coupons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.core.fitted import Fitted
from billing.stripe.snapshots.fields import Json, object_id, part, text, time

# Stripe's longest trial, in days.
LONGEST_TRIAL = 730


@dataclass(frozen=True)
class PlanSnapshot(Fitted):
    """A recurring price and its product."""

    price_id: str
    product_id: str
    name: str
    description: str
    amount: int
    currency: str
    interval: str
    interval_count: int
    trial_days: int
    tax_behavior: str
    active: bool


@dataclass(frozen=True)
class ProductSnapshot(Fitted):
    """Something that's sold."""

    id: str
    name: str


@dataclass(frozen=True)
class CouponSnapshot(Fitted):
    """A coupon: how much off, and for how long. `months` applies if it's repeating."""

    id: str
    name: str
    percent_off: float | None
    amount_off: int | None
    currency: str
    duration: str  # "once", "repeating", "forever"
    months: int | None
    valid: bool


@dataclass(frozen=True)
class PromoCodeSnapshot(Fitted):
    """A promo code: which coupon it redeems, how often, until when, and for whom."""

    id: str
    code: str
    coupon_id: str
    active: bool
    first_only: bool
    used: int
    most: int | None
    expires_at: datetime | None
    customer_id: str


def plan(price: Json) -> PlanSnapshot:
    """Read a price with its product expanded.

    The trial is the price's own (`recurring.trial_period_days`), or `trial_days` in its metadata.
    """
    product = price["product"]
    recurring = price.get("recurring") or {}
    return PlanSnapshot(
        price_id=price["id"],
        product_id=product["id"],
        name=text(product.get("name")),
        description=text(product.get("description")),
        amount=price.get("unit_amount") or 0,
        currency=price["currency"],
        interval=text(recurring.get("interval")),
        interval_count=recurring.get("interval_count") or 1,
        trial_days=recurring.get("trial_period_days") or _trial_in(price.get("metadata") or {}),
        tax_behavior=text(price.get("tax_behavior")),
        active=bool(price.get("active")),
    )


def _trial_in(metadata: Json) -> int:
    """Return the trial in `trial_days`, which people type: a value Stripe would refuse is none."""
    typed = str(metadata.get("trial_days") or "").strip()
    is_number = typed.isascii() and typed.isdecimal() and len(typed) < 5
    return int(typed) if is_number and int(typed) <= LONGEST_TRIAL else 0


def product(data: Json) -> ProductSnapshot:
    """Read a product."""
    return ProductSnapshot(id=data["id"], name=text(data.get("name")))


def coupon(data: Json) -> CouponSnapshot:
    """Read a coupon."""
    return CouponSnapshot(
        id=data["id"],
        name=text(data.get("name")),
        percent_off=data.get("percent_off"),
        amount_off=data.get("amount_off"),
        currency=text(data.get("currency")),
        duration=text(data.get("duration")),
        months=data.get("duration_in_months"),
        valid=bool(data.get("valid")),
    )


def promo_code(data: Json) -> PromoCodeSnapshot:
    """Read a promo code."""
    return PromoCodeSnapshot(
        id=data["id"],
        code=text(data.get("code")),
        coupon_id=object_id(part(data.get("promotion")).get("coupon")),
        active=bool(data.get("active")),
        first_only=bool(part(data.get("restrictions")).get("first_time_transaction")),
        used=data.get("times_redeemed") or 0,
        most=data.get("max_redemptions"),
        expires_at=time(data.get("expires_at")),
        customer_id=object_id(data.get("customer")),
    )
