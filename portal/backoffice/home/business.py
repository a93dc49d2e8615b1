"""How members stand now, for home."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from billing.core.statuses import UNPAID_SUBSCRIPTION, CollectionMethod, SubscriptionStatus
from billing.models import Subscription
from billing.models.subscription import IS_PAUSED, RENEWS
from common.reads import Part, Reading

# What the subscriptions in a share have in common.
SHARED = ("status", "is_ending", "pays_nothing", "by_invoice", "has_free_time")


@dataclass(frozen=True)
class Share:
    """A group of similar subscriptions, as the database counts them."""

    status: str
    is_ending: bool
    pays_nothing: bool
    by_invoice: bool
    has_free_time: bool
    count: int

    @property
    def is_unpaid(self) -> bool:
        """Whether the last payment failed, or an invoice is overdue."""
        return self.status in UNPAID_SUBSCRIPTION


@dataclass(frozen=True)
class Business:
    """How members stand."""

    active: int
    trials: int
    ending: int
    payment_failed: int
    overdue: int  # a sent invoice is overdue
    paused: int


def _shares() -> QuerySet[Any, Any]:
    live = Subscription.objects.memberships().live().order_by()
    rows: QuerySet[Any, Any] = live.annotate(
        is_ending=~RENEWS,
        pays_nothing=IS_PAUSED,
        by_invoice=Q(collection_method=CollectionMethod.SEND),
    )
    shares = rows.values(*SHARED).annotate(count=Count("pk"))
    counted: QuerySet[Any, Any] = shares.values_list(*SHARED, "count")
    return counted


SHARES = Part(_shares)
BUSINESS = Reading(SHARES)


def business() -> Business:
    """Count how members stand, in one statement."""
    return of(BUSINESS()[SHARES])


def of(rows: Iterable[tuple[Any, ...]]) -> Business:
    """Add up the shares."""
    shares = [Share(*row) for row in rows]
    unpaid = [row for row in shares if row.is_unpaid]
    active = [row for row in shares if row.status == SubscriptionStatus.ACTIVE]
    paused = [row for row in shares if row.pays_nothing]
    return Business(
        active=_count(active),
        trials=_count(
            row
            for row in shares
            if row.status == SubscriptionStatus.TRIALING and not row.has_free_time
        ),
        ending=_count(row for row in shares if row.is_ending),
        payment_failed=_count(row for row in unpaid if not row.by_invoice),
        overdue=_count(row for row in unpaid if row.by_invoice),
        paused=_count(paused),
    )


def _count(shares: Iterable[Share]) -> int:
    return sum(row.count for row in shares)
