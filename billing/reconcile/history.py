"""Reads everything a customer has at Stripe, after an assignment or for an import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from billing.core.statuses import EventState
from billing.inbound import inbox
from billing.models import CreditNote, Customer, Payment, StripeEvent
from billing.refunds import sync as refund_sync
from billing.stripe import gateway
from billing.sync import fraud_warnings, methods, refresh, writing
from common.one_by_one import OneByOne
from emails import outbox

Snapshot = TypeVar("Snapshot")
Listing = Callable[[list[gateway.Unreadable]], Iterator[Snapshot]]


def read_history(customer_id: str) -> None:
    """Read everything a customer has, from subscriptions to fraud warnings, oldest first.

    It's safe to run twice, or after an interruption. Nobody gets messages about what happened
    before it began. An object that can't be read or written doesn't block the others.

    Raises:
        gateway.StripeError: Stripe didn't answer.
        sync.UnknownCustomer: the customer belongs to no member.
        SomeFailed: everything except what it names was read; the history counts as not read.
    """
    begun = writing.database_now()
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    with outbox.nothing_before(begun):
        _read_all(customer_id, begun, run)
    run.finish()
    Customer.objects.filter(stripe_id=customer_id).update(history_read_at=begun)


def replay_waiting(customer_id: str) -> None:
    """Process the events again that came before their customer was assigned."""
    done = EventState.PROCESSED
    events = StripeEvent.objects.filter(customer_id=customer_id).exclude(state=done)
    inbox.replay_all(list(events.order_by("pk").values_list("pk", flat=True)))


def _read_all(customer_id: str, begun: datetime, run: OneByOne) -> None:
    gateway.patiently(lambda: refresh.sync_customer(customer_id))
    _read(run, methods.sync_methods, customer_id)
    for subscription in _listed(run, lambda bad: gateway.list_subscriptions(customer_id, bad)):
        _read(run, refresh.sync_subscription, subscription.id)
    for invoice in _listed(run, lambda bad: gateway.list_invoices(customer_id, bad)):
        _read(run, refresh.sync_invoice, invoice.id)
    # An invoice's payments, and most credit notes, were read with it.
    done = _read_since(CreditNote, customer_id, begun)
    for note in _listed(run, lambda bad: gateway.list_credit_notes(customer_id, bad=bad)):
        if note.id not in done:
            _read(run, refresh.sync_credit_note, note.id)
    done = _read_since(Payment, customer_id, begun)
    for payment in _listed(run, lambda bad: gateway.list_payments(customer_id, bad)):
        if payment.id not in done and payment.is_tried:
            _read(run, refresh.sync_payment, payment.id)
        if payment.amount_refunded:
            _read(run, refund_sync.sync_refunds, payment.id)
    _read_disputes(customer_id, run)
    _read_fraud_warnings(customer_id, run)


def _read_disputes(customer_id: str, run: OneByOne) -> None:
    """Read a customer's disputes, which Stripe can only list for the whole account."""
    since = _first_payment_at(customer_id)
    if since is None:
        return
    # An unreadable one names no customer; the nightly comparison reports it.
    bad: list[gateway.Unreadable] = []
    for dispute in reversed(list(gateway.list_disputes(since, bad))):
        if dispute.customer_id == customer_id and dispute.payment_intent_id:
            _read(run, refresh.sync_dispute, dispute.id)


def _read_fraud_warnings(customer_id: str, run: OneByOne) -> None:
    """Read the warnings about a customer's payments, which Stripe lists as it does disputes."""
    since = _first_payment_at(customer_id)
    if since is None:
        return
    bad: list[gateway.Unreadable] = []
    for warning in reversed(list(gateway.list_fraud_warnings(since, bad))):
        if warning.customer_id == customer_id and warning.payment_intent_id:
            _read(run, fraud_warnings.sync_fraud_warning, warning.id)


def _first_payment_at(customer_id: str) -> datetime | None:
    rows = Payment.objects.filter(customer__stripe_id=customer_id).order_by("created_at")
    return rows.values_list("created_at", flat=True).first()


def _listed(run: OneByOne, listing: Listing[Snapshot]) -> list[Snapshot]:
    """Return a list's readable objects, oldest first."""
    bad: list[gateway.Unreadable] = []
    snapshots = list(listing(bad))
    run.failures += [f"{one.id} can't be read: {one.reason}" for one in bad]
    return snapshots[::-1]


def _read_since(
    model: type[CreditNote] | type[Payment], customer_id: str, begun: datetime
) -> set[str]:
    rows = model._default_manager.filter(customer__stripe_id=customer_id, read_at__gte=begun)
    return set(rows.values_list("stripe_id", flat=True))


def _read(run: OneByOne, read: Callable[[str], object], identifier: str) -> None:
    """Read one object, unless it was deleted since it was listed."""
    with run.each(identifier), suppress(gateway.StripeMissing):
        gateway.patiently(lambda: read(identifier))
