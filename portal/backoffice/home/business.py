"""The members and what they pay, for home. Money is in minor units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from billing.core.statuses import UNPAID_SUBSCRIPTION, CollectionMethod, SubscriptionStatus
from billing.models import Subscription
from billing.models.subscription import IS_PAUSED
from common.money import Money, largest_first
from common.reads import Part, Reading

# How many intervals make a month.
MONTHS_IN = {"day": 12 / 365, "week": 12 * 7 / 365, "month": 1.0, "year": 12.0}
# What the subscriptions in a share have in common.
SHARED = (
    *("status", "currency", "interval", "interval_count"),
    *("is_ending", "pays_nothing", "by_invoice"),
)
PAYING = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})


@dataclass(frozen=True)
class Share:
    """A group of similar subscriptions, as the database counts them."""

    status: str
    currency: str
    interval: str
    interval_count: int
    is_ending: bool
    pays_nothing: bool
    by_invoice: bool
    count: int
    amount: int

    @property
    def is_unpaid(self) -> bool:
        """Whether the last payment failed, or an invoice is overdue."""
        return self.status in UNPAID_SUBSCRIPTION


@dataclass(frozen=True)
class Business:
    """The members, and their revenue."""

    active: int
    trials: int
    ending: int
    payment_failed: int
    overdue: int  # a sent invoice is overdue
    paused: int
    active_paused: int  # active, but currently paying nothing
    monthly: list[Money]


def _shares() -> QuerySet[Any, Any]:
    live = Subscription.objects.memberships().live().order_by()
    rows: QuerySet[Any, Any] = live.annotate(
        is_ending=Q(cancel_at_period_end=True) | Q(cancel_at__isnull=False),
        pays_nothing=IS_PAUSED,
        by_invoice=Q(collection_method=CollectionMethod.SEND),
    )
    shares = rows.values(*SHARED).annotate(count=Count("pk"), amount=Sum("plan_amount"))
    counted: QuerySet[Any, Any] = shares.values_list(*SHARED, "count", "amount")
    return counted


SHARES = Part(_shares)
BUSINESS = Reading(SHARES)


def business() -> Business:
    """Count the members and what they pay, in one statement."""
    return of(BUSINESS()[SHARES])


def of(rows: Iterable[tuple[Any, ...]]) -> Business:
    """Add up the shares."""
    shares = [Share(*row) for row in rows]
    unpaid = [row for row in shares if row.is_unpaid]
    active = [row for row in shares if row.status == SubscriptionStatus.ACTIVE]
    paused = [row for row in shares if row.pays_nothing]
    return Business(
        active=_count(active),
        trials=_count(row for row in shares if row.status == SubscriptionStatus.TRIALING),
        ending=_count(row for row in shares if row.is_ending),
        payment_failed=_count(row for row in unpaid if not row.by_invoice),
        overdue=_count(row for row in unpaid if row.by_invoice),
        paused=_count(paused),
        active_paused=_count(row for row in active if row.pays_nothing),
        monthly=_monthly(shares),
    )


def monthly_amount(amount: int, interval: str, interval_count: int) -> int:
    """Return a price's monthly amount: a twelfth of a yearly price.

    An unknown interval counts as zero: the page must not fail because of it.
    """
    months = MONTHS_IN.get(interval, 0) * interval_count
    return round(amount / months) if months else 0


def _count(shares: Iterable[Share]) -> int:
    return sum(row.count for row in shares)


def _monthly(shares: Iterable[Share]) -> list[Money]:
    totals: dict[str, int] = defaultdict(int)
    for row in shares:
        if row.status in PAYING and not row.pays_nothing:
            totals[row.currency] += monthly_amount(row.amount, row.interval, row.interval_count)
    return largest_first(totals)
