"""Makes, reads, and expires Checkout sessions."""

from __future__ import annotations

from dataclasses import dataclass

import stripe

from billing.core import limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors


@dataclass(frozen=True)
class CheckoutRequest:
    """The parameters of a membership's Checkout session. `key` is the idempotency key."""

    key: str
    customer_id: str
    user_id: int
    price_id: str
    trial_days: int
    takes_codes: bool
    is_taxed: bool  # whether Stripe Tax calculates tax and collects tax IDs
    success_url: str
    cancel_url: str


@dataclass(frozen=True)
class SingleTax:
    """How Stripe Tax treats a single payment: `inclusive` or `exclusive`, and its tax code."""

    behavior: str
    code: str


@dataclass(frozen=True)
class SinglePayment:
    """The parameters of a single payment's Checkout session. `key` is the idempotency key.

    The amount is in minor units; `checkout_pk` is our row's key. Without a customer, the page knows
    nobody, and whoever pays gives their own address.
    """

    key: str
    customer_id: str
    user_id: int
    checkout_pk: int
    amount: int
    currency: str
    description: str
    tax: SingleTax | None
    success_url: str
    cancel_url: str


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
        "allow_promotion_codes": request.takes_codes,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    if request.is_taxed:
        params.update(_taxed())
    with translated_errors():
        made = client().v1.checkout.sessions.create(
            limits.sendable(params), {"idempotency_key": request.key}
        )
        return snapshots.checkout(made.to_dict())


def create_payment_checkout(request: SinglePayment) -> snapshots.CheckoutSnapshot:
    """Make a Checkout session in payment mode; the payment carries our ids and the description."""
    metadata = {
        snapshots.USER_KEY: str(request.user_id),
        snapshots.CHECKOUT_KEY: str(request.checkout_pk),
    }
    price: stripe.params.checkout.SessionCreateParamsLineItemPriceData = {
        "currency": request.currency,
        "unit_amount": request.amount,
        "product_data": {"name": request.description},
    }
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": str(request.user_id),
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": metadata,
        "payment_intent_data": {"description": request.description, "metadata": metadata},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    if request.customer_id:
        params["customer"] = request.customer_id
    if request.tax:
        params.update(_taxed(is_known=bool(request.customer_id)))
        price["tax_behavior"] = request.tax.behavior
        if request.tax.code:
            price["product_data"]["tax_code"] = request.tax.code
    with translated_errors():
        made = client().v1.checkout.sessions.create(
            limits.sendable(params), {"idempotency_key": request.key}
        )
        return snapshots.checkout(made.to_dict())


def _taxed(*, is_known: bool = True) -> stripe.params.checkout.SessionCreateParams:
    """Let Checkout calculate tax, and ask for address and tax ID; a known customer keeps them.

    Stripe documentation, "Collect tax on Checkout": for an existing customer, the page may only
    save what `customer_update` names; tax IDs need its name.
    """
    params: stripe.params.checkout.SessionCreateParams = {
        "automatic_tax": {"enabled": True},
        "tax_id_collection": {"enabled": True},
    }
    if is_known:
        params["customer_update"] = {"address": "auto", "name": "auto"}
    return params


def read_checkout(session_id: str) -> snapshots.CheckoutSnapshot:
    """Read a Checkout session, with its taxes by rate."""
    with translated_errors():
        session = client().v1.checkout.sessions.retrieve(
            session_id, {"expand": ["total_details.breakdown"]}
        )
    return snapshots.checkout(session.to_dict())


def expire_checkout(session_id: str) -> None:
    """Expire an open Checkout session, so it can no longer be paid."""
    with translated_errors():
        client().v1.checkout.sessions.expire(session_id)
