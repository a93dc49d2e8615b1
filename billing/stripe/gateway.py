"""The only module that talks to Stripe. It returns plain snapshots and raises our errors.

Never call it inside a database transaction.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import stripe
from django.conf import settings

from billing.core import idempotency, limits
from billing.stripe import snapshots, tax_snapshots
from common import addresses
from common.network import is_network_error
from common.queue import Known

logger = logging.getLogger(__name__)

# The version the code was written for: a newer SDK must not silently change answers.
API_VERSION = "2026-10-28.endive"
# Stripe's message for a customer portal without settings; this error has no code.
NO_PORTAL = "default configuration has not been created"
# Its message if only a schedule may change a subscription's end; no code either.
SCHEDULED = "managed by the subscription schedule"
# How long a long run waits, in seconds, each time Stripe says we ask too often.
BUSY_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# What's expanded in a subscription.
SUBSCRIPTION_PARTS = (
    "default_payment_method",
    "default_source",
    "customer.invoice_settings.default_payment_method",
    "customer.default_source",
    "discounts.source.coupon",
    "discounts.promotion_code",
)

# What's expanded in an invoice.
INVOICE_PARTS = ("payments", "discounts.promotion_code", "amount_paid_off_stripe")

Answer = TypeVar("Answer")


class StripeError(Exception):
    """Stripe didn't do what we asked; the text is for staff, and `code` is Stripe's error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StripeUnavailable(StripeError, Known):
    """Stripe couldn't be reached, was too busy, or failed: try again later."""


class StripeUnreachable(StripeUnavailable):
    """A network failure: no answer came. Only this may be called "can't be reached"."""


class StripeBusy(StripeUnavailable):
    """We're asking more often than Stripe allows (HTTP 429)."""


class StripeMissing(StripeError):
    """The object isn't at Stripe (anymore)."""


class StripeRefused(StripeError):
    """Stripe refused the request: repeating it won't help."""


class CardRefused(StripeRefused):
    """The card was declined, or its bank wants a confirmation; `code` is Stripe's reason.

    Nothing was charged or changed.
    """


class PortalNotSetUp(StripeRefused):
    """Nobody has saved the customer portal's settings in Stripe's dashboard yet."""


class StripeLockedOut(StripeRefused):
    """Stripe doesn't accept our key, or there is none; the request itself isn't the reason."""


class StripeFault(StripeError, Known):
    """Our own fault: the request couldn't be made, or its answer couldn't be read.

    An untrusted certificate, a wrong address, a mistake in our code. It's logged as an error with
    its traceback, and nobody knows whether Stripe did what we asked.
    """


# With these, a long run can't read any other object either.
ENDS_ALL: tuple[type[StripeError], ...] = (StripeUnavailable, StripeLockedOut)


@dataclass(frozen=True)
class Unreadable:
    """An unreadable object in one of Stripe's lists, with the reason, which has been logged."""

    id: str
    customer_id: str
    reason: str


class BadSignature(Exception):
    """The webhook's body wasn't signed with one of our secrets, or too long ago."""


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

    The amount is in minor units; `checkout_pk` is our row's key.
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


@dataclass(frozen=True)
class PriceChange:
    """Another price for a subscription's item.

    Unless it `is_prorated`, nothing is credited or charged before the next renewal. `prorated_at`
    is the second (since 1970) from which the new price counts, or None for now.
    """

    subscription_id: str
    item_id: str
    price_id: str
    is_prorated: bool
    prorated_at: int | None


def is_live_mode() -> bool:
    """Whether our key is one for real money."""
    key: str = settings.STRIPE_SECRET_KEY
    return key.startswith(("sk_live_", "rk_live_"))


def verify_webhook(body: bytes, signature: str) -> str:
    """Return the body as text if one of our secrets signed it in the last 300 seconds.

    Several secrets may be valid at once, so a secret can be rotated without a gap.

    Raises:
        BadSignature: no secret matches, or the signature is too old.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise BadSignature("The body is not UTF-8.") from error
    if not signature.isascii():
        raise BadSignature("The signature is not one of Stripe's.")
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
    """Read a customer with tax IDs; a deleted one says so."""
    with _translated_errors():
        found = _client().v1.customers.retrieve(customer_id, {"expand": ["tax_ids"]})
        return snapshots.customer(found.to_dict())


def read_plan(price_id: str) -> snapshots.PlanSnapshot:
    """Read the plan's price with its product."""
    with _translated_errors():
        price = _client().v1.prices.retrieve(price_id, {"expand": ["product"]})
        return snapshots.plan(price.to_dict())


