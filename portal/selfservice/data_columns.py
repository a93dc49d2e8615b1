"""What a column of someone's data is, and how its values are written (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from typing import Any, TypeAlias

from django.utils.functional import Promise

from common.money import plain_amount

# Marked for translation, so it's text only once it's read.
Words: TypeAlias = "str | Promise"
# Keys and bookkeeping of ours, which every table has: they say nothing about anybody.
OURS = frozenset({"id", "read_at", "user", "member", "customer"})
JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "amount": {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    "number": {"type": ["integer", "null"]},
    "yes_or_no": {"type": "boolean"},
    "list": {"type": ["array", "object"]},
}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    TIME = "time"
    DAY = "day"
    AMOUNT = "amount"
    NUMBER = "number"
    YES_OR_NO = "yes_or_no"
    LIST = "list"


@dataclass(frozen=True)
class Column:
    """One column. `read` takes the value from a row, and `field` is the model's field behind it."""

    name: str
    kind: Kind
    says: Words
    read: Callable[[Any], Any]
    field: str

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        return {**JSON_TYPES[self.kind], "description": str(self.says)}


def _itself(row: Any) -> Iterable[Any]:
    return (row,)


@dataclass(frozen=True)
class Table:
    """One table of someone's data, in the JSON under `name` and in a CSV file of that name.

    `rows` returns a queryset of a user's rows. `left_out` are the model's fields that aren't in
    it, besides `OURS`; a test requires that each field is either a column or left out. `each`
    takes a row apart where one row makes several.
    """

    name: str
    says: Words
    rows: Callable[[Any], Any]
    columns: tuple[Column, ...]
    model: type[Any]
    left_out: frozenset[str] = field(default_factory=frozenset)
    each: Callable[[Any], Iterable[Any]] = _itself

    @property
    def fields(self) -> set[str]:
        """The model's fields that its columns are made of."""
        return {column.field for column in self.columns}

    def record(self, row: Any) -> dict[str, Any]:
        """Return a row as the JSON has it."""
        return {column.name: column.read(row) for column in self.columns}

    def cells(self, record: dict[str, Any]) -> list[str]:
        """Return a record as the CSV has it."""
        return [_cell(record[column.name]) for column in self.columns]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | dict():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case _:
            return str(value)


def _follow(row: Any, path: Iterable[str]) -> Any:
    """Return the value at the end of a path, or None where it breaks off."""
    for name in path:
        row = getattr(row, name) if row is not None else None
    return row


def _column(kind: Kind, write: Callable[[Any], Any], path: str, says: Words, name: str) -> Column:
    steps = path.split(".")
    return Column(name or path, kind, says, lambda row: write(_follow(row, steps)), steps[0])


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _time(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat(timespec="seconds") if value else None


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _same(value: Any) -> Any:
    return value


def text(path: str, says: Words, name: str = "") -> Column:
    """Return a column of text."""
    return _column(Kind.TEXT, _text, path, says, name)


def time(path: str, says: Words, name: str = "") -> Column:
    """Return a column of times: ISO 8601, in UTC."""
    return _column(Kind.TIME, _time, path, says, name)


def day(path: str, says: Words, name: str = "") -> Column:
    """Return a column of days."""
    return _column(Kind.DAY, _day, path, says, name)


def number(path: str, says: Words, name: str = "") -> Column:
    """Return a column of whole numbers."""
    return _column(Kind.NUMBER, _same, path, says, name)


def flag(path: str, says: Words, name: str = "") -> Column:
    """Return a column that says yes or no."""
    return _column(Kind.YES_OR_NO, bool, path, says, name)


def entries(path: str, says: Words, name: str = "") -> Column:
    """Return a column of lists, as they're kept."""
    return _column(Kind.LIST, lambda value: value or [], path, says, name)


def amount(path: str, says: Words, name: str = "", currency: str = "currency") -> Column:
    """Return a column of amounts: minor units become `29.00`, beside the currency's column."""
    read = partial(_amount, path.split("."), currency.split("."))
    return Column(name or path, Kind.AMOUNT, says, read, path.partition(".")[0])


def _amount(path: list[str], currency: list[str], row: Any) -> str | None:
    value = _follow(row, path)
    return None if value is None else plain_amount(value, _follow(row, currency))


def made(
    name: str, says: Words, read: Callable[[Any], Any], field: str, kind: Kind = Kind.TEXT
) -> Column:
    """Return a column whose value a function makes of the row."""
    return Column(name, kind, says, read, field)
