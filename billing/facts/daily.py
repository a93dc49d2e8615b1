"""Keeps the business's numbers by day: what members were, trials, payments, what went back.

Everything follows from our rows, so it can be made anew (`rebuild`). In between, the database notes
which members and days changed (`FactDue`, written by triggers), and `refresh` counts these again. A
day is counted whole, never added to, so the result is the same in whatever order news comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Concat, TruncDate, TruncMonth
from django.utils import timezone

from billing.core import recurring
from billing.core.recurring import Sold, Span
from billing.core.statuses import (
    INQUIRY,
    NOT_BY_STRIPE,
    REFUND_VOID,
    CollectionMethod,
    InvoiceStatus,
    PaymentStatus,
)
from billing.facts import billed, paid_for
from billing.facts.paid_for import PaidFor
from billing.models import (
    CohortFact,
    Customer,
    DayFact,
    Dispute,
    FactDue,
    FactState,
    Invoice,
    MemberSpan,
    Payment,
    Refund,
    TrialSpan,
)
from common import region

AT_ONCE = 500
# Only one process counts at a time; the number means nothing but this.
LOCK = 7_302_611
Counted = dict[tuple[date, str, str], tuple[int, int]]
Spans = dict[int, list[Span]]


@dataclass(frozen=True)
class Source:
    """Rows of money that count on the day of one of their times, and what each counts as."""

    rows: QuerySet[Any]
    at: str
    kind: Any
    amount: Any
    kinds: tuple[str, ...]


def zone() -> ZoneInfo:
    """Return the business's time zone."""
    return region.zone()


def day_of(at: datetime) -> date:
    """Return the business's day of a time."""
    return at.astimezone(zone()).date()


def bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return when the first of some days begins, and when the last one is over."""
    after = last + timedelta(days=1)
    begin, end = (datetime(one.year, one.month, one.day, tzinfo=zone()) for one in (first, after))
    return begin, end


def paid() -> QuerySet[Payment]:
    """Return the payments that came."""
    return Payment.objects.filter(status=PaymentStatus.SUCCEEDED, paid_at__isnull=False)


def refunded() -> QuerySet[Refund]:
    """Return the refunds that were sent, and didn't come back."""
    return Refund.objects.filter(sent_at__isnull=False).exclude(state__in=sorted(REFUND_VOID))


def disputed() -> QuerySet[Dispute]:
    """Return the disputes, without inquiries, which move no money."""
    return Dispute.objects.exclude(status__in=sorted(INQUIRY))


def failed() -> QuerySet[Invoice]:
    """Return the renewals whose first charge failed, paid by now or not."""
    renewals = Invoice.objects.filter(
        collection_method=CollectionMethod.CHARGE,
        subscription__isnull=False,
        finalized_at__isnull=False,
        amount_due__gt=0,
    ).exclude(billing_reason="subscription_create")
    once = Q(attempt_count=1) & ~Q(status=InvoiceStatus.PAID)
    return renewals.filter(Q(attempt_count__gt=1) | once)


def recovered() -> QuerySet[Invoice]:
    """Return those of them that were paid after all."""
    return failed().filter(status=InvoiceStatus.PAID)


PAID_KINDS = ("paid:membership", "paid:other", "paid:once")
PAID_KIND = paid_for.case(dict(zip(PaidFor, PAID_KINDS, strict=True)))


def sources() -> list[Source]:
    """Return what of money is counted."""
    received = F("amount_received")
    by_stripe = paid().exclude(card_brand__in=NOT_BY_STRIPE)
    return [
        Source(paid(), "paid_at", PAID_KIND, received, PAID_KINDS),
        Source(
            by_stripe, "paid_at", Value("paid_through:stripe"), received, ("paid_through:stripe",)
        ),
        Source(refunded(), "sent_at", Value("refunded"), F("amount"), ("refunded",)),
        Source(disputed(), "created_at", Value("disputed"), F("amount"), ("disputed",)),
        Source(failed(), "finalized_at", Value("failed"), F("amount_due"), ("failed",)),
        Source(recovered(), "finalized_at", Value("recovered"), F("amount_due"), ("recovered",)),
    ]


def refresh(at_once: int = AT_ONCE) -> bool:
    """Count again what changed; return whether there may be more of it."""
    state = FactState.objects.first()
    if state is None or state.time_zone != region.zone().key:
        rebuild()
        return False
    with transaction.atomic():
        _lock()
        due = list(FactDue.objects.order_by("pk")[:at_once])
        members = {one.user_id for one in due if one.user_id is not None}
        days = {day_of(one.moment) for one in due if one.moment is not None}
        days |= _write_members(members)
        _write_days(days)
        FactDue.objects.filter(pk__in=[one.pk for one in due]).delete()
        if len(due) < at_once:
            FactState.objects.update(current_at=timezone.now())
    return len(due) == at_once


