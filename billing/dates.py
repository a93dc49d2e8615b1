"""Dates in a person's words, in the time zone of whoever reads."""

from __future__ import annotations

from datetime import datetime

from django.utils import formats, timezone


def long_date(moment: datetime) -> str:
    """Return "Friday, 4 December", with the year where it is not this one."""
    local = timezone.localtime(moment)
    pattern = "l, j F" if local.year == timezone.localtime().year else "l, j F Y"
    return formats.date_format(local, pattern)


def plain_date(moment: datetime) -> str:
    """Return "4 December", with the year where it is not this one: for a date far off."""
    local = timezone.localtime(moment)
    return formats.date_format(local, "j F" if local.year == timezone.localtime().year else "j F Y")
