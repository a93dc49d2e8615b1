"""A column's value in words, wherever staff see it outside of its own list and page."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, BooleanField, DateTimeField, Field
from django.utils import timezone

from common import days
from common.money import Money
from common.staff.show import NOTHING


def in_words(column: Field[Any, Any], value: Any, currency: str = "") -> str:
    """Return a value as people read it: money as money, a state by its label.

    `value` is the column's, or what JSON or `str` made of it. A large whole number is money of the
    row's `currency`, if it has one.
    """
    if value in (None, "", [], {}):
        return NOTHING
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(column, BooleanField):
        return "Yes" if str(value) == "True" else "No"
    if isinstance(column, DateTimeField):
        return _moment(str(value))
    if isinstance(column, BigIntegerField) and currency and _is_whole(str(value)):
        return str(Money(int(value), currency))
    return str(value) if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _moment(text: str) -> str:
    """Return a time of ISO 8601 to the second: what differs may be just that."""
    at = timezone.localtime(datetime.fromisoformat(text))
    return f"{days.short_with_year(at)}, {at:%H:%M:%S}"
