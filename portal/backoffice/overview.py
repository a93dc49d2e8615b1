"""The staff home page's data: the state of the business and of the integration.

It only reads. Times are UTC, and money is in minor units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypedDict

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncMonth
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from billing.core.statuses import (
    UNPAID_SUBSCRIPTION,
    CollectionMethod,
    DisputeStatus,
    EventState,
    PaymentStatus,
    SubscriptionStatus,
)
from billing.models import (
    Dispute,
    Payment,
    Reconciliation,
    Refund,
    StripeEvent,
    Subscription,
    UnassignedCustomer,
)
from billing.models.subscription import IS_PAUSED
from common.money import Money
from common.staff.read_only import estimated_rows
from emails.models import Message, MessageState

RECENT = timedelta(days=30)
MONTHS = 12
SHOWN = 5
# From this many payments on, older ones are added up only once an hour.
LARGE = 50_000
KEPT_SECONDS = 3600
# How many intervals make a month.
MONTHS_IN = {"day": 12 / 365, "week": 12 * 7 / 365, "month": 1.0, "year": 12.0}
PAYING = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})
# What the subscriptions in a share have in common.
SHARED = (
    *("status", "currency", "interval", "interval_count"),
    *("is_ending", "pays_nothing", "by_invoice"),
)
EVENTS_OPEN = frozenset({EventState.PENDING, EventState.RETRYING})
MESSAGES_OPEN = frozenset({MessageState.QUEUED, MessageState.SENDING})


class Share(TypedDict):
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


@dataclass(frozen=True)
class Queue:
    """Waiting and failed rows; `oldest` is when the longest-waiting one arrived."""

    waiting: int = 0
    failed: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True)
class Disputes:
    """Disputes waiting for our evidence; `due_at` is the nearest deadline."""

    to_answer: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Refunds:
    """Refunds waiting for a decision since `oldest`, failed, unsent, or held back.

    The same query counts the customers at Stripe that belong to nobody here.
    """

    waiting: int = 0
    oldest: datetime | None = None
    failed: int = 0
    not_sent: int = 0
    held: int = 0
    unassigned: int = 0


@dataclass(frozen=True)
class Health:
    """The navigation's badges: four queries."""

    events: Queue
    messages: Queue
    disputes: Disputes = Disputes()
    refunds: Refunds = Refunds()


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


@dataclass(frozen=True)
class MonthOfIncome:
    """A month's income, less refunds and amounts taken back by banks."""

    start: date
    income: Money


@dataclass(frozen=True)
class Received:
    """A month's net income in a currency, in minor units; `recent`: of the last 30 days."""

    month: date
    currency: str
    amount: int
    recent: int


@dataclass(frozen=True)
class Income:
    """Income: the last 30 days in every currency, and by month in the main one."""

    recent: list[Money]
    months: list[MonthOfIncome]
    others: list[str]  # other currencies with income, as upper-case codes


@dataclass(frozen=True)
class Jobs:
    """The queue's rows. `waiting` are due now; `later` are retries and schedules."""

    waiting: int
    later: int
    running: int
    failed: int


@dataclass(frozen=True)
class Integration:
    """Whether Stripe's news reaches us, and ours reaches members."""

    last_event: StripeEvent | None
    last_good_check: Reconciliation | None
    last_comparison: Reconciliation | None
    jobs: Jobs
    worker_seen_at: datetime | None

    @property
    def worker_is_alive(self) -> bool:
        """Whether a worker's heartbeat is recent enough for it to keep its jobs."""
        silence = timedelta(seconds=settings.STALLED_WORKER_SECONDS)
        return self.worker_seen_at is not None and timezone.now() - self.worker_seen_at < silence


@dataclass(frozen=True)
class Failures:
    """The newest failures of each kind."""

    subscriptions: list[Subscription]
    events: list[StripeEvent]
    messages: list[Message]


def health() -> Health:
    """Count what's waiting and what failed, in the inbox and the outbox."""
    return Health(
        events=_queue(
            StripeEvent.objects.filter(state__in=EVENTS_OPEN),
            StripeEvent.objects.filter(state=EventState.FAILED),
            came="received_at",
        ),
        messages=_queue(
            Message.objects.filter(state__in=MESSAGES_OPEN),
            Message.objects.filter(state=MessageState.FAILED),
            came="created_at",
        ),
        disputes=_disputes(),
        refunds=_refunds(),
    )


