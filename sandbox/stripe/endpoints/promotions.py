"""Coupons and promotion codes."""

from sandbox.stripe import coupons, promotion_codes
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.events import private
from sandbox.stripe.params import (
    BOOLEAN,
    COUNT,
    CURRENCY,
    DECIMAL,
    INTEGER,
    METADATA,
    PROMOTION_CODE,
    TEXT,
    Hash,
    Required,
    Spec,
    one_of,
    text,
)
from sandbox.world import Json

_COUPON: Spec = {
    "amount_off": COUNT,
    "currency": CURRENCY,
    "duration": one_of("forever", "once", "repeating"),
    "duration_in_months": COUNT,
    "id": TEXT,
    "max_redemptions": COUNT,
    "metadata": METADATA,
    "name": text(40),
    "percent_off": DECIMAL,
    "redeem_by": INTEGER,
}
_CODE: Spec = {
    "active": BOOLEAN,
    "code": PROMOTION_CODE,
    "customer": TEXT,
    "expires_at": INTEGER,
    "max_redemptions": COUNT,
    "metadata": METADATA,
    "promotion": Required(Hash({"coupon": TEXT, "type": Required(one_of("coupon"))})),
    "restrictions": Hash(
        {
            "first_time_transaction": BOOLEAN,
            "minimum_amount": COUNT,
            "minimum_amount_currency": CURRENCY,
        }
    ),
}


def _list_coupons(call: Call) -> Json:
    kept = call.world.objects.list("coupon")
    living = [coupon for coupon in kept if not private(coupon).get("deleted")]
    return listing(call, living, "/v1/coupons")


def _list_codes(call: Call) -> Json:
    params = call.params
    matches = call.world.objects.list("promotion_code", **equal(params, "active", "customer"))
    code, coupon = (params.get("code") or "").lower(), params.get("coupon")
    matches = [one for one in matches if code in ("", one["code"].lower())]
    matches = [one for one in matches if coupon in (None, one["promotion"]["coupon"])]
    return listing(call, matches, "/v1/promotion_codes")


def _update_coupon(call: Call) -> Json:
    return coupons.update(call.world, coupons.find(call.world, call.id), call.params)


def _update_code(call: Call) -> Json:
    code = promotion_codes.find(call.world, call.id)
    return promotion_codes.update(call.world, code, call.params)


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/coupons",
        "coupon_create",
        lambda call: coupons.create(call.world, call.params),
        _COUPON,
    ),
    Endpoint("GET", "/v1/coupons", "coupon_list", _list_coupons, DATED),
    Endpoint(
        "GET",
        "/v1/coupons/{id}",
        "coupon_retrieve",
        lambda call: coupons.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/coupons/{id}",
        "coupon_update",
        _update_coupon,
        {"metadata": METADATA, "name": text(40)},
    ),
    Endpoint(
        "DELETE",
        "/v1/coupons/{id}",
        "coupon_delete",
        lambda call: coupons.delete(call.world, coupons.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/promotion_codes",
        "promotion_code_create",
        lambda call: promotion_codes.create(call.world, call.params),
        _CODE,
    ),
    Endpoint(
        "GET",
        "/v1/promotion_codes",
        "promotion_code_list",
        _list_codes,
        {**DATED, "active": BOOLEAN, "code": TEXT, "coupon": TEXT, "customer": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/promotion_codes/{id}",
        "promotion_code_retrieve",
        lambda call: promotion_codes.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/promotion_codes/{id}",
        "promotion_code_update",
        _update_code,
        {"active": BOOLEAN, "metadata": METADATA},
    ),
]
