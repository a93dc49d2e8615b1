"""Reads the account and what's set up in it, and makes what's missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import stripe
from django.conf import settings

from billing.core import limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import API_VERSION, client, translated_errors
from billing.stripe.gateway.errors import StripeFault
from billing.stripe.gateway.lists import each_read, every

# The metadata by which we find again what we made.
MARK = "portal"
MEMBERSHIP, CARD_PAGE, WEBHOOK = "membership", "card page", "webhook"


@dataclass(frozen=True)
class NewPrice:
    """A price to make: every month or year. `amount` is in minor units."""

    product_id: str
    key: str
    amount: int
    currency: str
    interval: str


def read_account() -> snapshots.AccountSnapshot:
    """Read the account that our key belongs to."""
    with translated_errors():
        return snapshots.account(client().v1.accounts.retrieve_current().to_dict(for_json=True))


def stripe_time() -> datetime:
    """Return the time on Stripe's clock, to the second."""
    with translated_errors():
        answer = client().v1.accounts.retrieve_current().last_response
        if answer is None:
            raise StripeFault("Stripe's answer came without headers.")
        return parsedate_to_datetime(answer.headers["Date"])


def list_endpoints() -> list[snapshots.EndpointSnapshot]:
    """Return all webhook endpoints of the account, in our key's mode."""
    listed = every(client().v1.webhook_endpoints.list, {})
    return list(each_read(snapshots.endpoint, listed, None))


def create_endpoint(url: str, events: Sequence[str]) -> snapshots.EndpointSnapshot:
    """Make a webhook endpoint. Only this answer has its signing secret."""
    # The SDK's types name the events and versions that it knew.
    names: list[Any] = sorted(events)
    version: Any = API_VERSION
    params: stripe.params.WebhookEndpointCreateParams = {
        "url": url,
        "enabled_events": names,
        "api_version": version,
        "description": "The portal's webhook",
        "metadata": {MARK: WEBHOOK},
    }
    with translated_errors():
        return snapshots.endpoint(
            client().v1.webhook_endpoints.create(limits.sendable(params)).to_dict()
        )


def mend_endpoint(endpoint_id: str, url: str, events: Sequence[str]) -> None:
    """Let a webhook endpoint send these events to this address, and switch it on."""
    names: list[Any] = sorted(events)
    params: stripe.params.WebhookEndpointUpdateParams = {
        "url": url,
        "enabled_events": names,
        "disabled": False,
    }
    with translated_errors():
        client().v1.webhook_endpoints.update(endpoint_id, limits.sendable(params))


def read_price(price_id: str) -> snapshots.PriceSnapshot:
    """Read a price, whether or not the portal could sell it."""
    with translated_errors():
        return snapshots.price(client().v1.prices.retrieve(price_id).to_dict())


def price_by_key(key: str) -> snapshots.PriceSnapshot | None:
    """Return the price with a lookup key, archived or not."""
    with translated_errors():
        page = client().v1.prices.list({"lookup_keys": [key], "limit": 1})
        return snapshots.price(page.data[0].to_dict()) if page.data else None


def create_price(wanted: NewPrice) -> snapshots.PriceSnapshot:
    """Make a recurring price."""
    interval: Any = wanted.interval
    params: stripe.params.PriceCreateParams = {
        "product": wanted.product_id,
        "lookup_key": wanted.key,
        "unit_amount": wanted.amount,
        "currency": wanted.currency,
        "recurring": {"interval": interval},
    }
    with translated_errors():
        return snapshots.price(client().v1.prices.create(limits.sendable(params)).to_dict())


def marked_product() -> snapshots.SoldSnapshot | None:
    """Return the product that we made for the membership, if any."""
    listed = every(client().v1.products.list, {})
    found = each_read(lambda one: snapshots.sold(one, MARK), listed, None)
    return next((one for one in found if one.mark == MEMBERSHIP), None)


def read_sold(product_id: str) -> snapshots.SoldSnapshot:
    """Read a product, and whether it's still sold."""
    with translated_errors():
        return snapshots.sold(client().v1.products.retrieve(product_id).to_dict(), MARK)


def create_product(name: str) -> snapshots.SoldSnapshot:
    """Make the membership's product."""
    params: stripe.params.ProductCreateParams = {"name": name, "metadata": {MARK: MEMBERSHIP}}
    with translated_errors():
        made = client().v1.products.create(limits.sendable(params))
        return snapshots.sold(made.to_dict(), MARK)


def list_portals() -> list[snapshots.PortalSnapshot]:
    """Return the customer portal's configurations."""
    listed = every(client().v1.billing_portal.configurations.list, {})
    return list(each_read(lambda one: snapshots.portal(one, MARK), listed, None))


def create_portal() -> snapshots.PortalSnapshot:
    """Make a configuration with which members can change their card, and nothing else.

    Stripe only lets people make the default one, so sessions must name this one.
    """
    about: stripe.params.billing_portal.ConfigurationCreateParamsBusinessProfile = {}
    if settings.PRIVACY_URL:
        about["privacy_policy_url"] = settings.PRIVACY_URL
    if settings.TERMS_URL:
        about["terms_of_service_url"] = settings.TERMS_URL
    params: stripe.params.billing_portal.ConfigurationCreateParams = {
        "business_profile": about,
        "features": {
            "payment_method_update": {"enabled": True},
            "invoice_history": {"enabled": True},
        },
        "metadata": {MARK: CARD_PAGE},
    }
    with translated_errors():
        made = client().v1.billing_portal.configurations.create(limits.sendable(params))
        return snapshots.portal(made.to_dict(), MARK)


def mend_portal(configuration_id: str) -> None:
    """Let members change their card in a configuration."""
    params: stripe.params.billing_portal.ConfigurationUpdateParams = {
        "features": {"payment_method_update": {"enabled": True}}
    }
    with translated_errors():
        client().v1.billing_portal.configurations.update(configuration_id, limits.sendable(params))


def code_by_name(code: str) -> snapshots.CodeSnapshot | None:
    """Return the promo code that people type, an active one first."""
    listed = every(client().v1.promotion_codes.list, {"code": code})
    found = sorted(each_read(snapshots.code, listed, None), key=lambda one: not one.active)
    return next(iter(found), None)


def create_code(code: str, percent_off: int) -> snapshots.CodeSnapshot:
    """Make a promo code that takes a part off the first payment."""
    name = f"{percent_off}% off the first payment"
    coupon: stripe.params.CouponCreateParams = {
        "duration": "once",
        "percent_off": percent_off,
        "name": name,
    }
    with translated_errors():
        made = client().v1.coupons.create(limits.sendable(coupon))
        params: stripe.params.PromotionCodeCreateParams = {
            "code": code,
            "promotion": {"type": "coupon", "coupon": made.id},
        }
        return snapshots.code(client().v1.promotion_codes.create(limits.sendable(params)).to_dict())
