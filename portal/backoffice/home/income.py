"""Income of the last twelve months, for home. Times are UTC, and money is in minor units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncMonth
from django.utils import timezone

from billing.core.statuses import DisputeStatus, PaymentStatus
from billing.models import Dispute, Payment
from common.money import Money, largest_first
from common.staff.read_only import estimated_rows

RECENT = timedelta(days=30)
MONTHS = 12
# From this many payments on, older ones are added up only once an hour.
LARGE = 50_000
KEPT_SECONDS = 3600


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


def income(at: datetime | None = None) -> Income:
    """Return the income of the twelve months up to a time, the current one last.

    It's net of refunds and amounts taken back by banks, both counted on the day of the payment. Two
    queries. In a large table only the last 30 days are added up each time; earlier income is cached
    for an hour, so refunds of it show late.
    """
    now = at or timezone.now()
    today = timezone.localtime(now).date()
    first = _months_ago(today.replace(day=1), MONTHS - 1)
    rows = _received_in(_midnight(first), _midnight(today - RECENT), now)
    by_month: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    recent: dict[str, int] = defaultdict(int)
    for row in rows:
        by_month[row.currency][row.month] += row.amount
        recent[row.currency] += row.recent
    months = _months_of_main_currency(by_month, first)
    main = months[-1].income.currency.lower() if months else ""
    others = sorted(code.upper() for code in by_month if code.lower() != main)
    return Income(recent=largest_first(recent), months=months, others=others)


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
    sums: QuerySet[Any, Any] = months.annotate(
        sum=Sum(amount), sum_recent=Sum(amount, filter=is_recent)
    )
    return sums


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _months_of_main_currency(
    totals: Mapping[str, Mapping[date, int]], first: date
) -> list[MonthOfIncome]:
    if not totals:
        return []
    currency = max(totals, key=lambda code: sum(totals[code].values()))
    months = [_months_ago(first, -later) for later in range(MONTHS)]
    return [MonthOfIncome(at, Money(totals[currency].get(at, 0), currency)) for at in months]


def _months_ago(month: date, count: int) -> date:
    years, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(years, index + 1, 1)
