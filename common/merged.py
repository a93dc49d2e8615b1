"""One list out of several tables, newest first, page by page by key.

A page's mark is the time, the table's place, and the number of its last row, so a row that's added
meanwhile moves nothing from one page to another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

MARK = re.compile(r"([0-9]{1,17})-([0-9]{1,2})-([0-9]{1,18})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """Rows that belong to the list; `at` is the column that says when each happened."""

    rows: QuerySet[Any]
    at: str


@dataclass(frozen=True)
class Row:
    """A row with its table's place and its time."""

    at: datetime
    place: int
    row: Any

    @property
    def key(self) -> tuple[datetime, int, int]:
        """What the list is ordered by: rows of one moment go by table and number."""
        return self.at, self.place, self.row.pk


@dataclass(frozen=True)
class Page:
    """A page's rows, and the mark that the next page starts after ("" if there's none)."""

    rows: tuple[Row, ...]
    older: str


def read(tables: Mapping[int, Table], size: int, before: str = "") -> Page:
    """Return the rows after a mark; from the newest for an empty or unreadable one.

    Each table is asked once, whatever its number of rows. Its place is part of the marks, so it
    stays the same for as long as people may hold an address.
    """
    mark = _parse(before)
    found = [row for place, table in tables.items() for row in _newest(table, place, size, mark)]
    found.sort(key=lambda row: row.key, reverse=True)
    page = tuple(found[:size])
    return Page(page, _mark(page[-1]) if len(found) > size else "")


def _newest(
    table: Table, place: int, size: int, mark: tuple[datetime, int, int] | None
) -> Iterator[Row]:
    rows = table.rows.order_by(f"-{table.at}", "-pk")
    if mark:
        rows = rows.filter(_after(table.at, place, mark))
    for row in rows[: size + 1]:
        yield Row(getattr(row, table.at), place, row)


def _after(column: str, place: int, mark: tuple[datetime, int, int]) -> Q:
    """Return which rows of one table come after a mark in the order of all."""
    at, marked, pk = mark
    if place < marked:
        return Q(**{f"{column}__lte": at})
    if place > marked:
        return Q(**{f"{column}__lt": at})
    return Q(**{f"{column}__lt": at}) | Q(**{column: at, "pk__lt": pk})


def _mark(row: Row) -> str:
    at, place, pk = row.key
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{place}-{pk}"


def _parse(mark: str) -> tuple[datetime, int, int] | None:
    match = MARK.fullmatch(mark)
    if match is None:
        return None
    at, place, pk = map(int, match.groups())
    try:
        return EPOCH + timedelta(microseconds=at), place, pk
    except OverflowError:
        return None
