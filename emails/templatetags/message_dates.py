"""Dates in messages: contexts hold ISO 8601, people read "Friday, 4 December"."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import formats, timezone

register = template.Library()


@register.filter
def day(value: str) -> str:
    """Return the day of a moment (ISO 8601) in the current time zone, or "" for nothing."""
    return formats.date_format(_local(value), "l, j F Y") if value else ""


@register.filter
def short_day(value: str) -> str:
    """Return the day as a text message says it: "4 Dec"."""
    return formats.date_format(_local(value), "j M") if value else ""


def _local(value: str) -> datetime:
    return timezone.localtime(datetime.fromisoformat(value))
