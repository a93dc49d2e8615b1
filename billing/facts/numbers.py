"""Reads a month's numbers of the business, with those of the month before and the year before.

In four statements at any size, from facts by day (`billing.facts.daily`). A month that isn't over
is compared with the same days of the others. Several currencies are never added.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db.models import Case, CharField, Q, Sum, Value, When
from django.db.models.functions import TruncMonth

from billing.facts.measures import LIFETIME, MEASURES, YEAR_LOST, Measure, Totals, Unit, Window
from billing.models import CohortFact, DayFact, FactState

MONTHS = 12
Sums = dict[str, tuple[int, int]]
NAMES = ("now", "before", "year_ago")


@dataclass(frozen=True)
class Amount:
    """A measure's value. A share has a fraction's parts; `is_known` is false if there's none.

    `amount` is in minor units for money, a number for counts, and tenths of a percent for shares.
    """

    amount: int
    is_known: bool = True


UNKNOWN = Amount(0, is_known=False)


@dataclass(frozen=True)
class MonthOf:
    """A month's MRR at its end, members, and what was received."""

    window: Window
    mrr: int
    members: int
    received: int


@dataclass(frozen=True)
class Cohort:
    """Those who joined in a month: how many, and how many were left at the end of each month."""

    joined: date
    size: int
    kept: tuple[int, ...]


@dataclass(frozen=True)
class Numbers:
    """A month's numbers in a currency. `values` has three by measure, as in `windows`."""

    currency: str
    currencies: tuple[str, ...]
    today: date
    windows: tuple[Window, Window, Window]
    values: dict[str, tuple[Amount, Amount, Amount]]
    months: tuple[MonthOf, ...]
    cohorts: tuple[Cohort, ...]
    first_month: date | None
    current_at: datetime | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has ever been counted."""
        return self.first_month is None

    @property
    def is_running(self) -> bool:
        """Whether the month isn't over."""
        return self.windows[0].last < last_of(self.windows[0].first)


def month_of(day: date) -> date:
    """Return the first of a day's month."""
    return day.replace(day=1)


def later(month: date, count: int) -> date:
    """Return the first of a month some months later, or earlier."""
    years, index = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, index + 1, 1)


def last_of(month: date) -> date:
    """Return a month's last day."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def windows_of(month: date, today: date) -> tuple[Window, Window, Window]:
    """Return the days of a month until today, of the month before, and of the year before."""
    is_running = month == month_of(today)
    length = today.day if is_running else 31
    return tuple(
        Window(first, min(last_of(first), first.replace(day=min(length, last_of(first).day))))
        for first in (month, later(month, -1), later(month, -MONTHS))
    )  # type: ignore[return-value]


def read(today: date, currency: str = "", month: date | None = None) -> Numbers:
    """Read a month's numbers, in the busiest currency unless one is named: four statements."""
    sums = _sums_by_month()
    busiest = sorted(sums, key=lambda code: (-_busy(sums[code]), code))
    chosen = currency if currency in sums else next(iter(busiest), "")
    mine = sums.get(chosen, {})
    known = sorted(mine)
    wanted = min(month or month_of(today), month_of(today))
    windows = windows_of(wanted, today)
    book = _Book(mine, dict(zip(windows, _sums_in(chosen, windows), strict=True)))
    state = FactState.objects.first()
    return Numbers(
        currency=chosen,
        currencies=tuple(busiest),
        today=today,
        windows=windows,
        values={
            key: tuple(book.value(measure, one) for one in windows)  # type: ignore[misc]
            for key, measure in MEASURES.items()
        },
        months=tuple(book.months(windows[0])),
        cohorts=tuple(_cohorts(chosen, wanted, today, mine)),
        first_month=known[0] if known else None,
        current_at=state.current_at if state else None,
    )


def _busy(months: dict[date, Sums]) -> int:
    """Return how much happened in a currency: payments and members ever."""
    counted = ("paid:", "members:new", "trials:started")
    return sum(
        count
        for sums in months.values()
        for kind, (count, _) in sums.items()
        if kind.startswith(counted)
    )


def _sums_by_month() -> dict[str, dict[date, Sums]]:
    found: dict[str, dict[date, Sums]] = defaultdict(dict)
    groups = DayFact.objects.order_by().values("currency", "kind", month=TruncMonth("day"))
    for row in groups.annotate(times=Sum("count"), sum=Sum("amount")):
        sums = found[row["currency"]].setdefault(row["month"], {})
        sums[row["kind"]] = (row["times"], row["sum"])
    return found


def _sums_in(currency: str, windows: Sequence[Window]) -> list[Sums]:
    within = {
        name: Q(day__gte=one.first, day__lte=one.last)
        for name, one in zip(NAMES, windows, strict=True)
    }
    which = Case(
        *(When(within[name], then=Value(name)) for name in NAMES), output_field=CharField()
    )
    rows = DayFact.objects.filter(
        within["now"] | within["before"] | within["year_ago"], currency=currency
    )
    found: dict[str, Sums] = {name: {} for name in NAMES}
    groups = rows.order_by().values("kind", window=which)
    for row in groups.annotate(times=Sum("count"), sum=Sum("amount")):
        found[row["window"]][row["kind"]] = (row["times"], row["sum"])
    return [found[name] for name in NAMES]


