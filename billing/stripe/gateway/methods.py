"""Lists, saves, and removes payment methods at Stripe, and pays invoices with them."""

from __future__ import annotations

from collections.abc import Iterator

import stripe

from billing.core import idempotency, limits
from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeMissing, StripeRefused
from billing.stripe.gateway.lists import Unreadable, each_read, every

# In the metadata of a session in setup mode: the invoice to pay with what it saves.
INVOICE_KEY = "portal_invoice"


def list_methods(
    customer_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.MethodSnapshot]:
    """Yield payment methods, newest first: a customer's, or the whole account's."""
    if customer_id:
        one = client().v1.customers.payment_methods
        listed = every(lambda page: one.list(customer_id, page), {})
    else:
        listed = every(client().v1.payment_methods.list, {})
    yield from each_read(snapshots.payment_method, listed, bad)


def read_method(method_id: str) -> snapshots.MethodSnapshot:
    """Read a payment method, attached or not."""
    with translated_errors():
        return snapshots.payment_method(client().v1.payment_methods.retrieve(method_id).to_dict())


def make_default(customer_id: str, method_id: str) -> None:
    """Let a payment method pay whatever the customer is charged that names no other.

    Raises:
        StripeRefused: it isn't attached to this customer (anymore).
    """
    params: stripe.params.CustomerUpdateParams = {
        "invoice_settings": {"default_payment_method": method_id}
    }
    try:
        with translated_errors():
            client().v1.customers.update(customer_id, limits.sendable(params))
    except StripeMissing as error:
        # The customer is read before; what's missing is the method.
        raise StripeRefused(str(error)) from error


def detach(method_id: str) -> None:
    """Remove a payment method from its customer, for good, unless it's gone already."""
    try:
        if not read_method(method_id).customer_id:
            return
        with translated_errors():
            client().v1.payment_methods.detach(method_id)
    except StripeMissing:
        return


def create_setup(
    customer_id: str, currency: str, invoice_id: str, success_url: str, cancel_url: str
) -> snapshots.SetupSnapshot:
    """Make a Checkout session that saves a payment method, with 3-D Secure if its bank asks.

    Nothing is charged, so a second one does no harm: no idempotency key of ours is needed.
    """
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "setup",
        "customer": customer_id,
        "currency": currency,
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    if invoice_id:
        params["metadata"] = {INVOICE_KEY: invoice_id}
    with translated_errors():
        made = client().v1.checkout.sessions.create(limits.sendable(params))
        return snapshots.setup(made.to_dict(), INVOICE_KEY)


def read_setup(session_id: str) -> snapshots.SetupSnapshot:
    """Read a Checkout session in setup mode, and what it saved."""
    with translated_errors():
        read = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent"]})
        return snapshots.setup(read.to_dict(), INVOICE_KEY)


def pay_with(invoice_id: str, method_id: str, attempt: str) -> None:
    """Pay an open invoice with a saved payment method, once per `attempt`.

    Raises:
        CardRefused: the bank declined it, or wants its owner to confirm.
        StripeRefused: the invoice isn't open anymore.
    """
    key = idempotency.key("pay-invoice", invoice_id, method_id, about=(attempt,))
    with translated_errors():
        client().v1.invoices.pay(
            invoice_id, {"payment_method": method_id}, {"idempotency_key": key}
        )
