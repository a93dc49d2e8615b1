"""Coupons and promo codes: the newest ones, making them, and stopping a code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import stripe

from billing.core import limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors

# Stripe's longest page of a list.
MOST = 100


@dataclass(frozen=True)
class Promotion:
    """A coupon to be made, and its promo code, if `code` isn't empty.

    Either `percent_off` is set, or `amount_off` in minor units of `currency`. `months` is set if
    the duration is "repeating". `most` and `until` limit the code if there's one, or the coupon.
    """

    name: str
    percent_off: Decimal | None
    amount_off: int | None
    currency: str
    duration: str
    months: int | None
    code: str
    first_only: bool
    most: int | None
    until: datetime | None

    def of_coupon(self) -> Promotion:
        """Return what its coupon is made of: the rest is the code's, if there's one."""
        if not self.code:
            return self
        return replace(self, code="", first_only=False, most=None, until=None)


def list_promo_codes() -> list[snapshots.PromoCodeSnapshot]:
    """Return the newest hundred promo codes."""
    with translated_errors():
        listed = client().v1.promotion_codes.list({"limit": MOST})
        return [snapshots.promo_code(one.to_dict()) for one in listed.data]


def list_coupons() -> list[snapshots.CouponSnapshot]:
    """Return the newest hundred coupons."""
    with translated_errors():
        listed = client().v1.coupons.list({"limit": MOST})
        return [snapshots.coupon(one.to_dict()) for one in listed.data]


def create_coupon(wanted: Promotion, key: str) -> snapshots.CouponSnapshot:
    """Make the coupon; `key` is the idempotency key."""
    params: stripe.params.CouponCreateParams = {"duration": wanted.duration, "name": wanted.name}
    if wanted.percent_off is not None:
        params["percent_off"] = float(wanted.percent_off)
    elif wanted.amount_off is not None:
        params.update({"amount_off": wanted.amount_off, "currency": wanted.currency})
    if wanted.months is not None:
        params["duration_in_months"] = wanted.months
    own = wanted.of_coupon()
    if own.most is not None:
        params["max_redemptions"] = own.most
    if own.until is not None:
        params["redeem_by"] = int(own.until.timestamp())
    with translated_errors():
        made = client().v1.coupons.create(limits.sendable(params), {"idempotency_key": key})
        return snapshots.coupon(made.to_dict())


def create_promo_code(wanted: Promotion, coupon_id: str, key: str) -> snapshots.PromoCodeSnapshot:
    """Make the code of a coupon; `key` is the idempotency key."""
    params: stripe.params.PromotionCodeCreateParams = {
        "code": wanted.code,
        "promotion": {"type": "coupon", "coupon": coupon_id},
        "restrictions": {"first_time_transaction": wanted.first_only},
    }
    if wanted.most is not None:
        params["max_redemptions"] = wanted.most
    if wanted.until is not None:
        params["expires_at"] = int(wanted.until.timestamp())
    with translated_errors():
        made = client().v1.promotion_codes.create(limits.sendable(params), {"idempotency_key": key})
        return snapshots.promo_code(made.to_dict())


def read_promo_code(code_id: str) -> snapshots.PromoCodeSnapshot:
    """Read a promo code."""
    with translated_errors():
        return snapshots.promo_code(client().v1.promotion_codes.retrieve(code_id).to_dict())


def set_promo_code(code_id: str, *, active: bool) -> snapshots.PromoCodeSnapshot:
    """Stop a promo code, or let it be used again."""
    params: Any = {"active": active}
    with translated_errors():
        made = client().v1.promotion_codes.update(code_id, limits.sendable(params))
        return snapshots.promo_code(made.to_dict())