def read_subscription(subscription_id: str) -> snapshots.SubscriptionSnapshot:
    """Read a subscription with its card and discounts."""
    with _translated_errors():
        found = _client().v1.subscriptions.retrieve(
            subscription_id, {"expand": [*SUBSCRIPTION_PARTS]}
        )
    return snapshots.subscription(_with_all_items(found.to_dict(for_json=True)))


def _with_all_items(subscription: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a subscription with all of its items: Stripe embeds only the first ten."""
    if not subscription["items"].get("has_more"):
        return subscription
    items = _every(_client().v1.subscription_items.list, {"subscription": subscription["id"]})
    return {**subscription, "items": {"data": [*items]}}


def read_product(product_id: str) -> snapshots.ProductSnapshot:
    """Read a product."""
    with _translated_errors():
        return snapshots.product(_client().v1.products.retrieve(product_id).to_dict())


def next_charge(subscription_id: str) -> snapshots.NextCharge | None:
    """Return what the next renewal will charge, according to Stripe's preview.

    It includes discounts, tax, and credit. None if nothing will be charged.
    """
    try:
        with _translated_errors():
            found = _client().v1.invoices.create_preview({"subscription": subscription_id})
            return snapshots.next_charge(found.to_dict())
    except StripeMissing:
        return None
    except StripeRefused as error:
        # A scheduled end, or a missing address for tax: the row then has no amount.
        logger.info("Stripe foresees no next charge of %s: %s", subscription_id, error)
        return None


def read_invoice(invoice_id: str) -> snapshots.InvoiceSnapshot:
    """Read an invoice and the IDs of the payment intents that tried to pay it."""
    with _translated_errors():
        found = _client().v1.invoices.retrieve(invoice_id, {"expand": [*INVOICE_PARTS]})
        return snapshots.invoice(_in_full(found.to_dict(for_json=True)))


def _in_full(invoice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an invoice with all of its lines and payments: Stripe embeds only ten of each."""
    found = dict(invoice)
    if invoice["lines"].get("has_more"):
        found["lines"] = {"data": _lines_of(invoice["id"])}
    if (invoice.get("payments") or {}).get("has_more"):
        payments = _every(_client().v1.invoice_payments.list, {"invoice": invoice["id"]})
        found["payments"] = {"data": [*payments]}
    return found


def _lines_of(invoice_id: str) -> list[Mapping[str, Any]]:
    """Read all lines of an invoice, or of an invoice preview."""
    lines = _client().v1.invoices.line_items
    return [*_every(lambda page: lines.list(invoice_id, page), {})]


def read_tax_rate(tax_rate_id: str) -> tax_snapshots.TaxRateSnapshot:
    """Read a tax rate."""
    with _translated_errors():
        return tax_snapshots.tax_rate(_client().v1.tax_rates.retrieve(tax_rate_id).to_dict())


def read_tax_account() -> tax_snapshots.TaxAccountSnapshot:
    """Read the settings of Stripe Tax."""
    with _translated_errors():
        return tax_snapshots.tax_account(_client().v1.tax.settings.retrieve().to_dict())


def has_tax_place(customer_id: str) -> bool:
    """Whether Stripe Tax knows where a customer is."""
    with _translated_errors():
        found = _client().v1.customers.retrieve(customer_id, {"expand": ["tax"]})
        return tax_snapshots.has_place(found.to_dict())


def turn_tax_on(subscription_id: str) -> None:
    """Let Stripe Tax calculate the tax on a subscription, starting with its next invoice.

    Raises:
        StripeRefused: it doesn't know where the customer is, among other reasons.
    """
    params: stripe.params.SubscriptionUpdateParams = {"automatic_tax": {"enabled": True}}
    with _translated_errors():
        _client().v1.subscriptions.update(subscription_id, limits.sendable(params))


def read_credit_note(credit_note_id: str) -> snapshots.CreditNoteSnapshot:
    """Read a credit note."""
    with _translated_errors():
        found = _client().v1.credit_notes.retrieve(credit_note_id)
        return snapshots.credit_note(found.to_dict())


def read_payment(payment_intent_id: str) -> snapshots.PaymentSnapshot:
    """Read a payment intent with its latest charge."""
    with _translated_errors():
        found = _client().v1.payment_intents.retrieve(
            payment_intent_id, {"expand": ["latest_charge.balance_transaction"]}
        )
        return snapshots.payment(found.to_dict())


def read_dispute(dispute_id: str) -> snapshots.DisputeSnapshot:
    """Read a dispute with its charge and payment intent, which name the customer."""
    with _translated_errors():
        found = _client().v1.disputes.retrieve(dispute_id, {"expand": ["charge", "payment_intent"]})
        return snapshots.dispute(found.to_dict())


def invoice_of_payment(payment_intent_id: str) -> str:
    """Return the ID of the invoice that a payment intent pays, or an empty string."""
    with _translated_errors():
        found = _client().v1.invoice_payments.list(
            {
                "payment": {"type": "payment_intent", "payment_intent": payment_intent_id},
                "limit": 1,
            }
        )
        return snapshots.object_id(found.data[0].invoice) if found.data else ""


def read_refund(refund_id: str) -> snapshots.RefundSnapshot:
    """Read a refund."""
    with _translated_errors():
        return snapshots.refund(_client().v1.refunds.retrieve(refund_id).to_dict())


def refunds_of(payment_intent_id: str) -> list[snapshots.RefundSnapshot]:
    """Return all refunds of a payment, oldest first, including failed ones."""
    params = {"payment_intent": payment_intent_id}
    found = _every(_client().v1.refunds.list, params)
    return sorted(map(snapshots.refund, found), key=lambda one: (one.created_at, one.id))


def create_refund(
    payment_intent_id: str, amount: int, key: str, *, is_duplicate: bool = False
) -> snapshots.RefundSnapshot:
    """Refund a part of a payment (minor units), once per key.

    The key is the idempotency key, which Stripe may forget after a day. It also stays in the
    refund's metadata: look there before asking again (`refunds_of`).

    Raises:
        StripeRefused: it can't be refunded; `code` says why (`charge_already_refunded`, …).
    """
    params: stripe.params.RefundCreateParams = {
        "payment_intent": payment_intent_id,
        "amount": amount,
        "reason": "duplicate" if is_duplicate else "requested_by_customer",
        "metadata": {snapshots.REFUND_KEY: key},
    }
    made_once: stripe.RequestOptions = {"idempotency_key": idempotency.key("refund", key)}
    with _translated_errors():
        made = _client().v1.refunds.create(limits.sendable(params), made_once)
        return snapshots.refund(made.to_dict())


def create_credit_note(invoice_id: str, refund_id: str, amount: int, key: str) -> str:
    """Make the credit note for an existing refund, once per key; return its ID."""
    params: stripe.params.CreditNoteCreateParams = {
        "invoice": invoice_id,
        "amount": amount,
        "refunds": [{"refund": refund_id}],
        "metadata": {snapshots.REFUND_KEY: key},
    }
    with _translated_errors():
        made = _client().v1.credit_notes.create(
            limits.sendable(params), {"idempotency_key": idempotency.key("credit-note", key)}
        )
        return made.id


def credit_note_of(invoice_id: str, key: str) -> str:
    """Return the ID of the credit note made for a refund's key, or an empty string."""
    for found in _every(_client().v1.credit_notes.list, {"invoice": invoice_id}):
        if (found.get("metadata") or {}).get(snapshots.REFUND_KEY) == key:
            return str(found["id"])
    return ""


def read_checkout(session_id: str) -> snapshots.CheckoutSnapshot:
    """Read a Checkout session."""
    with _translated_errors():
        return snapshots.checkout(_client().v1.checkout.sessions.retrieve(session_id).to_dict())


def create_customer(
    user_id: int, email: str, name: str, language: str, *, after: str = ""
) -> snapshots.CustomerSnapshot:
    """Make a user's customer, once: the idempotency key comes from the user.

    `after` is the ID of a deleted customer that this one replaces.
    """
    params: stripe.params.CustomerCreateParams = {
        "preferred_locales": [language],
        "metadata": {snapshots.USER_KEY: str(user_id)},
    }
    if reachable := _address(email):
        params["email"] = reachable
    if name:
        params["name"] = name
    key = idempotency.key(
        "customer", user_id, about=(language, email, name, *([after] if after else []))
    )
    with _translated_errors():
        made = _client().v1.customers.create(limits.sendable(params), {"idempotency_key": key})
        return snapshots.customer(made.to_dict())


def update_customer(customer_id: str, email: str, name: str | None, language: str) -> None:
    """Update a customer's email address, name, and language (`en`) at Stripe.

    Without a name, Stripe's stays, which may be a business's.
    """
    params: stripe.params.CustomerUpdateParams = {
        "email": _address(email),
        "preferred_locales": [language],
    }
    if name is not None:
        params["name"] = name
    with _translated_errors():
        _client().v1.customers.update(customer_id, limits.sendable(params))


def _address(email: str) -> str:
    """Return an address that Stripe accepts: ASCII, or none.

    Stripe's pages ask for an ASCII address if the customer has none, and it emails no others.
    """
    return "" if addresses.needs_smtputf8(email) else addresses.deliverable(email)


def delete_customer(customer_id: str) -> None:
    """Delete a customer with card and subscriptions, unless already deleted."""
    try:
        with _translated_errors():
            _client().v1.customers.delete(customer_id)
    except StripeMissing:
        return


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
    with _translated_errors():
        made = _client().v1.checkout.sessions.create(
            limits.sendable(params), {"idempotency_key": request.key}
        )
        return snapshots.checkout(made.to_dict())


def _taxed() -> stripe.params.checkout.SessionCreateParams:
    """Let Checkout calculate tax, and ask for address and tax ID.

    Stripe documentation, "Collect tax on Checkout": for an existing customer, the page may only
    save what `customer_update` names; tax IDs need its name.
    """
    return {
        "automatic_tax": {"enabled": True},
        "tax_id_collection": {"enabled": True},
        "customer_update": {"address": "auto", "name": "auto"},
    }


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
        "customer": request.customer_id,
        "client_reference_id": str(request.user_id),
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": metadata,
        "payment_intent_data": {"description": request.description, "metadata": metadata},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    if request.tax:
        params.update(_taxed())
        price["tax_behavior"] = request.tax.behavior
        if request.tax.code:
            price["product_data"]["tax_code"] = request.tax.code
    with _translated_errors():
        made = _client().v1.checkout.sessions.create(
            limits.sendable(params), {"idempotency_key": request.key}
        )
        return snapshots.checkout(made.to_dict())


def expire_checkout(session_id: str) -> None:
    """Expire an open Checkout session, so it can no longer be paid."""
    with _translated_errors():
        _client().v1.checkout.sessions.expire(session_id)


def create_portal_session(customer_id: str, return_url: str) -> str:
    """Return the address of Stripe's page where the member changes their card.

    Raises:
        PortalNotSetUp: there's no such page until staff have saved its settings.
    """
    params: stripe.params.billing_portal.SessionCreateParams = {
        "customer": customer_id,
        "return_url": return_url,
    }
    try:
        with _translated_errors():
            made = _client().v1.billing_portal.sessions.create(limits.sendable(params))
            return made.url
    except StripeRefused as error:
        if NO_PORTAL in str(error):
            raise PortalNotSetUp(str(error)) from error
        raise


def has_portal() -> bool:
    """Whether the customer portal has its default configuration."""
    with _translated_errors():
        found = _client().v1.billing_portal.configurations.list({"is_default": True, "limit": 1})
        return bool(found.data)


def schedule_end(subscription_id: str, reason: str, comment: str, key: str) -> None:
    """Let a subscription end with its period. `reason` is one of Stripe's feedback values.

    Changes scheduled in Stripe's dashboard are dropped.
    """
    params: stripe.params.SubscriptionUpdateParams = {"cancel_at_period_end": True}
    details = {"feedback": reason, "comment": comment}
    if given := {name: value for name, value in details.items() if value}:
        params["cancellation_details"] = given  # type: ignore[typeddict-item]
    _move_end(subscription_id, params, key)


def take_back_end(subscription_id: str, key: str, *, is_at_period_end: bool) -> None:
    """Let a subscription continue that was going to end, with its period or at another time."""
    params: stripe.params.SubscriptionUpdateParams = (
        {"cancel_at_period_end": False} if is_at_period_end else {"cancel_at": ""}
    )
    _move_end(subscription_id, params, key)


def _move_end(
    subscription_id: str, params: stripe.params.SubscriptionUpdateParams, key: str
) -> None:
    """Change a subscription's end, and release its schedule if that's in the way."""
    subscriptions, params = _client().v1.subscriptions, limits.sendable(params)
    try:
        with _translated_errors():
            subscriptions.update(subscription_id, params, {"idempotency_key": key})
    except StripeRefused as error:
        if SCHEDULED not in str(error):
            raise
        _release_schedule(subscription_id)
        with _translated_errors():
            # Under the same key, Stripe would only repeat the refusal.
            subscriptions.update(subscription_id, params, {"idempotency_key": f"{key}:released"})


def _release_schedule(subscription_id: str) -> None:
    """Release a subscription from changes scheduled in Stripe's dashboard.

    Meanwhile only the schedule may move its end; a subscription that's ending doesn't need it.
    """
    with _translated_errors():
        found = _client().v1.subscriptions.retrieve(subscription_id).to_dict()
        if schedule_id := snapshots.object_id(found.get("schedule")):
            logger.info("The schedule %s of %s is released.", schedule_id, subscription_id)
            _client().v1.subscription_schedules.release(schedule_id)


def preview_switch(change: PriceChange) -> snapshots.SwitchSnapshot:
    """Read Stripe's preview of a price change. Nothing changes."""
    details: stripe.params.InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": [{"id": change.item_id, "price": change.price_id}],
        "proration_behavior": "always_invoice" if change.is_prorated else "none",
    }
    if change.is_prorated and change.prorated_at is not None:
        details["proration_date"] = change.prorated_at
    with _translated_errors():
        found = _client().v1.invoices.create_preview(
            {"subscription": change.subscription_id, "subscription_details": details}
        )
        return snapshots.switch(_in_full(found.to_dict(for_json=True)))


