"""Which refunds a member's pages show. `lines` puts them into words."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Case, IntegerField, Q, When
from django.utils import timezone

from billing.core.dates import arrival
from billing.core.statuses import REFUND_UNDER_WAY, REFUND_VOID, RefundOrigin, RefundState
from billing.models import Refund
from billing.models.refund import RefundQuerySet
from common.reads import Moment, Person

# How long a failed refund is shown prominently to the member.
REMEMBERED_FOR = timedelta(days=30)
# At least as long as a bank takes to show a refund (`dates.ARRIVES_AFTER`), in calendar days.
AT_THE_BANK_FOR = timedelta(days=15)
MOST_LISTED = 20
# Those that the member must know or do something about come first.
HELD_UP = (RefundState.REQUIRES_ACTION, RefundState.FAILED)


def visible_to(user: Person) -> RefundQuerySet:
    """Return the refunds that a member may see: their own that were announced."""
    return told(Refund.objects.for_user(user))


def told(rows: RefundQuerySet) -> RefundQuerySet:
    """Keep what a member may see: no goodwill refund that came to nothing.

    The member has never heard of one that a colleague didn't approve or Stripe didn't accept.
    """
    unknown = Q(origin=RefundOrigin.STAFF, stripe_id=None) & Q(
        state__in=[RefundState.REQUESTED, *sorted(REFUND_VOID)]
    )
    return rows.exclude(unknown)


def in_progress(user: Person, since: Moment) -> RefundQuerySet:
    """Return the refunds that may be waiting for us, Stripe, or the bank.

    `since` is `AT_THE_BANK_FOR` ago. For those at a bank, `is_under_way` says more.
    """
    rows = visible_to(user).filter(_may_be_under_way(since))
    return rows.select_related("payment__invoice__subscription")[:MOST_LISTED]


def is_under_way(row: Refund) -> bool:
    """Whether a refund is under way; a bank gets the days that banks usually take."""
    if row.state != RefundState.SUCCEEDED:
        return row.state in REFUND_UNDER_WAY
    _, last = arrival(row.succeeded_at or row.sent_at or row.created_at)
    return timezone.now() <= last


def _may_be_under_way(since: Moment) -> Q:
    """Select slightly more than needed: the database can't count business days."""
    at_bank = Q(succeeded_at__gt=since) | Q(succeeded_at=None, sent_at__gt=since)
    return Q(state__in=sorted(REFUND_UNDER_WAY)) | Q(at_bank, state=RefundState.SUCCEEDED)


def newest(user: Person, failed_since: Moment, since: Moment) -> RefundQuerySet:
    """Return the refunds that the home page may show, those that need the member first.

    `failed_since` is `REMEMBERED_FOR` ago, `since` `AT_THE_BANK_FOR`.
    """
    owed = Refund.objects.still_owed().filter(failed_at__gt=failed_since, customer__user=user)
    failed = Q(state=RefundState.FAILED, pk__in=owed.order_by().values("pk"))
    rows = visible_to(user).filter(failed | _may_be_under_way(since))
    urgent = Case(When(state__in=HELD_UP, then=0), default=1, output_field=IntegerField())
    rows = rows.select_related("payment__invoice__subscription")
    return rows.order_by(urgent, "-created_at", "-pk")[:MOST_LISTED]