class _Book:
    """A currency's sums by month, and those of the three windows."""

    def __init__(self, by_month: dict[date, Sums], by_window: dict[Window, Sums]) -> None:
        self.by_month = by_month
        self.by_window = by_window

    @cached_property
    def levels(self) -> dict[date, Sums]:
        """What all sums came to at the start of each month that has any, and after the last."""
        total: Sums = {}
        found: dict[date, Sums] = {}
        for month in sorted(self.by_month):
            found[month] = dict(total)
            total = _added(total, self.by_month[month])
            found[later(month, 1)] = dict(total)
        return found

    def at_start(self, month: date) -> Totals:
        """Return what all sums came to before a month."""
        earlier = [one for one in self.levels if one <= month]
        return self.levels[max(earlier)] if earlier else {}

    def months(self, window: Window) -> Iterator[MonthOf]:
        """Yield the twelve months up to a window's, the last one until its last day."""
        for back in range(MONTHS - 1, -1, -1):
            month = later(window.first, -back)
            days = window if not back else Window(month, last_of(month))
            sums = self.by_window[window] if not back else self.by_month.get(month, {})
            end = _added(self.at_start(month), sums)
            received = sum(sums.get(kind, (0, 0))[1] for kind in MEASURES["paid"].facts)
            yield MonthOf(days, _mrr(end), _members(end), received)

    def value(self, measure: Measure, window: Window) -> Amount:
        """Return a measure's value in a window."""
        if measure.key == LIFETIME:
            return self._lifetime(window)
        if measure.top:
            return self._share(measure, window)
        if measure.key == YEAR_LOST:
            return Amount(self._lost_in_a_year(window)[0])
        sums: Totals = self.by_window[window]
        if measure.is_level:
            start = self.at_start(window.first)
            sums = start if measure.at_start else _added(start, sums)
        if measure.facts[0].startswith("members:"):
            return Amount(_signed(sums, measure.facts))
        place = 1 if measure.unit is Unit.MONEY else 0
        return Amount(sum(sums.get(kind, (0, 0))[place] for kind in measure.facts))

    def _share(self, measure: Measure, window: Window) -> Amount:
        top = self.value(MEASURES[measure.top], window)
        bottom = self.value(MEASURES[measure.bottom], window)
        if bottom.amount <= 0:
            return UNKNOWN
        return Amount(share(measure, top.amount, bottom.amount))

    def _lifetime(self, window: Window) -> Amount:
        mrr = self.value(MEASURES["mrr"], window).amount
        members = self.value(MEASURES["members"], window).amount
        lost, starts = self._lost_in_a_year(window)
        if members <= 0 or lost <= 0:
            return UNKNOWN
        return Amount(_rounded(mrr * starts, members * lost))

    def _lost_in_a_year(self, window: Window) -> tuple[int, int]:
        """Return the members lost in twelve months, and those at the start of each, added up."""
        lost = starts = 0
        for back in range(MONTHS):
            month = later(window.first, -back)
            sums = self.by_window[window] if not back else self.by_month.get(month, {})
            lost += sums.get("members:lost", (0, 0))[0]
            starts += _members(self.at_start(month))
        return lost, starts


def share(measure: Measure, top: int, bottom: int) -> int:
    """Return a part of something: tenths of a percent, or for each member."""
    times = 1 if measure.unit is Unit.EACH else 1000
    # What was lost is negative in the rows, and a positive share of what there was.
    return _rounded(abs(top) * times, bottom)


def _signed(sums: Totals, facts: Sequence[str]) -> int:
    """Add up members; those lost count less if those gained are in it, too."""
    sign = -1 if len(facts) > 1 else 1
    return sum(
        sums.get(kind, (0, 0))[0] * (sign if kind == "members:lost" else 1) for kind in facts
    )


def _mrr(sums: Totals) -> int:
    return sum(sums.get(kind, (0, 0))[1] for kind in MEASURES["mrr"].facts)


def _members(sums: Totals) -> int:
    return _signed(sums, MEASURES["members"].facts)


def _added(one: Totals, other: Totals) -> Sums:
    found = dict(one)
    for kind, (count, amount) in other.items():
        before = found.get(kind, (0, 0))
        found[kind] = (before[0] + count, before[1] + amount)
    return found


def _rounded(top: int, bottom: int) -> int:
    return (2 * top + bottom) // (2 * bottom)


def _cohorts(
    currency: str, month: date, today: date, by_month: dict[date, Sums]
) -> Iterator[Cohort]:
    """Yield those who joined in each of the twelve months up to one: one statement."""
    first = later(month, 1 - MONTHS)
    changes: dict[date, dict[date, int]] = defaultdict(dict)
    rows = CohortFact.objects.filter(currency=currency, joined__gte=first, joined__lte=month)
    for joined, at, change in rows.values_list("joined", "month", "change"):
        changes[joined][at] = change
    for back in range(MONTHS - 1, -1, -1):
        joined = later(month, -back)
        size = by_month.get(joined, {}).get("members:new", (0, 0))[0]
        if not size:
            continue
        kept, left = [], 0
        for after in range(MONTHS):
            at = later(joined, after)
            if at > month_of(today):
                break
            left += changes[joined].get(at, 0)
            kept.append(left)
        yield Cohort(joined, size, tuple(kept))
