"""Dates in messages: contexts hold ISO 8601, people read "Friday, 4 December 2026".

A date stands in the HTML, the text and the preview of one mail: it is put into words once.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from django import template
from django.utils import dateformat, timezone

register = template.Library()


@register.filter
def day(value: str) -> str:
    """Return the day of a moment (ISO 8601) in the current time zone, or "" for nothing."""
    return _in_words(value, timezone.get_current_timezone(), "l, j F Y")


@register.filter
def moment(value: str) -> str:
    """Return a moment to the minute: "Friday, 4 December 2026, 3:15 PM EST"."""
    return _in_words(value, timezone.get_current_timezone(), "l, j F Y, g:i A T")


@register.filter
def short_day(value: str) -> str:
    """Return the day as a text message says it: "4 Dec"."""
    return _in_words(value, timezone.get_current_timezone(), "j M")


@lru_cache(maxsize=512)
def _in_words(value: str, zone: tzinfo, pattern: str) -> str:
    local = datetime.fromisoformat(value).astimezone(zone) if value else None
    return dateformat.format(local, pattern) if local else ""