def refresh_all() -> None:
    """Count again everything that changed until now."""
    while refresh():
        pass


def rebuild() -> int:
    """Count everything anew; return how many members there were."""
    with transaction.atomic():
        _lock()
        newest = FactDue.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        noted = list(FactDue.objects.filter(pk__lte=newest).values_list("pk", flat=True))
        for model in (MemberSpan, TrialSpan, DayFact, CohortFact):
            model.objects.all().delete()
        count = 0
        for users in _batches():
            read = _read(users)
            _insert(read)
            count += len(read.spans)
        _write_counted(_counted_spans(None))
        _write_counted(_counted_trials(None))
        _write_counted(_counted_money(None))
        _write_cohorts(None)
        FactDue.objects.filter(pk__in=noted).delete()
        values = {"time_zone": region.zone().key, "current_at": timezone.now()}
        FactState.objects.update_or_create(defaults=values | {"rebuilt_at": timezone.now()})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE billing_memberspan, billing_dayfact")
    return count


def recount() -> tuple[set[Any], set[Any], set[Any], set[Any]]:
    """Return all facts as comparable values."""
    span = ("user_id", "currency", "day", "until", "mrr_before", "mrr", "was_member")
    more = ("is_member", "movement", "membership", "joined")
    trial = ("subscription_id", "user_id", "currency", "started", "ended", "converted")
    return (
        set(MemberSpan.objects.values_list(*span, *more)),
        set(TrialSpan.objects.values_list(*trial)),
        set(DayFact.objects.values_list("day", "currency", "kind", "count", "amount")),
        set(CohortFact.objects.values_list("currency", "joined", "month", "change")),
    )


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _batches() -> Iterator[list[int]]:
    """Yield everybody who's a customer, in order: an index has the next ones, however many."""
    last = 0
    while True:
        rows = Customer.objects.filter(user_id__gt=last).order_by("user_id")
        users = list(rows.values_list("user_id", flat=True).distinct()[:AT_ONCE])
        if not users:
            return
        yield users
        last = users[-1]


@dataclass(frozen=True)
class _Read:
    """What members were, and the trials of their subscriptions, by row number."""

    spans: Spans
    trials: dict[int, tuple[int, recurring.Trial]]


def _read(users: Collection[int]) -> _Read:
    """Work out what members were: two queries."""
    mine: dict[int, list[Sold]] = defaultdict(list)
    trials: dict[int, tuple[int, recurring.Trial]] = {}
    for pk, user, sold in billed.read(customer__user_id__in=users):
        mine[user].append(sold)
        if found := recurring.trial(sold, _to_day()):
            trials[pk] = (user, found)
    return _Read({user: recurring.spans(sold, _to_day()) for user, sold in mine.items()}, trials)


def _to_day() -> recurring.ToDay:
    here = zone()
    return lambda seconds: datetime.fromtimestamp(seconds, UTC).astimezone(here).date()


def _write_members(users: Collection[int]) -> set[date]:
    """Write what members were; return the days whose counts change."""
    if not users:
        return set()
    read = _read(users)
    days, cohorts = _forget_changed(users, read)
    _write_cohorts(cohorts)
    return days


def _forget_changed(users: Collection[int], read: _Read) -> tuple[set[date], set[tuple[str, date]]]:
    """Replace the rows of those who changed; return the days and cohorts that this changes."""
    before: Spans = defaultdict(list)
    for row in MemberSpan.objects.filter(user_id__in=users).order_by("currency", "day"):
        before[row.user_id].append(_span_of(row))
    changed = [user for user in users if before[user] != read.spans.get(user, [])]
    touched = [span for user in changed for span in {*before[user]} ^ {*read.spans.get(user, [])}]
    days = {span.day for span in touched}
    every = (span for user in changed for span in (*before[user], *read.spans.get(user, [])))
    cohorts = {(span.currency, span.joined) for span in every if span.joined}
    MemberSpan.objects.filter(user_id__in=changed).delete()
    trials_before = {
        row.subscription_id: (
            row.user_id,
            recurring.Trial(row.currency, row.started, row.ended, row.converted),
        )
        for row in TrialSpan.objects.filter(user_id__in=users)
    }
    # A subscription may have become another member's.
    moved = [pk for pk in read.trials if pk not in trials_before]
    for elsewhere in TrialSpan.objects.filter(subscription_id__in=moved):
        days |= {day for day in (elsewhere.started, elsewhere.ended) if day}
    for pk in {*trials_before} | {*read.trials}:
        old, new = trials_before.get(pk), read.trials.get(pk)
        if old != new:
            both = [one for _, one in filter(None, (old, new))]
            days |= {day for one in both for day in (one.started, one.ended) if day}
    TrialSpan.objects.filter(subscription_id__in=[*trials_before, *read.trials]).delete()
    _insert(_Read({user: read.spans.get(user, []) for user in changed}, read.trials))
    return days, cohorts