def business() -> Business:
    """Count the members and what they pay, in one query."""
    shares = _shares()
    return Business(
        active=_count(shares, lambda row: row["status"] == SubscriptionStatus.ACTIVE),
        trials=_count(shares, lambda row: row["status"] == SubscriptionStatus.TRIALING),
        ending=_count(shares, lambda row: row["is_ending"]),
        payment_failed=_count(shares, lambda row: _is_unpaid(row) and not row["by_invoice"]),
        overdue=_count(shares, lambda row: _is_unpaid(row) and row["by_invoice"]),
        paused=_count(shares, lambda row: row["pays_nothing"]),
        active_paused=_count(
            shares, lambda row: row["pays_nothing"] and row["status"] == SubscriptionStatus.ACTIVE
        ),
        monthly=_monthly(shares),
    )


def business_now(last: StripeEvent | None) -> datetime:
    """Return the time that money is dated by: now, with the real Stripe.

    A stand-in server's clock may be ahead; the newest event tells.
    """
    now = timezone.now()
    if not settings.STRIPE_API_BASE or last is None:
        return now
    return max(now, last.created_at)


def income(at: datetime | None = None) -> Income:
    """Return the income of the twelve months up to a time, the current one last.

    It's net of refunds and amounts taken back by banks, both counted on the day of the payment. Two
    queries. In a large table only the last 30 days are added up each time; earlier income is cached
    for an hour, so refunds of it show late.
    """
    now = at or timezone.now()
    today = timezone.localtime(now).date()
    first = _months_ago(today.replace(day=1), MONTHS - 1)
    found = _received_in(_midnight(first), _midnight(today - RECENT), now)
    by_month: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    recent: dict[str, int] = defaultdict(int)
    for row in found:
        by_month[row.currency][row.month] += row.amount
        recent[row.currency] += row.recent
    months = _months_of_main_currency(by_month, first)
    main = months[-1].income.currency.lower() if months else ""
    others = sorted(code.upper() for code in by_month if code.lower() != main)
    return Income(recent=_as_money(recent), months=months, others=others)


def _received_in(start: datetime, recent: datetime, now: datetime) -> list[Received]:
    """Add up income since `start`; in a large table, income before `recent` is cached."""
    if estimated_rows(Payment) < LARGE:
        return _received(start, None, now)
    key = f"staff-income:{timezone.get_current_timezone_name()}:{recent.isoformat()}"
    earlier = cache.get_or_set(key, lambda: _received(start, recent, now), KEPT_SECONDS)
    return [*(earlier or []), *_received(recent, None, now)]


def _received(start: datetime, end: datetime | None, now: datetime) -> list[Received]:
    """Add up income between two times, by month and currency; `end` may be open.

    One query. Its rows must be added: income less refunds, and amounts taken back by banks.
    """
    recent = _midnight(timezone.localtime(now).date() - RECENT)
    came = Payment.objects.filter(status=PaymentStatus.SUCCEEDED, paid_at__gte=start)
    lost = Dispute.objects.filter(
        status=DisputeStatus.LOST,
        payment__status=PaymentStatus.SUCCEEDED,
        payment__paid_at__gte=start,
    )
    if end:
        came, lost = came.filter(paid_at__lt=end), lost.filter(payment__paid_at__lt=end)
    net = F("amount_received") - F("amount_refunded")
    rows = _by_month(came, "", net, recent).union(
        _by_month(lost, "payment__", -F("amount"), recent), all=True
    )
    return [
        Received(row["month"].date(), row["code"], row["sum"], row["sum_recent"] or 0)
        for row in rows
    ]


def _by_month(
    rows: QuerySet[Any], path: str, amount: Combinable, recent: datetime
) -> QuerySet[Any, Any]:
    """Add up by month and currency of the payments at the end of a path."""
    is_recent = Q(**{f"{path}paid_at__gte": recent})
    months = rows.order_by().values(month=TruncMonth(f"{path}paid_at"), code=F(f"{path}currency"))
    found: QuerySet[Any, Any] = months.annotate(
        sum=Sum(amount), sum_recent=Sum(amount, filter=is_recent)
    )
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def integration() -> Integration:
    """Return the signs of life of webhooks, checks, and workers: five queries."""
    return Integration(
        last_event=StripeEvent.objects.defer("payload").first(),
        last_good_check=Reconciliation.objects.filter(finished_at__isnull=False).first(),
        last_comparison=Reconciliation.objects.exclude(compared_at=None).first(),
        jobs=_jobs(),
        worker_seen_at=ProcrastinateWorker.objects.aggregate(at=Max("last_heartbeat"))["at"],
    )


def failures(now: Health, members: Business) -> Failures:
    """Return the newest failures: one query for each kind that has any."""
    people = "customer__user"
    return Failures(
        subscriptions=list(
            Subscription.objects.memberships()
            .filter(status__in=UNPAID_SUBSCRIPTION)
            .select_related(people)[:SHOWN]
        )
        if members.payment_failed or members.overdue
        else [],
        events=list(
            StripeEvent.objects.filter(state=EventState.FAILED).defer("payload")[:SHOWN],
        )
        if now.events.failed
        else [],
        messages=list(
            Message.objects.filter(state=MessageState.FAILED).select_related("user")[:SHOWN]
        )
        if now.messages.failed
        else [],
    )


