"""Dates in messages: contexts hold ISO 8601, people read "Friday, December 4, 2026".

A date may be in the HTML, the text, and the preview of one mail, so it's formatted only once.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from django import template
from django.utils import dateformat, timezone

register = template.Library()


@register.filter
def day(value: str) -> str:
    """Return the day of a time (ISO 8601) in the current time zone, or "" if there's none."""
    return _in_words(value, timezone.get_current_timezone(), "l, F j, Y")


@register.filter
def moment(value: str) -> str:
    """Return a time to the minute: "Friday, December 4, 2026, 3:15 PM EST"."""
    return _in_words(value, timezone.get_current_timezone(), "l, F j, Y, g:i A T")


@register.filter
def short_day(value: str) -> str:
    """Return the day as text messages write it: "Dec 4"."""
    return _in_words(value, timezone.get_current_timezone(), "M j")


@lru_cache(maxsize=512)
def _in_words(value: str, zone: tzinfo, pattern: str) -> str:
    local = datetime.fromisoformat(value).astimezone(zone) if value else None
    return dateformat.format(local, pattern) if local else ""
