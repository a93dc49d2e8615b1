"""Dates in messages: contexts hold ISO 8601, people read "Friday, December 4, 2026".

A date may be in the HTML, the text, and the preview of one mail, so it's formatted only once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache

from babel import Locale
from django import template
from django.utils import timezone

from common import days, locales

register = template.Library()


@register.filter
def day(value: str) -> str:
    """Return the day of a time (ISO 8601) in the current time zone, or "" if there's none."""
    return _in_words(value, days.full)


@register.filter
def moment(value: str) -> str:
    """Return a time to the minute: "Friday, December 4, 2026, 3:15 PM EST"."""
    return _in_words(value, days.to_the_minute)


@register.filter
def short_day(value: str) -> str:
    """Return the day as text messages write it: "Dec 4"."""
    return _in_words(value, days.short)


def _in_words(value: str, write: Callable[[datetime], str]) -> str:
    zone, locale = timezone.get_current_timezone(), locales.current().days
    return _kept(value, zone, write, locale) if value else ""


@lru_cache(maxsize=512)
def _kept(value: str, zone: tzinfo, write: Callable[[datetime], str], _locale: Locale) -> str:
    return write(datetime.fromisoformat(value).astimezone(zone))
