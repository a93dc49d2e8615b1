"""The account itself, and what's set up in it: endpoints, portal, prices, codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from billing.core.fitted import Fitted
from billing.stripe.snapshots.fields import Json, object_id, text


@dataclass(frozen=True)
class AccountSnapshot(Fitted):
    """The account of our key. `due`: what Stripe wants to know now; `disabled`: why it's off.

    `has_picture` (a logo or an icon) and `has_color` are None if Stripe doesn't tell.
    """

    id: str
    name: str
    country: str
    currency: str
    charges_enabled: bool
    payouts_enabled: bool
    due: list[str]
    disabled: str
    has_picture: bool | None
    has_color: bool | None


@dataclass(frozen=True)
class EndpointSnapshot(Fitted):
    """A webhook endpoint. `secret` is known only right after it was made."""

    id: str
    url: str
    enabled: bool
    events: list[str]
    api_version: str
    secret: str


@dataclass(frozen=True)
class PriceSnapshot(Fitted):
    """A price, recurring or not: then `interval` is empty."""

    id: str
    product_id: str
    amount: int
    currency: str
    interval: str
    interval_count: int
    active: bool


@dataclass(frozen=True)
class SoldSnapshot(Fitted):
    """A product with our own mark, or without (`mark`)."""

    id: str
    name: str
    active: bool
    mark: str


@dataclass(frozen=True)
class PortalSnapshot(Fitted):
    """A configuration of the customer portal."""

    id: str
    active: bool
    is_default: bool
    changes_cards: bool
    mark: str


@dataclass(frozen=True)
class CodeSnapshot(Fitted):
    """A promo code, and whether it can be used."""

    id: str
    code: str
    active: bool


def account(data: Json) -> AccountSnapshot:
    """Read the account of the key that asked."""
    settings = data.get("settings") or {}
    shown = (settings.get("dashboard") or {}).get("display_name")
    business = (data.get("business_profile") or {}).get("name")
    wanted = data.get("requirements") or {}
    look = settings.get("branding") or {}
    due = [*(wanted.get("past_due") or []), *(wanted.get("currently_due") or [])]
    return AccountSnapshot(
        id=data["id"],
        name=text(shown or business),
        country=text(data.get("country")),
        currency=text(data.get("default_currency")),
        charges_enabled=bool(data.get("charges_enabled")),
        payouts_enabled=bool(data.get("payouts_enabled")),
        due=sorted({text(one) for one in due}),
        disabled=text(wanted.get("disabled_reason")),
        has_picture=bool(look.get("logo") or look.get("icon")) if look else None,
        has_color=bool(look.get("primary_color")) if look else None,
    )


def endpoint(data: Json) -> EndpointSnapshot:
    """Read a webhook endpoint."""
    return EndpointSnapshot(
        id=data["id"],
        url=data["url"],
        enabled=data.get("status") == "enabled",
        events=sorted(data.get("enabled_events") or []),
        api_version=text(data.get("api_version")),
        secret=text(data.get("secret")),
    )


def price(data: Json) -> PriceSnapshot:
    """Read any price, its product expanded or not."""
    recurring = data.get("recurring") or {}
    return PriceSnapshot(
        id=data["id"],
        product_id=object_id(data.get("product")),
        amount=data.get("unit_amount") or 0,
        currency=data["currency"],
        interval=text(recurring.get("interval")),
        interval_count=recurring.get("interval_count") or 1,
        active=bool(data.get("active")),
    )


def sold(data: Json, mark: str) -> SoldSnapshot:
    """Read a product, and what its metadata has under a name."""
    return SoldSnapshot(
        id=data["id"],
        name=text(data.get("name")),
        active=bool(data.get("active", not data.get("deleted"))),
        mark=_mark(data, mark),
    )


def portal(data: Json, mark: str) -> PortalSnapshot:
    """Read a configuration of the customer portal, and what its metadata has under a name."""
    cards = (data.get("features") or {}).get("payment_method_update") or {}
    return PortalSnapshot(
        id=data["id"],
        active=bool(data.get("active")),
        is_default=bool(data.get("is_default")),
        changes_cards=bool(cards.get("enabled")),
        mark=_mark(data, mark),
    )


def code(data: Json) -> CodeSnapshot:
    """Read a promo code."""
    return CodeSnapshot(id=data["id"], code=text(data.get("code")), active=bool(data["active"]))


def _mark(data: Json, name: str) -> str:
    metadata: Mapping[str, str] = data.get("metadata") or {}
    return text(metadata.get(name))
