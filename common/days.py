"""Days in words, in the reader's language.

Django's `date_format` looks up format, language, and each name again for every date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.utils import dates
from django.utils.translation import get_language, gettext


@dataclass(frozen=True)
class Names:
    """What weekdays and months are called, from Monday and January on, and the day's halves."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    halves: tuple[str, str]

    def weekday(self, local: datetime) -> str:
        """Return "Friday"."""
        return self.weekdays[local.weekday()]

    def day(self, local: datetime) -> str:
        """Return "December 4"."""
        return f"{self.months[local.month - 1]} {local.day}"

    def short_day(self, local: datetime) -> str:
        """Return "Dec 4"."""
        return f"{self.short_months[local.month - 1]} {local.day}"

    def clock(self, local: datetime) -> str:
        """Return "9:05 PM"."""
        return f"{local.hour % 12 or 12}:{local.minute:02} {self.halves[local.hour // 12]}"


def names() -> Names:
    """Return the names in the language in force."""
    return _names(get_language())


@cache
def _names(_language: str | None) -> Names:
    months = range(1, 13)
    return Names(
        weekdays=tuple(str(dates.WEEKDAYS[number]) for number in range(7)),
        months=tuple(str(dates.MONTHS[number]) for number in months),
        short_months=tuple(str(dates.MONTHS_3[number]).title() for number in months),
        halves=(gettext("AM"), gettext("PM")),
    )
