"""Converts parameters from older API versions into today's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.stripe import versions
from sandbox.stripe.checkout_rules import only_one_of
from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.params import INTEGER, TEXT, Kind, Required, Spec, one_of
from sandbox.stripe.versions import BASIL, CLOVER, DAHLIA
from sandbox.world import Json

_CODES: Mapping[str, Kind | None] = {"coupon": TEXT, "promotion_code": TEXT}
_TODAYS = "hosted_page"


@dataclass(frozen=True)
class Change:
    """What requests before a date could say, and what it means today.

    `names` maps to None if today's parameter didn't exist then.
    """

    before: str
    names: Mapping[str, Kind | None]
    translate: Callable[[Json], Json]


def accepted(endpoint: Endpoint, version: str) -> Spec:
    """The parameters that an endpoint accepts in a version."""
    spec: dict[str, Kind | None] = dict(endpoint.accepted)
    for change in _changes(endpoint, version):
        spec |= change.names
    return {name: kind for name, kind in spec.items() if kind is not None}


def translated(endpoint: Endpoint, params: Json, version: str) -> Json:
    """Convert a version's checked parameters into today's."""
    for change in _changes(endpoint, version):
        params = change.translate(params)
    return params


def _changes(endpoint: Endpoint, version: str) -> list[Change]:
    changes = _CHANGES.get(endpoint.sdk, [])
    return [one for one in changes if versions.is_before(version, one.before)]


def _discounts(params: Json) -> Json:
    """`coupon` and `promotion_code` instead of `discounts`; an empty one removes all."""
    given = {name: params.pop(name) for name in _CODES if name in params}
    only_one_of(given, "coupon", "promotion_code")
    only_one_of(params | given, "coupon", "discounts")
    only_one_of(params | given, "promotion_code", "discounts")
    wanted = [{name: code} for name, code in given.items() if code]
    return params | {"discounts": wanted or None} if given else params


def _promotion(params: Json) -> Json:
    coupon = params.pop("coupon")
    return params | {"promotion": {"type": "coupon", "coupon": coupon}}


def _priced(params: Json) -> Json:
    """`price` beside the item, and `unit_amount` for each of its pieces."""
    price, unit = params.pop("price", None), params.pop("unit_amount", None)
    if price:
        params["pricing"] = {"price": price}
    if unit is not None:
        params["amount"] = unit * (params.get("quantity") or 1)
    return params


def _refund(params: Json) -> Json:
    refund = params.pop("refund", None)
    return params | {"refunds": [{"refund": refund}]} if refund else params


def _page(params: Json) -> Json:
    return params | {"ui_mode": _TODAYS} if params.get("ui_mode") == "hosted" else params


_OLD_DISCOUNTS = Change(BASIL, _CODES, _discounts)
_CHANGES: dict[str, list[Change]] = {
    "checkout.session_create": [Change(DAHLIA, {"ui_mode": one_of("hosted")}, _page)],
    "credit_note_create": [Change(BASIL, {"refund": TEXT, "refunds": None}, _refund)],
    "invoice_item_create": [
        Change(BASIL, {"price": TEXT, "pricing": None, "unit_amount": INTEGER}, _priced)
    ],
    "promotion_code_create": [
        Change(CLOVER, {"coupon": Required(TEXT), "promotion": None}, _promotion)
    ],
    "subscription_create": [_OLD_DISCOUNTS],
    "subscription_update": [_OLD_DISCOUNTS],
}
