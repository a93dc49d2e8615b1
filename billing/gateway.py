"""The only module that speaks with Stripe. Answers are plain snapshots, errors are ours.

Never call it inside a database transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings

from billing import snapshots

logger = logging.getLogger(__name__)

# The version the code was written for: a newer SDK must not change answers behind our back.
API_VERSION = "2026-10-28.endive"


class StripeError(Exception):
    """Stripe did not do what we asked; the text is for staff."""


class StripeUnavailable(StripeError):
    """Stripe could not be reached, was too busy, or failed by itself: try again later."""


class StripeMissing(StripeError):
    """The object is not (or no longer) at Stripe."""


class StripeRefused(StripeError):
    """Stripe refused the request: asking again the same way will not help."""


class BadSignature(Exception):
    """The webhook's body was not signed with one of our secrets, or too long ago."""


@dataclass(frozen=True)
class CheckoutRequest:
    """What a membership's Checkout session is made of. `key` is the idempotency key."""

    key: str
    customer_id: str
    user_id: int
    price_id: str
    trial_days: int
    success_url: str
    cancel_url: str


@dataclass(frozen=True)
class SinglePayment:
    """What a single payment's Checkout session is made of. `key` is the idempotency key.

    The amount is in minor units; `checkout_pk` is our row's key.
    """

    key: str
    customer_id: str
    user_id: int
    checkout_pk: int
    amount: int
    currency: str
    description: str
    success_url: str
    cancel_url: str


def is_live_mode() -> bool:
    """Whether our key is one for real money."""
    key: str = settings.STRIPE_SECRET_KEY
    return key.startswith(("sk_live_", "rk_live_"))


def verify_webhook(body: bytes, signature: str) -> str:
    """Return the body as text if one of our secrets signed it in the last 300 seconds.

    Several secrets may be valid at once, so that a secret can be rotated without a gap.

    Raises:
        BadSignature: no secret fits, or the signature is too old.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadSignature("The body is not UTF-8.") from error
    reason = "there is no secret"
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(text, signature, secret, tolerance=300)
        except stripe.SignatureVerificationError as error:
            reason = str(error)
        else:
            return text
    raise BadSignature(reason)


def read_customer(customer_id: str) -> snapshots.CustomerSnapshot:
    """Read a customer; a deleted one says so."""
    with _translated_errors():
        return snapshots.customer(_client().v1.customers.retrieve(customer_id).to_dict())


def read_plan(price_id: str) -> snapshots.PlanSnapshot:
    """Read the plan's price with its product."""
    with _translated_errors():
        price = _client().v1.prices.retrieve(price_id, {"expand": ["product"]})
        return snapshots.plan(price.to_dict())


def read_subscription(subscription_id: str) -> snapshots.SubscriptionSnapshot:
    """Read a subscription with the card that pays for it."""
    expand = ["default_payment_method", "customer.invoice_settings.default_payment_method"]
    with _translated_errors():
        found = _client().v1.subscriptions.retrieve(subscription_id, {"expand": expand})
        return snapshots.subscription(found.to_dict())


def read_invoice(invoice_id: str) -> snapshots.InvoiceSnapshot:
    """Read an invoice and the ids of the payment intents that tried to pay it."""
    with _translated_errors():
        found = _client().v1.invoices.retrieve(invoice_id, {"expand": ["payments"]})
        return snapshots.invoice(found.to_dict())


def read_payment(payment_intent_id: str) -> snapshots.PaymentSnapshot:
    """Read a payment intent with its latest charge."""
    with _translated_errors():
        found = _client().v1.payment_intents.retrieve(
            payment_intent_id, {"expand": ["latest_charge"]}
        )
        return snapshots.payment(found.to_dict())


def invoice_of_payment(payment_intent_id: str) -> str:
    """Return the id of the invoice that a payment intent pays, or an empty string."""
    with _translated_errors():
        found = _client().v1.invoice_payments.list(
            {
                "payment": {"type": "payment_intent", "payment_intent": payment_intent_id},
                "limit": 1,
            }
        )
        return snapshots.object_id(found.data[0].invoice) if found.data else ""


