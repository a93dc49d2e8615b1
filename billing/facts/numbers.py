"""Reads the business's numbers in some days, with those of the days before and the year before.

In four statements at any size, from facts by day (`billing.facts.daily`). Usually the days are a
month's; one that isn't over is compared with the same days of the others. Several currencies are
never added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, reduce
from operator import or_

from django.db.models import Q, Sum
from django.db.models.functions import TruncMonth

from billing.facts import windows
from billing.facts.measures import LIFETIME, MEASURES, YEAR_LOST, Measure, Totals, Unit
from billing.facts.windows import MONTHS, Window, Windows, last_of, later, month_of
from billing.models import CohortFact, DayFact, FactState

Sums = dict[str, tuple[int, int]]


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
    """Some days' numbers in a currency. `values` has three by measure, as in `windows`."""

    currency: str
    currencies: tuple[str, ...]
    today: date
    windows: Windows
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
    def is_month(self) -> bool:
        """Whether the days are a month's, or what there is of it."""
        first, last = self.windows[0].first, self.windows[0].last
        return first.day == 1 and last in (last_of(first), min(self.today, last_of(first)))

    @property
    def is_running(self) -> bool:
        """Whether it's a month that isn't over."""
        return self.is_month and self.windows[0].last < last_of(self.windows[0].first)


def read(
    today: date, currency: str = "", month: date | None = None, chosen: Window | None = None
) -> Numbers:
    """Read the numbers of a month, or of the days that somebody chose: four statements.

    By default it's the current month, in the busiest currency. Days after today don't count.
    """
    sums = _sums_by_month()
    busiest = sorted(sums, key=lambda code: (-_busy(sums[code]), code))
    code = currency if currency in sums else next(iter(busiest), "")
    mine = sums.get(code, {})
    known = sorted(mine)
    three = _windows(today, month, chosen)
    book = _Book(mine, _sums_in(code, three))
    state = FactState.objects.first()
    return Numbers(
        currency=code,
        currencies=tuple(busiest),
        today=today,
        windows=three,
        values={
            key: tuple(book.value(measure, one) for one in three)  # type: ignore[misc]
            for key, measure in MEASURES.items()
        },
        months=tuple(book.months(three[0])),
        cohorts=tuple(_cohorts(code, month_of(three[0].last), today, mine)),
        first_month=known[0] if known else None,
        current_at=state.current_at if state else None,
    )


def _windows(today: date, month: date | None, chosen: Window | None) -> Windows:
    if month is None and chosen:
        until_today = Window(chosen.first, min(chosen.last, today))
        if until_today:
            return windows.of_days(until_today, today)
    return windows.of_month(min(month or month_of(today), month_of(today)), today)


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


def _sums_in(currency: str, three: Windows) -> dict[Window, Sums]:
    """Return the sums of the windows, and of the parts of months at their ends."""
    spans = {part: f"part_{one}" for one, part in enumerate(dict.fromkeys(_parts(three)))}
    within = {part: Q(day__gte=part.first, day__lte=part.last) for part in spans}
    columns: dict[str, Sum] = {}
    for part, name in spans.items():
        columns[f"{name}_times"] = Sum("count", filter=within[part], default=0)
        columns[f"{name}_sum"] = Sum("amount", filter=within[part], default=0)
    rows = DayFact.objects.filter(reduce(or_, within.values()), currency=currency)
    summed = rows.order_by().values("kind").annotate(**columns)
    found: dict[Window, Sums] = {part: {} for part in spans}
    for kind, *sums in summed.values_list("kind", *columns):
        for part, times, amount in zip(spans, sums[::2], sums[1::2], strict=True):
            found[part][kind] = (times, amount)
    return found


def _parts(three: Windows) -> Iterator[Window]:
    for one in three:
        yield from filter(None, (one, one.lead, one.tail))


class _Book:
    """A currency's sums by month, and those of the windows and the parts of months beside them."""

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

    def before(self, window: Window) -> Totals:
        """Return what all sums came to before a window."""
        start = self.at_start(month_of(window.first))
        return _added(start, self.by_window[window.lead]) if window.lead else start

    def months(self, window: Window) -> Iterator[MonthOf]:
        """Yield the twelve months up to a window's end, the last one until its last day."""
        for back in range(MONTHS - 1, -1, -1):
            month = later(window.tail.first, -back)
            days = window.tail if not back else Window(month, last_of(month))
            sums = self.by_window[days] if not back else self.by_month.get(month, {})
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
            start = self.before(window)
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
            month = later(window.tail.first, -back)
            sums = self.by_window[window.tail] if not back else self.by_month.get(month, {})
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
