"""Names of weekdays and months, in the language of whoever reads.

Django's `date_format` looks up format, language, and each name again for every date.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.utils import dates
from django.utils.translation import get_language


def weekday(local: datetime) -> str:
    """Return "Friday"."""
    return _weekdays(get_language())[local.weekday()]


def month(local: datetime) -> str:
    """Return "December"."""
    return _months(get_language())[local.month - 1]


def short_month(local: datetime) -> str:
    """Return "Dec"."""
    return _short_months(get_language())[local.month - 1]


@cache
def _weekdays(_language: str | None) -> list[str]:
    return [str(dates.WEEKDAYS[number]) for number in range(7)]


@cache
def _months(_language: str | None) -> list[str]:
    return [str(dates.MONTHS[number]) for number in range(1, 13)]


@cache
def _short_months(_language: str | None) -> list[str]:
    return [str(dates.MONTHS_3[number]).title() for number in range(1, 13)]
