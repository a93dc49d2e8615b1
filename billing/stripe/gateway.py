"""The only module that speaks with Stripe. Answers are plain snapshots, errors are ours.

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

# The version the code was written for: a newer SDK must not change answers behind our back.
API_VERSION = "2026-10-28.endive"
# Stripe's words for a customer portal without settings: such an error has no code of its own.
NO_PORTAL = "default configuration has not been created"
# Its words where only a schedule may change a subscription's end; no code either.
SCHEDULED = "managed by the subscription schedule"
# How long a long run waits, in seconds, each time that Stripe says it is asked too often.
BUSY_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# What of a subscription is read in full.
SUBSCRIPTION_PARTS = (
    "default_payment_method",
    "default_source",
    "customer.invoice_settings.default_payment_method",
    "customer.default_source",
    "discounts.source.coupon",
    "discounts.promotion_code",
)

# What of an invoice is.
INVOICE_PARTS = ("payments", "discounts.promotion_code", "amount_paid_off_stripe")

Answer = TypeVar("Answer")


class StripeError(Exception):
    """Stripe did not do what we asked; the text is for staff, `code` is Stripe's error code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class StripeUnavailable(StripeError, Known):
    """Stripe could not be reached, was too busy, or failed by itself: try again later."""


class StripeUnreachable(StripeUnavailable):
    """The network is to blame: no answer came. Only this may be called "can't be reached"."""


class StripeBusy(StripeUnavailable):
    """We ask more often than Stripe allows (HTTP 429): slow down."""


class StripeMissing(StripeError):
    """The object is not (or no longer) at Stripe."""


class StripeRefused(StripeError):
    """Stripe refused the request: asking again the same way will not help."""


class CardRefused(StripeRefused):
    """The card was declined, or its bank wants to ask its owner; `code` is Stripe's word for why.

    Nothing was charged and nothing was changed.
    """


class PortalNotSetUp(StripeRefused):
    """Nobody has saved the customer portal's settings in Stripe's dashboard yet."""


class StripeLockedOut(StripeRefused):
    """Stripe does not accept our key, or there is none: what was asked for is not the reason."""


class StripeFault(StripeError, Known):
    """A fault of ours: the request could not be made, or its answer not be read.

    A certificate that is not trusted, a wrong address, a mistake in our code. It is in the log as
    an error, with its traceback, and nobody knows whether Stripe did what it was asked for.
    """


# With these no other object of a long run is had either.
ENDS_ALL: tuple[type[StripeError], ...] = (StripeUnavailable, StripeLockedOut)


@dataclass(frozen=True)
class Unreadable:
    """An object in a list of Stripe's that can't be read, with the reason. It is in the log."""

    id: str
    customer_id: str
    reason: str


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
    takes_codes: bool
    is_taxed: bool  # whether Stripe Tax works out the tax, and takes tax ids
    success_url: str
    cancel_url: str


@dataclass(frozen=True)
class SingleTax:
    """How Stripe Tax takes a single payment: `inclusive` or `exclusive`, and as what (or "")."""

    behavior: str
    code: str


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
    tax: SingleTax | None
    success_url: str
    cancel_url: str


@dataclass(frozen=True)
class PriceChange:
    """Another price for a subscription's item.

    Unless it `is_prorated`, nothing is paid back or charged before the next renewal. `prorated_at`
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

    Several secrets may be valid at once, so that a secret can be rotated without a gap.

    Raises:
        BadSignature: no secret fits, or the signature is too old.
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
    """Read a customer with tax ids; a deleted one says so."""
    with _translated_errors():
        found = _client().v1.customers.retrieve(customer_id, {"expand": ["tax_ids"]})
        return snapshots.customer(found.to_dict())


def read_plan(price_id: str) -> snapshots.PlanSnapshot:
    """Read the plan's price with its product."""
    with _translated_errors():
        price = _client().v1.prices.retrieve(price_id, {"expand": ["product"]})
        return snapshots.plan(price.to_dict())