def _insert(read: _Read) -> None:
    MemberSpan.objects.bulk_create(
        [
            MemberSpan(user_id=user, **vars(span))
            for user, spans in read.spans.items()
            for span in spans
        ]
    )
    TrialSpan.objects.bulk_create(
        [
            TrialSpan(subscription_id=pk, user_id=user, **vars(trial))
            for pk, (user, trial) in read.trials.items()
        ]
    )


def _span_of(row: MemberSpan) -> Span:
    return Span(
        row.currency,
        row.day,
        row.until,
        row.mrr_before,
        row.mrr,
        row.was_member,
        row.is_member,
        row.movement,
        row.membership,
        row.joined,
    )


def _write_days(days: Collection[date]) -> None:
    if not days:
        return
    DayFact.objects.filter(day__in=days).delete()
    for counted in (_counted_spans(days), _counted_trials(days), _counted_money(days)):
        _write_counted(counted)


def _write_counted(counted: Counted) -> None:
    DayFact.objects.bulk_create(
        [
            DayFact(day=day, currency=currency, kind=kind, count=count, amount=amount)
            for (day, currency, kind), (count, amount) in counted.items()
        ],
        batch_size=1000,
    )


def _counted_spans(days: Collection[date] | None) -> Counted:
    """Count members' changes on some days, or on all."""
    rows = MemberSpan.objects.order_by()
    if days is not None:
        rows = rows.filter(day__in=days)
    money = rows.exclude(movement="").values(
        "day", "currency", kind=Concat(Value("mrr:"), "movement")
    )
    members = rows.exclude(membership="").values(
        "day", "currency", kind=Concat(Value("members:"), "membership")
    )
    found: list[Any] = list(
        money.annotate(count=Count("pk"), amount=Sum(F("mrr") - F("mrr_before")))
    )
    found += members.annotate(count=Count("pk"))
    return _as_counted(found)


def _counted_trials(days: Collection[date] | None) -> Counted:
    found: list[dict[str, Any]] = []
    for kind, column, rows in (
        ("trials:started", "started", TrialSpan.objects.all()),
        ("trials:ended", "ended", TrialSpan.objects.exclude(ended=None)),
        ("trials:converted", "ended", TrialSpan.objects.filter(converted=True)),
    ):
        mine = rows if days is None else rows.filter(**{f"{column}__in": days})
        groups = mine.order_by().values("currency", day=F(column))
        found += [row | {"kind": kind} for row in groups.annotate(count=Count("pk"))]
    return _as_counted(found)


def _counted_money(days: Collection[date] | None) -> Counted:
    found: list[dict[str, Any]] = []
    for source in sources():
        rows = source.rows.order_by()
        if days is not None:
            within = Q(pk__in=[])
            for first, last in _runs(days):
                begin, end = bounds(first, last)
                within |= Q(**{f"{source.at}__gte": begin, f"{source.at}__lt": end})
            rows = rows.filter(within)
        groups = rows.values(
            code=F("currency"), day=TruncDate(source.at, tzinfo=zone()), what=source.kind
        )
        sums = groups.annotate(times=Count("pk"), sum=Sum(source.amount))
        found += [
            {
                "currency": row["code"],
                "day": row["day"],
                "kind": row["what"],
                "count": row["times"],
                "amount": row["sum"],
            }
            for row in sums
        ]
    return _as_counted(found)


def _runs(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Yield the first and last of days that follow each other."""
    first = last = None
    for day in sorted(days):
        if last is not None and day == last + timedelta(days=1):
            last = day
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = day
    if first is not None and last is not None:
        yield first, last


def _as_counted(rows: Iterable[dict[str, Any]]) -> Counted:
    return {
        (row["day"], row["currency"], row["kind"]): (row["count"], row.get("amount") or 0)
        for row in rows
    }


def _write_cohorts(cohorts: Collection[tuple[str, date]] | None) -> None:
    """Count by how much those who joined in some months, or in any, became more or fewer."""
    if cohorts is not None and not cohorts:
        return
    changes = MemberSpan.objects.exclude(membership="")
    if cohorts is not None:
        wanted = Q(pk__in=[])
        for currency, joined in cohorts:
            wanted |= Q(currency=currency, joined=joined)
        CohortFact.objects.filter(wanted).delete()
        changes = changes.filter(wanted)
    groups = changes.order_by().values("currency", "joined", month=TruncMonth("day"))
    signed = Case(When(membership="lost", then=Value(-1)), default=Value(1))
    rows = groups.annotate(change=Sum(signed)).exclude(change=0)
    CohortFact.objects.bulk_create([CohortFact(**row) for row in rows], batch_size=1000)
