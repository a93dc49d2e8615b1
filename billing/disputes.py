"""Disputes of payments: what runs, what is lost, and what that means for a refund."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Sum

from billing.models import Dispute, Payment, StripeEvent
from billing.models.dispute import DisputeQuerySet
from billing.states import DisputeStatus


def open_disputes(payment: Payment) -> DisputeQuerySet:
    """Return a payment's disputes that still run: as long as there is one, nothing is refunded.

    The bank may take the money back by itself; a refund besides would pay it twice.
    """
    return Dispute.objects.filter(payment=payment).running()


def amount_lost(payment: Payment) -> int:
    """Return how much of a payment the bank has taken back for good, in minor units.

    It is no longer there to be refunded. A fee of Stripe's is not part of it.
    """
    lost = Dispute.objects.filter(payment=payment, status=DisputeStatus.LOST)
    return lost.aggregate(sum=Sum("amount"))["sum"] or 0


def closed_at(dispute: Dispute) -> datetime | None:
    """Return when the bank decided, as its event says: the dispute itself does not (or None)."""
    if dispute.is_open:
        return None
    events = StripeEvent.objects.filter(object_id=dispute.stripe_id, type="charge.dispute.closed")
    found: datetime | None = events.values_list("created_at", flat=True).first()
    return found
