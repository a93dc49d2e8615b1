"""Days and times in words, in the reader's language and the owner's order (`common.locales`).

Each is asked for dozens of times a page, so what has been written is kept.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import cache, lru_cache, partial

from babel import Locale
from babel.dates import format_date, format_interval, format_time, match_skeleton

from common import locales

KEPT = 2000
# CLDR's word for what to show, each with the letters in the width that we want.
WEEKDAY_AND_DAY = "MMMMEEEEd"
DAY, SHORT_DAY, SHORT_DAY_AND_YEAR, MONTH, SHORT_MONTH = "MMMMd", "MMMd", "yMMMd", "yMMMM", "LLL"
SHORT_MONTH_AND_YEAR = "yMMM"
FULL, LONG = "full", "long"
NAMES = {"M": re.compile("M{3,4}|L{3,4}"), "E": re.compile("E{1,4}|c{3,4}")}


def full(day: date) -> str:
    """Return "Friday, December 4, 2026"."""
    return _written(_only_day(day), FULL, locales.current().days)


def weekday_and_day(day: date) -> str:
    """Return "Friday, December 4"."""
    return _written(_only_day(day), WEEKDAY_AND_DAY, locales.current().days)


def long(day: date) -> str:
    """Return "December 4, 2026"."""
    return _written(_only_day(day), LONG, locales.current().days)


def plain(day: date) -> str:
    """Return "December 4"."""
    return _written(_only_day(day), DAY, locales.current().days)


def short(day: date) -> str:
    """Return "Dec 4"."""
    return _written(_only_day(day), SHORT_DAY, locales.current().days)


def short_with_year(day: date) -> str:
    """Return "Dec 4, 2026"."""
    return _written(_only_day(day), SHORT_DAY_AND_YEAR, locales.current().days)


def month(day: date) -> str:
    """Return "December 2026"."""
    return _written(_only_day(day).replace(day=1), MONTH, locales.current().days)


def short_month(day: date) -> str:
    """Return "Dec"."""
    return _written(_only_day(day).replace(day=1), SHORT_MONTH, locales.current().days)


def short_month_with_year(day: date) -> str:
    """Return "Dec 2026"."""
    return _written(_only_day(day).replace(day=1), SHORT_MONTH_AND_YEAR, locales.current().days)


def span(first: date, last: date, *, with_year: bool = True) -> str:
    """Return "Nov 1 – 29, 2026", or without the year."""
    what = SHORT_DAY_AND_YEAR if with_year else SHORT_DAY
    return _span(_only_day(first), _only_day(last), what, locales.current().days)


def clock(moment: datetime) -> str:
    """Return "9:05 PM", without a zone."""
    return _clock(time(moment.hour, moment.minute), locales.current().days)


def hour(at: time) -> str:
    """Return "9:00 PM"."""
    return _clock(at, locales.current().days)


def to_the_minute(local: datetime) -> str:
    """Return "Friday, December 4, 2026, 9:05 PM EST"."""
    return f"{full(local)}, {clock(local)} {local.tzname()}"


def _only_day(day: date) -> date:
    return day.date() if isinstance(day, datetime) else day


@lru_cache(KEPT)
def _written(day: date, what: str, locale: Locale) -> str:
    if what in (FULL, LONG):
        return format_date(day, what, locale)
    return format_date(day, _pattern(what, locale), locale)


@lru_cache(KEPT)
def _span(first: date, last: date, what: str, locale: Locale) -> str:
    # CLDR puts narrow spaces around the dash.
    return format_interval(first, last, what, locale=locale).replace("\u2009", " ")


@lru_cache(KEPT)
def _clock(at: time, locale: Locale) -> str:
    # CLDR puts a narrow space before "PM", which text messages and old fonts don't have.
    return format_time(at, "short", locale=locale).replace("\u202f", " ")


@cache
def _pattern(what: str, locale: Locale) -> str:
    """Return the locale's pattern for what to show; names get the width that was asked for.

    A locale doesn't have a pattern for each width, but the order is the same.
    """
    if what == SHORT_MONTH:
        return SHORT_MONTH
    skeletons = locale.datetime_skeletons
    found = match_skeleton(what, skeletons)
    pattern = str(skeletons[found] if found else locale.date_formats[LONG])
    for letter, names in NAMES.items():
        if width := what.count(letter):
            pattern = names.sub(partial(_widened, width=width), pattern)
    return pattern


def _widened(name: re.Match[str], width: int) -> str:
    return name[0][0] * width
