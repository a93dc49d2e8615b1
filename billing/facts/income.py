"""A payment's income: what arrived, less what was refunded or taken back by the bank.

Every amount counts with its payment, on the day that was paid. Amounts are in minor units.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from billing.core.statuses import OPEN_DISPUTE, OUTSIDE, DisputeStatus, PaymentStatus, RefundState
from billing.models import Dispute, Payment, Refund

RETURNED = "Returned by the bank"
BEING_REFUNDED = "Being refunded"
# Arrived, but not through Stripe.
PAID_DIRECTLY = "Paid directly"
# Approved, but not at the member's bank yet: Stripe counts those it has as refunded.
UNDER_WAY = frozenset(
    {
        RefundState.APPROVED,
        RefundState.SENDING,
        RefundState.PENDING,
        RefundState.REQUIRES_ACTION,
    }
)


@dataclass(frozen=True)
class GoneBack:
    """What went back of a payment, and what's still on its way, in minor units."""

    done: int
    under_way: int


def gone_back(row: Payment, refunds: Collection[Refund]) -> GoneBack:
    """Return what went back of a payment, given at least its refunds under way."""
    mine = [one for one in refunds if one.payment_id == row.pk and one.state in UNDER_WAY]
    at_stripe = sum(one.amount for one in mine if one.stripe_id)
    return GoneBack(max(0, row.amount_refunded - at_stripe), sum(one.amount for one in mine))


def returned(row: Payment) -> int:
    """Return what the bank took back for good, through a lost dispute.

    Reads `row.disputes`, which lists prefetch. Money in an open dispute may come back.
    """
    return sum(one.amount for one in row.disputes.all() if one.status == DisputeStatus.LOST)


def net(row: Payment) -> int:
    """Return what's left of it."""
    return row.amount_received - row.amount_refunded - returned(row)


def state(row: Payment, under_way: int = 0) -> str:
    """Return a payment's state in words, from its status to its last refund.

    Reads `row.disputes`, as `returned` does. `under_way`: what's being refunded, if the reader
    should see that separately.
    """
    if row.status != PaymentStatus.SUCCEEDED:
        return str(row.get_status_display())
    statuses = {one.status for one in row.disputes.all()}
    if statuses & OPEN_DISPUTE:
        return "Disputed"
    if DisputeStatus.LOST in statuses:
        return RETURNED
    if under_way:
        return BEING_REFUNDED
    if not row.amount_refunded:
        return PAID_DIRECTLY if row.is_outside else "Paid"
    return "Refunded" if row.amount_refunded >= row.amount_received else "Partly refunded"


def outside_of(rows: QuerySet[Payment]) -> dict[str, int]:
    """Return what of these payments came outside of Stripe, by currency code: one query."""
    found = rows.filter(card_brand=OUTSIDE).order_by().values("currency")
    sums = found.annotate(sum=Sum("amount_received"))
    return dict(sums.values_list("currency", "sum"))


def returned_of(rows: QuerySet[Payment]) -> dict[str, int]:
    """Return what banks took back of these payments, by currency code: one query."""
    lost = Dispute.objects.filter(status=DisputeStatus.LOST, payment__in=rows.order_by())
    sums = lost.order_by().values("payment__currency").annotate(sum=Sum("amount"))
    return dict(sums.values_list("payment__currency", "sum"))
