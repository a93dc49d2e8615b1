"""Step 4: turns transitions into messages in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from django.contrib.auth.models import User

from billing.notices import activity, collection, membership, payments, planned, to_staff
from billing.notices.transitions import (
    CardChanged,
    CardExpiring,
    CollectionPaused,
    CollectionResumed,
    ConfirmationNeeded,
    CreditNoteIssued,
    DebitComing,
    DiscountEnding,
    DisputeLost,
    DisputeOpened,
    DisputeUpdated,
    DisputeWon,
    EndScheduled,
    EndTakenBack,
    FraudReported,
    FreeTimeGiven,
    InvoiceDueSoon,
    InvoiceOverdue,
    InvoicePaid,
    InvoicePaymentFailed,
    InvoiceSent,
    OfferAccepted,
    PlanDropped,
    PricePlanned,
    PriceSwitched,
    RenewalComing,
    RequestExpiring,
    SinglePaymentFailed,
    SinglePaymentReceived,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
    TrialEnding,
)
from members import languages

# The function that announces each transition. A test makes sure that none is missing.
BY: Mapping[type[Any], Callable[[Any], None]] = {
    SubscriptionStarted: membership.started,
    EndScheduled: membership.end_scheduled,
    EndTakenBack: membership.end_taken_back,
    PriceSwitched: membership.price_switched,
    PricePlanned: planned.price_planned,
    PlanDropped: planned.plan_dropped,
    CardChanged: membership.card_changed,
    OfferAccepted: membership.offer_accepted,
    SubscriptionEnded: membership.ended,
    FreeTimeGiven: membership.free_time_given,
    TrialEnding: membership.trial_ending,
    RenewalComing: membership.renewal_coming,
    DiscountEnding: membership.discount_ending,
    RequestExpiring: payments.request_expiring,
    DebitComing: payments.debit_coming,
    CardExpiring: membership.card_expiring,
    CollectionPaused: collection.announce,
    CollectionResumed: collection.announce,
    InvoiceSent: collection.announce,
    InvoiceDueSoon: collection.announce,
    InvoiceOverdue: collection.announce,
    InvoicePaid: payments.invoice_paid,
    InvoicePaymentFailed: payments.invoice_failed,
    ConfirmationNeeded: payments.confirmation_needed,
    SinglePaymentReceived: payments.single_payment_received,
    SinglePaymentFailed: payments.single_payment_failed,
    CreditNoteIssued: payments.credit_note_issued,
    DisputeOpened: to_staff.announce_dispute,
    DisputeUpdated: to_staff.announce_dispute,
    DisputeWon: to_staff.announce_dispute,
    DisputeLost: to_staff.announce_dispute,
    FraudReported: to_staff.fraud_reported,
}


def announce(transition: Transition) -> None:
    """Record a transition and put its messages into the outbox, in the caller's transaction.

    What a message says is in words of its reader's language, and kept with it.
    """
    user = _reader(transition)
    with languages.of(user) if user else nullcontext():
        activity.record(transition)
        BY[type(transition)](transition)


def _reader(transition: Transition) -> User | None:
    """Return the member that a transition is told to; None for what only staff hear of."""
    for name in ("subscription", "invoice", "payment", "note"):
        if row := getattr(transition, name, None):
            user: User = row.customer.user
            return user
    request = getattr(transition, "request", None)
    return request.user if request else None
