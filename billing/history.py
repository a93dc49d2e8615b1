"""Read all that a customer has at Stripe: after an assignment, and for an import."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from billing import gateway, inbox, refund_sync, sync
from billing.models import CreditNote, Customer, Payment, StripeEvent
from billing.states import EventState
from emails import outbox


def read_history(customer_id: str) -> None:
    """Read all that a customer has, from subscriptions to disputes, the oldest first.

    Safe to run twice, and after it was cut short. Nobody is written to about what happened before
    it began.

    Raises:
        gateway.StripeError: Stripe did not answer.
        sync.UnknownCustomer: the customer belongs to no member.
    """
    begun = sync.database_now()
    with outbox.nothing_before(begun):
        _read_all(customer_id, begun)
    Customer.objects.filter(stripe_id=customer_id).update(history_read_at=begun)


def replay_waiting(customer_id: str) -> None:
    """Process again the events of a customer who was nobody's when they came."""
    done = EventState.PROCESSED
    events = StripeEvent.objects.filter(customer_id=customer_id).exclude(state=done)
    for event in events.order_by("pk").defer("payload"):
        inbox.replay(event)


def _read_all(customer_id: str, begun: datetime) -> None:
    _read(sync.sync_customer, customer_id)
    for subscription in reversed(list(gateway.list_subscriptions(customer_id))):
        _read(sync.sync_subscription, subscription.id)
    for invoice in reversed(list(gateway.list_invoices(customer_id))):
        _read(sync.sync_invoice, invoice.id)
    # Payments and most credit notes of an invoice were read with it.
    done = _read_since(CreditNote, customer_id, begun)
    for note in reversed(list(gateway.list_credit_notes(customer_id))):
        if note.id not in done:
            _read(sync.sync_credit_note, note.id)
    done = _read_since(Payment, customer_id, begun)
    for payment in reversed(list(gateway.list_payments(customer_id))):
        if payment.id not in done and payment.is_tried:
            _read(sync.sync_payment, payment.id)
        if payment.amount_refunded:
            _read(refund_sync.sync_refunds, payment.id)
    _read_disputes(customer_id)


def _read_disputes(customer_id: str) -> None:
    """Read a customer's disputes, which Stripe can only list for the whole account."""
    first = Payment.objects.filter(customer__stripe_id=customer_id).order_by("created_at").first()
    if first is None:
        return
    for dispute in reversed(list(gateway.list_disputes(first.created_at))):
        if dispute.customer_id == customer_id and dispute.payment_intent_id:
            _read(sync.sync_dispute, dispute.id)


def _read_since(
    model: type[CreditNote] | type[Payment], customer_id: str, begun: datetime
) -> set[str]:
    rows = model._default_manager.filter(customer__stripe_id=customer_id, read_at__gte=begun)
    return set(rows.values_list("stripe_id", flat=True))


def _read(read: Callable[[str], object], identifier: str) -> None:
    """Read one object; one that was deleted since it was listed is left out."""
    try:
        gateway.patiently(lambda: read(identifier))
    except gateway.StripeMissing:
        return
