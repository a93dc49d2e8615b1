"""Joining: the welcome and the receipt of the first payment, as one message if both are known."""

from __future__ import annotations

from billing.core.statuses import (
    ENDED_SUBSCRIPTION,
    FIRST_INVOICE,
    Collection,
    InvoiceStatus,
    SubscriptionStatus,
)
from billing.facts import zelle
from billing.models import Invoice, Subscription
from billing.notices import contexts
from emails import combining, outbox
from emails.catalog import Kind


def welcome(subscription: Subscription, context: contexts.Welcome) -> None:
    """Welcome a new member, with the first payment's receipt if there is one."""
    if by_zelle := zelle.beginning(subscription):
        cause = zelle.receipt_cause(by_zelle)
        other = combining.Other(
            Kind.ZELLE_RECEIVED, cause, Kind.ZELLE_JOINED, cause, is_coming=False
        )
    else:
        other = _first_receipt(subscription)
    combining.put(
        subscription.customer.user,
        context,
        cause=subscription.stripe_id,
        happened_at=subscription.started_at,
        other=other,
    )


def _first_receipt(subscription: Subscription) -> combining.Other:
    first = subscription.invoices.filter(billing_reason=FIRST_INVOICE).order_by("pk").first()
    cause = first.stripe_id if first else ""
    return combining.Other(
        Kind.PAYMENT_RECEIVED,
        cause,
        Kind.JOINED,
        cause,
        is_coming=_is_payment_coming(subscription, first),
    )


def receipt(invoice: Invoice, context: contexts.PaymentReceived) -> None:
    """Send a receipt; what a membership begins with is one with the welcome."""
    paid_at, begun = invoice.paid_at, invoice.membership
    if paid_at is None:
        return
    user, cause = invoice.customer.user, invoice.stripe_id
    if begun is None or invoice.billing_reason != FIRST_INVOICE:
        outbox.put(user, context, cause=cause, happened_at=paid_at)
        return
    is_beginning = not begun.is_live and begun.status not in ENDED_SUBSCRIPTION
    combining.put(
        user,
        context,
        cause=cause,
        happened_at=paid_at,
        other=combining.Other(
            Kind.WELCOME, begun.stripe_id, Kind.JOINED, cause, is_coming=is_beginning
        ),
    )


def _is_payment_coming(subscription: Subscription, first: Invoice | None) -> bool:
    """Whether the first payment's receipt is a matter of seconds.

    A trial has no payment yet, a sent invoice waits for its member, and a bank takes days.
    """
    if subscription.status != SubscriptionStatus.ACTIVE or subscription.is_sent:
        return False
    if first is None:
        return subscription.amount > 0
    return first.status != InvoiceStatus.PAID and first.collection != Collection.PROCESSING
