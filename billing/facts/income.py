"""A payment's income: what arrived, less what was refunded or taken back by the bank.

A dispute takes the money out of Stripe's balance as soon as it's opened, so it's no income while
the bank decides; if the dispute is won, it is again. Every amount counts with its payment, on the
day that was paid. Amounts are in minor units.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.core.statuses import (
    HOLDING_DISPUTE,
    NOT_BY_STRIPE,
    OPEN_DISPUTE,
    OUTSIDE,
    REFUND_IN_TRANSIT,
    DisputeStatus,
    PaymentStatus,
)
from billing.facts import disputes
from billing.models import Dispute, Payment, Refund


class Settlement(StrEnum):
    """The state of a successful payment. `PAID_DIRECTLY`: not through Stripe."""

    PAID = "paid"
    PAID_DIRECTLY = "paid_directly"
    DISPUTED = "disputed"
    RETURNED = "returned"  # by the bank, for good
    BEING_REFUNDED = "being_refunded"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


# Also the heading over what banks took back.
RETURNED = "Returned by the bank"
# And over what they hold until they have decided.
HELD = "Held by the bank in a dispute"
LABELS: dict[Settlement, str | Promise] = {
    Settlement.PAID: _("Paid"),
    Settlement.PAID_DIRECTLY: _("Paid directly"),
    Settlement.DISPUTED: _("Disputed"),
    Settlement.RETURNED: _("Returned by the bank"),
    Settlement.BEING_REFUNDED: _("Being refunded"),
    Settlement.PARTLY_REFUNDED: _("Partly refunded"),
    Settlement.REFUNDED: _("Refunded"),
}


@dataclass(frozen=True)
class GoneBack:
    """What went back of a payment, and what's still on its way, in minor units."""

    done: int
    under_way: int


def gone_back(row: Payment, refunds: Collection[Refund]) -> GoneBack:
    """Return what went back of a payment, given at least its refunds under way."""
    mine = [one for one in refunds if one.payment_id == row.pk and one.state in REFUND_IN_TRANSIT]
    # Stripe counts those it has as refunded.
    at_stripe = sum(one.amount for one in mine if one.stripe_id)
    return GoneBack(max(0, row.amount_refunded - at_stripe), sum(one.amount for one in mine))


def returned(row: Payment) -> int:
    """Return what the bank took back for good, through a lost dispute.

    Reads `row.disputes`, which lists prefetch. Money in an open dispute may come back (`held`).
    """
    return _taken(row, {DisputeStatus.LOST})


def held(row: Payment) -> int:
    """Return what the bank holds of a payment while it decides; an inquiry holds nothing.

    Reads `row.disputes`, as `returned` does.
    """
    return _taken(row, HOLDING_DISPUTE)


def _taken(row: Payment, statuses: Collection[str]) -> int:
    those = (one for one in row.disputes.all() if one.status in statuses)
    return sum(disputes.taken(one, row) for one in those)


def net(row: Payment) -> int:
    """Return what's left of it now."""
    return row.amount_received - row.amount_refunded - returned(row) - held(row)


def settlement(row: Payment, under_way: int = 0) -> Settlement | None:
    """Return a successful payment's state, up to its last refund; None for any other payment.

    Reads `row.disputes`, as `returned` does. `under_way`: what's being refunded, if the reader
    should see that separately.
    """
    if row.status != PaymentStatus.SUCCEEDED:
        return None
    statuses = {one.status for one in row.disputes.all()}
    if statuses & OPEN_DISPUTE:
        return Settlement.DISPUTED
    if DisputeStatus.LOST in statuses:
        return Settlement.RETURNED
    if under_way:
        return Settlement.BEING_REFUNDED
    if not row.amount_refunded:
        return Settlement.PAID_DIRECTLY if row.card_brand == OUTSIDE else Settlement.PAID
    is_all = row.amount_refunded >= row.amount_received
    return Settlement.REFUNDED if is_all else Settlement.PARTLY_REFUNDED


def label(row: Payment, under_way: int = 0) -> str:
    """Return a payment's state in words, from its status to its last refund: see `settlement`."""
    settled = settlement(row, under_way)
    return str(LABELS[settled]) if settled else str(row.get_status_display())


def outside_of(rows: QuerySet[Payment]) -> dict[str, int]:
    """Return what of these payments came outside of Stripe, by currency code: one query."""
    outside = rows.filter(card_brand__in=NOT_BY_STRIPE).order_by().values("currency")
    sums = outside.annotate(sum=Sum("amount_received"))
    return dict(sums.values_list("currency", "sum"))


def returned_of(rows: QuerySet[Payment]) -> dict[str, int]:
    """Return what banks took back of these payments, by currency code: one query."""
    return _taken_of(rows, {DisputeStatus.LOST})


def held_of(rows: QuerySet[Payment]) -> dict[str, int]:
    """Return what banks hold of these payments, by currency code: one query."""
    return _taken_of(rows, HOLDING_DISPUTE)


def _taken_of(rows: QuerySet[Payment], statuses: Collection[str]) -> dict[str, int]:
    those = Dispute.objects.filter(status__in=statuses, payment__in=rows.order_by())
    sums = those.order_by().values("payment__currency").annotate(sum=Sum(disputes.TAKEN))
    return dict(sums.values_list("payment__currency", "sum"))
