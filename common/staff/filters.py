"""Filters shared by several lists."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_time
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter
from unfold.utils import parse_date_str


class DayFilter(RangeDateFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters times between two days, inclusive, in the reader's time zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of those days; an invalid day is ignored."""
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": _start_of(first)})
        if last and last < date.max:
            end = _start_of(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": end})
        return queryset

    def _day(self, which: str) -> date | None:
        given = self.used_parameters.get(f"{self.parameter_name}_{which}")
        day: date | None = parse_date_str(given) if isinstance(given, str) else None
        return day


class TimeFilter(RangeDateTimeFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters times between two moments in the reader's time zone.

    A day without a time counts from its start, or to its end.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of that time; an invalid day or time is ignored."""
        if first := self._moment("from"):
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": first})
        if last := self._moment("to"):
            queryset = queryset.filter(**{f"{self.parameter_name}__lte": last})
        return queryset

    def _moment(self, which: str) -> datetime | None:
        day, at = (
            self.used_parameters.get(f"{self.parameter_name}_{which}_{part}") for part in (0, 1)
        )
        parsed: date | None = parse_date_str(day) if isinstance(day, str) else None
        if parsed is None:
            return None
        otherwise = time.max if which == "to" else time.min
        typed = parse_time(at) if isinstance(at, str) and at else None
        return timezone.make_aware(datetime.combine(parsed, typed or otherwise))


class DateFilter(DayFilter):
    """Filters dates between two days, inclusive: they have no time, and no time zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows of those days; an invalid day is ignored."""
        first, last = self._day("from"), self._day("to")
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": first})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lte": last})
        return queryset


def titled(kind: type[Any], title: str) -> type[Any]:
    """Return a column's filter under a natural name: "By day paid", not "By paid at"."""

    class Titled(kind):  # type: ignore[misc]  # Unfold ships no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = title

    return Titled


def by_day(title: str) -> type[Any]:
    """Return `DayFilter` under a natural name."""
    return titled(DayFilter, title)


def by_time(title: str) -> type[Any]:
    """Return `TimeFilter` under a natural name."""
    return titled(TimeFilter, title)


def by_date(title: str) -> type[Any]:
    """Return `DateFilter` under a natural name."""
    return titled(DateFilter, title)


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
