"""Disputes of payments: which are open, what's lost, and what that means for refunds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db.models import Case, Count, F, Q, Sum, When

from billing.core import book_words
from billing.core.book_words import Section
from billing.core.statuses import OPEN_DISPUTE, DisputeStatus
from billing.models import BalanceTransaction, Dispute, Payment, StripeEvent
from billing.models.dispute import DisputeQuerySet
from common.money import Money

# What a dispute takes of its payment, in the payment's currency. Banks may dispute in another one,
# whose amount says nothing here: then nothing of the payment counts as kept.
TAKEN = Case(
    When(currency=F("payment__currency"), then=F("amount")),
    default=F("payment__amount_received") - F("payment__amount_refunded"),
)


def taken(row: Dispute, payment: Payment) -> int:
    """Return what a dispute takes of its payment, as `TAKEN` does."""
    if row.currency == payment.currency:
        return row.amount
    return payment.amount_received - payment.amount_refunded


def open_disputes(payment: Payment) -> DisputeQuerySet:
    """Return a payment's open disputes: as long as there is one, nothing is refunded.

    The bank may take the money back itself; a refund would pay it twice.
    """
    return Dispute.objects.filter(payment=payment).running()


def status_of(payments: Collection[Payment]) -> dict[int, tuple[bool, int]]:
    """Return whether a dispute is open, and how much is lost, by payment key.

    Lost money was taken back by the bank for good, in minor units, without Stripe's fee: it can no
    longer be refunded. Payments that were never disputed aren't included. One statement; none if
    everything was prefetched.
    """
    if all("disputes" in getattr(row, "_prefetched_objects_cache", ()) for row in payments):
        return {row.pk: status for row in payments if (status := _prefetched_status(row))}
    rows = Dispute.objects.filter(payment__in=payments).order_by().values("payment_id")
    counted = rows.annotate(
        running=Count("pk", filter=Q(status__in=OPEN_DISPUTE)),
        lost=Sum(TAKEN, filter=Q(status=DisputeStatus.LOST), default=0),
    )
    return {row["payment_id"]: (row["running"] > 0, row["lost"]) for row in counted}


def _prefetched_status(payment: Payment) -> tuple[bool, int] | None:
    disputes = payment.disputes.all()
    lost = sum(taken(one, payment) for one in disputes if one.status == DisputeStatus.LOST)
    is_running = any(one.status in OPEN_DISPUTE for one in disputes)
    return (is_running, lost) if disputes else None


def fees_of(dispute: Dispute) -> list[tuple[Money, Money]]:
    """Return what Stripe took for a dispute, and what of it came back, by currency: one query.

    That's what its balance transactions say: a fee that they carry, or one that moved by itself,
    such as the fee for countering a dispute. Nothing if none has moved, as in an inquiry.
    """
    taken: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for row in BalanceTransaction.objects.filter(dispute=dispute).order_by("pk"):
        is_fee = book_words.section(row.category) is Section.FEES
        for amount in (row.fee, -row.amount if is_fee else 0):
            if amount > 0:
                taken[row.currency] += amount
            else:
                back[row.currency] -= amount
    return [(Money(taken[one], one), Money(back[one], one)) for one in taken]


def closed_at(dispute: Dispute) -> datetime | None:
    """Return when the bank decided, from its event, or None: the dispute itself doesn't say."""
    if dispute.is_open:
        return None
    events = StripeEvent.objects.filter(object_id=dispute.stripe_id, type="charge.dispute.closed")
    moment: datetime | None = events.values_list("created_at", flat=True).first()
    return moment
