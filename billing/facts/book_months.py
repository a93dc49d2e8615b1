"""When the months of the books begin and end: closed ones as they were closed, others by our clock.

A month keeps the time zone in which it was closed, and the one after it begins where it ended. So
another time zone (`common.region`) never moves a row out of a closed month, and no row is in two
months or in none, however far the zones are apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, Value, When
from django.db.models.functions import Cast, TruncMonth

from billing.models import BookClosing
from billing.models.closing import CURRENT
from common import region


@dataclass(frozen=True)
class Months:
    """The months of the books; `closed` has the zones of closed ones in the order of closing.

    In those of `together`, other subscriptions stay memberships, as when they were closed.
    """

    zone: ZoneInfo
    closed: dict[date, ZoneInfo]
    together: frozenset[date] = frozenset()

    def zone_of(self, month: date) -> ZoneInfo:
        """Return the time zone that a month is counted in."""
        return self.closed.get(month, self.zone)

    def bounds(self, month: date) -> tuple[datetime, datetime]:
        """Return when a month begins, and the next one."""
        return self._begin(month), self._begin(after(month))

    def day(self, at: datetime, month: date) -> date:
        """Return the day of what moved in a month: one of its days, also at another zone's edge."""
        last = after(month) - timedelta(days=1)
        return min(max(at.astimezone(self.zone_of(month)).date(), month), last)

    def moment(self, day: date) -> datetime:
        """Return when a day begins of which a bank says no more; always in its own month."""
        month = day.replace(day=1)
        begin, end = self.bounds(month)
        there = datetime.combine(day, time.min, self.zone_of(month))
        return min(max(there, begin), end - timedelta(microseconds=1))

    def month_of(self, at: datetime) -> date:
        """Return the month in which something moved."""
        month = at.astimezone(self.zone).date().replace(day=1)
        begin, end = self.bounds(month)
        if at < begin:
            return before(month)
        return after(month) if at >= end else month

    def truncated(self, column: str) -> Case:
        """Return `month_of` of a column, for a query."""
        return Case(
            *(
                When(
                    **{f"{column}__gte": begin, f"{column}__lt": end},
                    then=Value(month, DateField()),
                )
                for month, begin, end in self._moved()
            ),
            default=Cast(TruncMonth(column, tzinfo=self.zone), DateField()),
            output_field=DateField(),
        )

    def _begin(self, month: date) -> datetime:
        """Return the border between two months: whichever was closed first has fixed it."""
        wanted = (before(month), month)
        fixed = next((zone for one, zone in self.closed.items() if one in wanted), self.zone)
        return datetime.combine(month, time.min, fixed)

    def _moved(self) -> list[tuple[date, datetime, datetime]]:
        """Return the hours that aren't in the month in which our clock has them."""
        found = []
        for month in sorted({one for closed in self.closed for one in (closed, after(closed))}):
            border, ours = self._begin(month), datetime.combine(month, time.min, self.zone)
            # Two clocks are compared by the moment, never by what they show.
            if border.timestamp() < ours.timestamp():
                found.append((month, border, ours))
            elif border.timestamp() > ours.timestamp():
                found.append((before(month), ours, border))
        return found


def read() -> Months:
    """Return the months as they are now: one query."""
    columns = BookClosing.objects.order_by("number").values_list("month", "time_zone", "version")
    closed = list(columns)
    return Months(
        region.zone(),
        {month: ZoneInfo(zone) for month, zone, _version in closed},
        frozenset(month for month, _zone, version in closed if version < CURRENT),
    )


def after(month: date, months: int = 1) -> date:
    """Return the first day of a later month."""
    number = month.year * 12 + month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def before(month: date) -> date:
    """Return the first day of the month before."""
    return after(month, -1)