def read_subscription(subscription_id: str) -> snapshots.SubscriptionSnapshot:
    """Read a subscription with the card that pays for it and its discounts."""
    with _translated_errors():
        found = _client().v1.subscriptions.retrieve(
            subscription_id, {"expand": [*SUBSCRIPTION_PARTS]}
        )
    return snapshots.subscription(_with_all_items(found.to_dict(for_json=True)))


def _with_all_items(subscription: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a subscription with all of its items: Stripe embeds the first ten."""
    if not subscription["items"].get("has_more"):
        return subscription
    items = _every(_client().v1.subscription_items.list, {"subscription": subscription["id"]})
    return {**subscription, "items": {"data": [*items]}}


def read_product(product_id: str) -> snapshots.ProductSnapshot:
    """Read a product."""
    with _translated_errors():
        return snapshots.product(_client().v1.products.retrieve(product_id).to_dict())


def next_charge(subscription_id: str) -> snapshots.NextCharge | None:
    """Return what the next renewal will charge, as Stripe foresees it.

    It counts discounts, tax and credit. None where nothing will be charged.
    """
    try:
        with _translated_errors():
            found = _client().v1.invoices.create_preview({"subscription": subscription_id})
            return snapshots.next_charge(found.to_dict())
    except StripeMissing:
        return None
    except StripeRefused as error:
        # An end that is scheduled, or an address that tax needs: the row then names no amount.
        logger.info("Stripe foresees no next charge of %s: %s", subscription_id, error)
        return None


def read_invoice(invoice_id: str) -> snapshots.InvoiceSnapshot:
    """Read an invoice and the ids of the payment intents that tried to pay it."""
    with _translated_errors():
        found = _client().v1.invoices.retrieve(invoice_id, {"expand": [*INVOICE_PARTS]})
        return snapshots.invoice(_in_full(found.to_dict(for_json=True)))


def _in_full(invoice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an invoice with all of its lines and payments: Stripe embeds ten of each."""
    found = dict(invoice)
    if invoice["lines"].get("has_more"):
        found["lines"] = {"data": _lines_of(invoice["id"])}
    if (invoice.get("payments") or {}).get("has_more"):
        payments = _every(_client().v1.invoice_payments.list, {"invoice": invoice["id"]})
        found["payments"] = {"data": [*payments]}
    return found


def _lines_of(invoice_id: str) -> list[Mapping[str, Any]]:
    """Ask for all lines of an invoice, or of a preview of one."""
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
    """Let Stripe Tax work out the tax on a subscription from its next invoice on.

    Raises:
        StripeRefused: it does not know where the customer is, among other reasons.
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
    """Return the id of the invoice that a payment intent pays, or an empty string."""
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
    """Return all refunds of a payment, the oldest first, failed ones too."""
    params = {"payment_intent": payment_intent_id}
    found = _every(_client().v1.refunds.list, params)
    return sorted(map(snapshots.refund, found), key=lambda one: (one.created_at, one.id))


def create_refund(
    payment_intent_id: str, amount: int, key: str, *, is_duplicate: bool = False
) -> snapshots.RefundSnapshot:
    """Refund a part of a payment (minor units), once for a key.

    The key is the idempotency key, which Stripe may forget after a day, and stays in the refund's
    metadata for ever: look there before you ask again (`refunds_of`).

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
    """Make the credit note of a refund that was made already, once for a key; return its id."""
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
    """Return the id of the credit note that was made for a refund's key, or an empty string."""
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
    """Make the customer of a user, once: the idempotency key is made from the user.

    `after` is the id of one that was deleted, whose place this one takes.
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
    """Tell Stripe a customer's e-mail address, name and language (`en`).

    No name leaves the one that Stripe has, which may be a business's.
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
    """Return an address as Stripe takes it: ASCII, or none.

    Its own pages ask for one in ASCII where the customer has none, and it writes no mail to others.
    """
    return "" if addresses.needs_smtputf8(email) else addresses.deliverable(email)


def delete_customer(customer_id: str) -> None:
    """Delete a customer with card and subscriptions, unless that was done before."""
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
    """Let Checkout work out the tax, and ask for address and tax id.

    Stripe documentation, "Collect tax on Checkout": of a customer that is there already the page
    may only keep what `customer_update` names; tax ids need its name.
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
    """End an open Checkout session, so that it can't be paid any more."""
    with _translated_errors():
        _client().v1.checkout.sessions.expire(session_id)


def create_portal_session(customer_id: str, return_url: str) -> str:
    """Return the address of Stripe's page on which the member changes their card.

    Raises:
        PortalNotSetUp: there is no such page before staff have saved its settings.
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
    """Let a subscription end with its period. `reason` is one of Stripe's words for feedback.

    Changes that were scheduled for it in Stripe's dashboard are dropped.
    """
    params: stripe.params.SubscriptionUpdateParams = {"cancel_at_period_end": True}
    details = {"feedback": reason, "comment": comment}
    if given := {name: value for name, value in details.items() if value}:
        params["cancellation_details"] = given  # type: ignore[typeddict-item]
    _move_end(subscription_id, params, key)


def take_back_end(subscription_id: str, key: str, *, is_at_period_end: bool) -> None:
    """Let a subscription go on that was to end, with its period or at another time."""
    params: stripe.params.SubscriptionUpdateParams = (
        {"cancel_at_period_end": False} if is_at_period_end else {"cancel_at": ""}
    )
    _move_end(subscription_id, params, key)


def _move_end(
    subscription_id: str, params: stripe.params.SubscriptionUpdateParams, key: str
) -> None:
    """Change a subscription's end, and release its schedule where that stands in the way."""
    subscriptions, params = _client().v1.subscriptions, limits.sendable(params)
    try:
        with _translated_errors():
            subscriptions.update(subscription_id, params, {"idempotency_key": key})
    except StripeRefused as error:
        if SCHEDULED not in str(error):
            raise
        _release_schedule(subscription_id)
        with _translated_errors():
            # Under its key Stripe would only repeat the refusal.
            subscriptions.update(subscription_id, params, {"idempotency_key": f"{key}:released"})


def _release_schedule(subscription_id: str) -> None:
    """Let a subscription go of the changes that were scheduled for it in Stripe's dashboard.

    While it has such, nobody but the schedule may move its end; one that ends needs them no more.
    """
    with _translated_errors():
        found = _client().v1.subscriptions.retrieve(subscription_id).to_dict()
        if schedule_id := snapshots.object_id(found.get("schedule")):
            logger.info("The schedule %s of %s is released.", schedule_id, subscription_id)
            _client().v1.subscription_schedules.release(schedule_id)


def preview_switch(change: PriceChange) -> snapshots.SwitchSnapshot:
    """Read what a change of price would cost, as Stripe reckons it. Nothing changes."""
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

    Where the card does not pay, Stripe changes nothing (`error_if_incomplete`).

    Raises:
        CardRefused: the card did not pay.
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
    """Let a subscription redeem a coupon; it takes the place of other discounts."""
    params: stripe.params.SubscriptionUpdateParams = {"discounts": [{"coupon": coupon_id}]}
    with _translated_errors():
        _client().v1.subscriptions.update(
            subscription_id, limits.sendable(params), {"idempotency_key": key}
        )


def use_method(subscription_id: str, method_id: str, customer_id: str) -> None:
    """Let a payment method of the customer's pay for a subscription from now on.

    Raises:
        StripeRefused: there is no such method, or it is not attached to this customer.
        StripeMissing: there is no such subscription.
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
    """End a subscription at once; nothing is paid back."""
    with _translated_errors():
        _client().v1.subscriptions.cancel(subscription_id)


def subscription_ids(customer_id: str) -> list[str]:
    """Return the ids of all of a customer's subscriptions, ended ones too."""
    with _translated_errors():
        found = _client().v1.subscriptions.list({"customer": customer_id, "status": "all"})
        return [subscription.id for subscription in found.auto_paging_iter()]


def customer_ids(email: str) -> list[str]:
    """Return the newest customers with this very address: upper and lower case count at Stripe."""
    with _translated_errors():
        found = _client().v1.customers.list({"email": email})
        return [customer.id for customer in found.data]


def subscriptions_of(customer_id: str) -> list[snapshots.SubscriptionSnapshot]:
    """Return a customer's newest subscriptions, ended ones too; those that can't be read are left.

    For pages: unlike `list_subscriptions` it waits for nothing.
    """
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    with _translated_errors():
        found = _client().v1.subscriptions.list(
            {"customer": customer_id, "status": "all", "expand": expand, "limit": 100}
        )
        entries = [one.to_dict(for_json=True) for one in found.data]
    return list(_each_read(snapshots.subscription, entries, []))


# Each of these lists raises a fault at an object that can't be read, unless it is given a list for
# such: then it puts it there and goes on.


def list_customers(bad: list[Unreadable] | None = None) -> Iterator[snapshots.CustomerSnapshot]:
    """Yield every customer, the newest first; deleted ones are not among them."""
    listed = _every(_client().v1.customers.list, {"expand": ["data.tax_ids"]})
    yield from _each_read(snapshots.customer, listed, bad)


def list_subscriptions(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.SubscriptionSnapshot]:
    """Yield every subscription, ended ones too, of one customer or of all."""
    expand = [f"data.{part}" for part in SUBSCRIPTION_PARTS]
    params = {"status": "all", "expand": expand} | _of(customer_id)
    found = _every(_client().v1.subscriptions.list, params)
    yield from _each_read(lambda one: snapshots.subscription(_with_all_items(one)), found, bad)


def list_invoices(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.InvoiceSnapshot]:
    """Yield every invoice, with the ids of the payment intents that tried to pay it."""
    params = {"expand": [f"data.{part}" for part in INVOICE_PARTS]} | _of(customer_id)
    found = _every(_client().v1.invoices.list, params)
    yield from _each_read(lambda one: snapshots.invoice(_in_full(one)), found, bad)


def list_credit_notes(
    customer_id: str = "", invoice_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.CreditNoteSnapshot]:
    """Yield every credit note, void ones too: of an invoice, of a customer, or of all."""
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
    """Yield every dispute of the account that was opened since a time, with its customer.

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
    """Yield what is read of each entry; an unreadable one ends all, or is put aside in `bad`."""
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
    """Make a call of a long run; where Stripe says that it is asked too often, wait and ask again.

    Jobs and pages need it not: a job is tried again later anyway, and a page must not wait.

    Raises:
        StripeBusy: it still says so after a minute.
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
    """Return the client of the current settings.

    Raises:
        StripeLockedOut: there is no key.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise StripeLockedOut("STRIPE_SECRET_KEY is not set.")
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
    """Turn whatever can go wrong into our errors: later, gone, never, or a fault of ours."""
    try:
        yield
    except StripeError:
        raise
    except stripe.RateLimitError as error:
        raise StripeBusy(str(error)) from error
    except stripe.APIConnectionError as error:
        # The SDK makes one of everything that its HTTP client raises, mistakes included.
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
    """Return our error for an answer of Stripe's."""
    status = error.http_status
    # Where the status is no refusal, the answer was not Stripe's: a proxy's page, or cut short.
    if status is None or status < 400 or status >= 500 or status == 409:
        return StripeUnavailable(str(error))
    if error.error is None:
        # A refusal by something before the API, which never saw what was asked for.
        return _fault(error)
    if status == 404 or error.code == "resource_missing":
        return StripeMissing(str(error))
    if isinstance(error, stripe.IdempotencyError):
        return _fault(error)
    return StripeRefused(str(error), error.code or "")


def _fault(error: BaseException) -> StripeFault:
    """Log a fault of ours, wherever it ends up, and return it."""
    logger.error("A request to Stripe failed through a fault of ours.", exc_info=error)
    return StripeFault(f"{type(error).__name__}: {error}")


def _decline_code(error: stripe.CardError) -> str:
    """Return the bank's word for why, else Stripe's."""
    details = error.json_body.get("error", {}) if isinstance(error.json_body, dict) else {}
    return str(details.get("decline_code") or error.code or "")