def monthly_amount(amount: int, interval: str, interval_count: int) -> int:
    """Return a price's monthly amount: a twelfth of a yearly price.

    An unknown interval counts as zero: the page must not fail because of it.
    """
    months = MONTHS_IN.get(interval, 0) * interval_count
    return round(amount / months) if months else 0


def _queue(waiting: QuerySet[Any], failed: QuerySet[Any], *, came: str) -> Queue:
    """Count both in one query, each side by its own partial index."""

    def counted(rows: QuerySet[Any], is_failed: bool) -> QuerySet[Any]:
        found = rows.order_by().values(is_failed=Value(is_failed))
        counts: QuerySet[Any, Any] = found.annotate(count=Count("pk"), oldest=Min(came))
        return counts

    rows = counted(waiting, is_failed=False).union(counted(failed, is_failed=True), all=True)
    found = {row["is_failed"]: row for row in rows}
    queue = found.get(False)
    return Queue(
        waiting=queue["count"] if queue else 0,
        failed=found[True]["count"] if True in found else 0,
        oldest=queue["oldest"] if queue else None,
    )


def _disputes() -> Disputes:
    found = Dispute.objects.to_answer().aggregate(
        to_answer=Count("pk"), due_at=Min("evidence_due_at")
    )
    return Disputes(**found)


def _refunds() -> Refunds:
    """Count everything in one query, each kind of refund by its part of the index on states."""

    def counted(rows: QuerySet[Any], kind: str) -> QuerySet[Any]:
        found = rows.order_by().values(kind=Value(kind))
        counts: QuerySet[Any, Any] = found.annotate(count=Count("pk"), oldest=Min("created_at"))
        return counts

    rows = Refund.objects.all()
    waiting = counted(rows.undecided(), "waiting")
    others = [
        counted(rows.failed_lately(), "failed"),
        counted(rows.not_sent(), "not_sent"),
        counted(rows.held(), "held"),
        counted(UnassignedCustomer.objects.all(), "unassigned"),
    ]
    found = {row["kind"]: row for row in waiting.union(*others, all=True)}
    counts = {kind: row["count"] for kind, row in found.items()}
    return Refunds(oldest=found["waiting"]["oldest"] if "waiting" in found else None, **counts)


def _shares() -> list[Share]:
    is_ending = Q(cancel_at_period_end=True) | Q(cancel_at__isnull=False)
    live = Subscription.objects.memberships().live()
    rows = (
        live.order_by()
        .annotate(
            is_ending=is_ending,
            pays_nothing=IS_PAUSED,
            by_invoice=Q(collection_method=CollectionMethod.SEND),
        )
        .values(*SHARED)
        .annotate(count=Count("pk"), amount=Sum("plan_amount"))
    )
    return list(rows)


def _is_unpaid(row: Share) -> bool:
    return row["status"] in UNPAID_SUBSCRIPTION


def _count(shares: list[Share], belongs: Any) -> int:
    return sum(row["count"] for row in shares if belongs(row))


def _monthly(shares: list[Share]) -> list[Money]:
    totals: dict[str, int] = defaultdict(int)
    for row in shares:
        if row["status"] in PAYING and not row["pays_nothing"]:
            each = monthly_amount(row["amount"], row["interval"], row["interval_count"])
            totals[row["currency"]] += each
    return _as_money(totals)


def _months_of_main_currency(
    totals: Mapping[str, Mapping[date, int]], first: date
) -> list[MonthOfIncome]:
    if not totals:
        return []
    currency = max(totals, key=lambda code: sum(totals[code].values()))
    months = [_months_ago(first, -later) for later in range(MONTHS)]
    return [MonthOfIncome(at, Money(totals[currency].get(at, 0), currency)) for at in months]


def _as_money(totals: Mapping[str, int]) -> list[Money]:
    """Return one amount per currency, the largest first."""
    largest = sorted(totals.items(), key=lambda item: -item[1])
    return [Money(amount, currency) for currency, amount in largest]


def _months_ago(month: date, count: int) -> date:
    years, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(years, index + 1, 1)


def _jobs() -> Jobs:
    is_due = Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=timezone.now())
    counts = ProcrastinateJob.objects.aggregate(
        waiting=Count("pk", filter=Q(status="todo") & is_due),
        later=Count("pk", filter=Q(status="todo") & ~is_due),
        running=Count("pk", filter=Q(status="doing")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    return Jobs(**counts)