def read_checkout(session_id: str) -> snapshots.CheckoutSnapshot:
    """Read a Checkout session."""
    with _translated_errors():
        return snapshots.checkout(_client().v1.checkout.sessions.retrieve(session_id).to_dict())


def create_customer(user_id: int, email: str, name: str) -> snapshots.CustomerSnapshot:
    """Make the customer of a user, once: the idempotency key is made from the user."""
    params: stripe.params.CustomerCreateParams = {
        "email": email,
        "metadata": {snapshots.USER_KEY: str(user_id)},
    }
    if name:
        params["name"] = name
    with _translated_errors():
        made = _client().v1.customers.create(
            params, {"idempotency_key": f"portal-customer-{user_id}-{email}-{name}"[:255]}
        )
        return snapshots.customer(made.to_dict())


def create_checkout(request: CheckoutRequest) -> snapshots.CheckoutSnapshot:
    """Make a Checkout session that starts the membership."""
    metadata = {snapshots.USER_KEY: str(request.user_id)}
    subscription: stripe.params.checkout.SessionCreateParamsSubscriptionData = {
        "metadata": metadata
    }
    if request.trial_days:
        subscription["trial_period_days"] = request.trial_days
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "subscription",
        "customer": request.customer_id,
        "client_reference_id": str(request.user_id),
        "line_items": [{"price": request.price_id, "quantity": 1}],
        "metadata": metadata,
        "subscription_data": subscription,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    with _translated_errors():
        made = _client().v1.checkout.sessions.create(params, {"idempotency_key": request.key})
        return snapshots.checkout(made.to_dict())


def create_payment_checkout(request: SinglePayment) -> snapshots.CheckoutSnapshot:
    """Make a Checkout session in payment mode; the payment carries our ids and the description."""
    metadata = {
        snapshots.USER_KEY: str(request.user_id),
        snapshots.CHECKOUT_KEY: str(request.checkout_pk),
    }
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "payment",
        "customer": request.customer_id,
        "client_reference_id": str(request.user_id),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency,
                    "unit_amount": request.amount,
                    "product_data": {"name": request.description},
                },
            }
        ],
        "metadata": metadata,
        "payment_intent_data": {"description": request.description, "metadata": metadata},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    with _translated_errors():
        made = _client().v1.checkout.sessions.create(params, {"idempotency_key": request.key})
        return snapshots.checkout(made.to_dict())


def expire_checkout(session_id: str) -> None:
    """End an open Checkout session, so that it can't be paid any more."""
    with _translated_errors():
        _client().v1.checkout.sessions.expire(session_id)


def create_portal_session(customer_id: str, return_url: str) -> str:
    """Return the address of Stripe's page on which the member changes their card."""
    with _translated_errors():
        made = _client().v1.billing_portal.sessions.create(
            {"customer": customer_id, "return_url": return_url}
        )
        return made.url


def subscription_ids(customer_id: str) -> list[str]:
    """Return the ids of all of a customer's subscriptions, ended ones too."""
    with _translated_errors():
        found = _client().v1.subscriptions.list({"customer": customer_id, "status": "all"})
        return [subscription.id for subscription in found.auto_paging_iter()]


def events_since(start: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield Stripe's events since a time, newest first (Stripe keeps 30 days of them)."""
    with _translated_errors():
        found = _client().v1.events.list({"created": {"gte": int(start.timestamp())}, "limit": 100})
        for event in found.auto_paging_iter():
            yield event.to_dict(for_json=True)


def _client() -> stripe.StripeClient:
    """Return the client of the current settings.

    Raises:
        StripeRefused: there is no key.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise StripeRefused("STRIPE_SECRET_KEY is not set.")
    return _make_client(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_TIMEOUT_SECONDS
    )


@lru_cache(maxsize=4)
def _make_client(key: str, base: str, timeout: float) -> stripe.StripeClient:
    """Make one client a setting; it keeps its connections open and may be used by all threads."""
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=2,
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn the SDK's errors into ours: later, gone, or never."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeUnavailable(str(error)) from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500 or error.http_status == 409:
            raise StripeUnavailable(str(error)) from error
        if error.http_status == 404 or error.code == "resource_missing":
            raise StripeMissing(str(error)) from error
        raise StripeRefused(str(error)) from error
