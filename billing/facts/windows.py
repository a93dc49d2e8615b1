"""The days that the business's numbers are about, and those they're compared with (pure)."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = 12
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Some days, both included. There are none if the last comes before the first."""

    first: date
    last: date

    def __bool__(self) -> bool:
        """Whether it has any days."""
        return self.first <= self.last

    @property
    def is_months(self) -> bool:
        """Whether it begins and ends with a month."""
        return self.first.day == 1 and self.last == last_of(self.last)

    @property
    def lead(self) -> Window:
        """Return the days of its first month before it begins."""
        return Window(month_of(self.first), self.first - DAY)

    @property
    def tail(self) -> Window:
        """Return the days of its last month until it ends."""
        return Window(month_of(self.last), self.last)


Windows = tuple[Window, Window, Window]


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


def of_month(month: date, today: date) -> Windows:
    """Return the days of a month until today, of the month before, and of the year before."""
    is_running = month == month_of(today)
    length = today.day if is_running else 31
    return tuple(
        Window(first, min(last_of(first), first.replace(day=min(length, last_of(first).day))))
        for first in (month, later(month, -1), later(month, -MONTHS))
    )  # type: ignore[return-value]


def of_days(chosen: Window, today: date) -> Windows:
    """Return some days, as many before them, and the same of the year before.

    Whole months are compared with as many months; days of one month up to today are that month.
    """
    first, last = chosen.first, chosen.last
    if first == month_of(last) and last in (today, last_of(first)):
        return of_month(first, today)
    if chosen.is_months:
        count = (last.year - first.year) * MONTHS + last.month - first.month + 1
        before = Window(later(first, -count), first - DAY)
        return chosen, before, Window(later(first, -MONTHS), last_of(later(last, -MONTHS)))
    length = last - first + DAY
    return (
        chosen,
        Window(first - length, first - DAY),
        Window(_year_before(first), _year_before(last)),
    )


def _year_before(day: date) -> date:
    month = later(day, -MONTHS)
    return month.replace(day=min(day.day, last_of(month).day))