def switch_price(change: PriceChange, key: str) -> None:
    """Change a subscription's price, and charge what `preview_switch` says.

    If the card doesn't pay, Stripe changes nothing (`error_if_incomplete`).

    Raises:
        CardRefused: the card didn't pay.
    """
    params: stripe.params.SubscriptionUpdateParams = {
        "items": [{"id": change.item_id, "price": change.price_id}],
        "proration_behavior": "always_invoice" if change.is_prorated else "none",
        "payment_behavior": "error_if_incomplete",
    }
    if change.is_prorated and change.prorated_at is not None:
        params["proration_date"] = change.prorated_at
    with _translated_errors():
        _client().v1.subscriptions.update(
            change.subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def read_coupon(coupon_id: str) -> snapshots.CouponSnapshot:
    """Read a coupon."""
    with _translated_errors():
        return snapshots.coupon(_client().v1.coupons.retrieve(coupon_id).to_dict())


def give_discount(subscription_id: str, coupon_id: str, key: str) -> None:
    """Let a subscription redeem a coupon, which replaces other discounts."""
    params: stripe.params.SubscriptionUpdateParams = {"discounts": [{"coupon": coupon_id}]}
    with _translated_errors():
        _client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def use_method(subscription_id: str, method_id: str, customer_id: str) -> None:
    """Use one of the customer's payment methods for a subscription from now on.

    Raises:
        StripeRefused: there's no such method, or it isn't attached to this customer.
        StripeMissing: there's no such subscription.
    """
    try:
        with _translated_errors():
            found = _client().v1.payment_methods.retrieve(method_id)
    except StripeMissing as error:
        raise StripeRefused(str(error)) from error
    with _translated_errors():
        if snapshots.object_id(found.to_dict().get("customer")) != customer_id:
            raise StripeRefused(f"{method_id} is not attached to {customer_id}.")
        params: stripe.params.SubscriptionUpdateParams = {"default_payment_method": method_id}
        _client().v1.subscriptions.update(subscription_id, limits.sendable(params))


def end_now(subscription_id: str) -> None:
    """End a subscription immediately; nothing is refunded."""
    with _translated_errors():
        _client().v1.subscriptions.cancel(subscription_id)


def subscription_ids(customer_id: str) -> list[str]:
    """Return the IDs of all of a customer's subscriptions, including ended ones."""
    with _translated_errors():
        found = _client().v1.subscriptions.list({"customer": customer_id, "status": "all"})
        return [subscription.id for subscription in found.auto_paging_iter()]


def customer_ids(email: str) -> list[str]:
    """Return the newest customers with this exact address: Stripe is case-sensitive."""
    with _translated_errors():
        found = _client().v1.customers.list({"email": email})
        return [customer.id for customer in found.data]


def subscriptions_of(customer_id: str) -> list[snapshots.SubscriptionSnapshot]:
    """Return a customer's newest readable subscriptions, including ended ones.

    This is for pages: unlike `list_subscriptions`, it never waits.
    """
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    with _translated_errors():
        found = _client().v1.subscriptions.list(
            {"customer": customer_id, "status": "all", "expand": expand, "limit": 100}
        )
        entries = [one.to_dict(for_json=True) for one in found.data]
    return list(_each_read(snapshots.subscription, entries, []))


# Each of these raises a fault at an unreadable object, unless it's given a list for them: then it
# adds it there and continues.


def list_customers(bad: list[Unreadable] | None = None) -> Iterator[snapshots.CustomerSnapshot]:
    """Yield every customer that isn't deleted, newest first."""
    listed = _every(_client().v1.customers.list, {"expand": ["data.tax_ids"]})
    yield from _each_read(snapshots.customer, listed, bad)


def list_subscriptions(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.SubscriptionSnapshot]:
    """Yield every subscription of one customer or of all, including ended ones."""
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    params = {"status": "all", "expand": expand} | _of(customer_id)
    found = _every(_client().v1.subscriptions.list, params)
    yield from _each_read(lambda one: snapshots.subscription(_with_all_items(one)), found, bad)


def list_invoices(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.InvoiceSnapshot]:
    """Yield every invoice, with the IDs of the payment intents that tried to pay it."""
    params = {"expand": [f"data.{part}" for part in INVOICE_PARTS]} | _of(customer_id)
    found = _every(_client().v1.invoices.list, params)
    yield from _each_read(lambda one: snapshots.invoice(_in_full(one)), found, bad)


def list_credit_notes(
    customer_id: str = "", invoice_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.CreditNoteSnapshot]:
    """Yield the credit notes of an invoice, of a customer, or of all, including void ones."""
    params = _of(customer_id) | ({"invoice": invoice_id} if invoice_id else {})
    found = _every(_client().v1.credit_notes.list, params)
    yield from _each_read(snapshots.credit_note, found, bad)


def list_payments(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.PaymentSnapshot]:
    """Yield every payment intent with its latest charge."""
    params = {"expand": ["data.latest_charge.balance_transaction"]} | _of(customer_id)
    found = _every(_client().v1.payment_intents.list, params)
    yield from _each_read(snapshots.payment, found, bad)


def list_disputes(
    since: datetime | None = None, bad: list[Unreadable] | None = None
) -> Iterator[snapshots.DisputeSnapshot]:
    """Yield the account's disputes opened since a time, with their customers.

    Stripe can list them by charge, but not by customer.
    """
    params: dict[str, Any] = {"expand": ["data.charge", "data.payment_intent"]}
    if since:
        params["created"] = {"gte": int(since.timestamp())}
    found = _every(_client().v1.disputes.list, params)
    yield from _each_read(snapshots.dispute, found, bad)


def list_refunds(bad: list[Unreadable] | None = None) -> Iterator[snapshots.RefundSnapshot]:
    """Yield every refund."""
    yield from _each_read(snapshots.refund, _every(_client().v1.refunds.list, {}), bad)


def _each_read(
    read: Callable[[Mapping[str, Any]], Answer],
    entries: Iterable[Mapping[str, Any]],
    bad: list[Unreadable] | None,
) -> Iterator[Answer]:
    """Yield each entry as read; an unreadable one ends the run, or is added to `bad`."""
    for entry in entries:
        try:
            with _translated_errors():
                snapshot = read(entry)
        except StripeFault as fault:
            if bad is None:
                raise
            customer = snapshots.object_id(entry.get("customer"))
            bad.append(Unreadable(snapshots.object_id(entry.get("id")), customer, str(fault)))
        else:
            yield snapshot


def patiently(call: Callable[[], Answer]) -> Answer:
    """Make a long run's call; if Stripe says we ask too often, wait and ask again.

    Jobs and pages don't need this: a job is retried anyway, and a page must not wait.

    Raises:
        StripeBusy: Stripe still says so after a minute.
    """
    for wait in BUSY_WAITS:
        try:
            return call()
        except StripeBusy:
            logger.warning("Stripe is asked too often: waiting %d seconds.", wait)
            time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311  (spreads load)
    return call()


def _of(customer_id: str) -> dict[str, Any]:
    return {"customer": customer_id} if customer_id else {}


def _every(
    ask: Callable[[Any], stripe.ListObject[Any]], params: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of all pages of a list, a hundred at a time."""
    wanted = {"limit": 100, **params}

    def page() -> stripe.ListObject[Any]:
        with _translated_errors():
            return ask(wanted)

    while True:
        found = patiently(page)
        for entry in found.data:
            yield entry.to_dict(for_json=True)
        if not found.has_more:
            return
        wanted["starting_after"] = found.data[-1].id


def events_since(start: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield Stripe's events since a time, newest first (Stripe keeps 30 days of them)."""
    wanted = {"created": {"gte": int(start.timestamp())}}
    yield from _every(_client().v1.events.list, wanted)


def _client() -> stripe.StripeClient:
    """Return a client for the current settings.

    Raises:
        StripeLockedOut: there's no key.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise StripeLockedOut("STRIPE_SECRET_KEY is not set.")
    return _make_client(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_TIMEOUT_SECONDS
    )


@lru_cache(maxsize=4)
def _make_client(key: str, base: str, timeout: float) -> stripe.StripeClient:
    """Make one client per setting; it keeps connections open, and all threads can use it."""
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=2,
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn all errors into ours: try later, gone, never, or our own fault."""
    try:
        yield
    except StripeError:
        raise
    except stripe.RateLimitError as error:
        raise StripeBusy(str(error)) from error
    except stripe.APIConnectionError as error:
        # The SDK raises this for anything from its HTTP client, including mistakes.
        if is_network_error(error.__cause__):
            raise StripeUnreachable(str(error)) from error
        raise _fault(error.__cause__ or error) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise StripeLockedOut(str(error)) from error
    except stripe.CardError as error:
        raise CardRefused(str(error), _decline_code(error)) from error
    except stripe.StripeError as error:
        raise _translated(error) from error
    except Exception as error:
        raise _fault(error) from error


def _translated(error: stripe.StripeError) -> StripeError:
    """Return our error for Stripe's answer."""
    status = error.http_status
    # If the status isn't a refusal, the answer wasn't Stripe's: a proxy's page, or truncated.
    if status is None or status < 400 or status >= 500 or status == 409:
        return StripeUnavailable(str(error))
    if error.error is None:
        # A refusal by something in front of the API, which never saw the request.
        return _fault(error)
    if status == 404 or error.code == "resource_missing":
        return StripeMissing(str(error))
    if isinstance(error, stripe.IdempotencyError):
        return _fault(error)
    return StripeRefused(str(error), error.code or "")


def _fault(error: BaseException) -> StripeFault:
    """Log our own fault, wherever it ends up, and return it."""
    logger.error("A request to Stripe failed through a fault of ours.", exc_info=error)
    return StripeFault(f"{type(error).__name__}: {error}")


def _decline_code(error: stripe.CardError) -> str:
    """Return the bank's reason, or else Stripe's."""
    details = error.json_body.get("error", {}) if isinstance(error.json_body, dict) else {}
    return str(details.get("decline_code") or error.code or "")
