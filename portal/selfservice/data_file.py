"""Writes a member's data as a ZIP: one JSON file with its schema, a CSV file per table, a README.

It's streamed, so that its size doesn't matter to the memory: tables are read in pieces, once for
the JSON and once for the CSV files.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from common import spreadsheets
from common.context import current_brand
from portal.selfservice.data_columns import Table
from portal.selfservice.data_tables import TABLES

Write = Callable[[bytes], None]
FETCHED = 200  # rows at a time
PART = 512 * 1024  # bytes
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


class Parts(io.RawIOBase):
    """A file that can only be written, in order: hands on what it gets in parts of one size."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._held = bytearray()
        self.size = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes, and hand on all full parts."""
        self._held += data
        self.size += len(data)
        while len(self._held) >= PART:
            self._write(bytes(self._held[:PART]))
            del self._held[:PART]
        return len(data)

    def finish(self) -> None:
        """Hand on what's left."""
        if self._held:
            self._write(bytes(self._held))
            self._held.clear()


def write(user: User, made_at: datetime, sink: Parts) -> None:
    """Write a member's data as a ZIP."""
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "README.txt", iter([_read_me()]), made_at)
        _add(archive, "your-data.json", _json(user, made_at), made_at)
        _add(archive, "schema.json", iter([_written(schema(), indent=2)]), made_at)
        for table in TABLES:
            _add(archive, f"tables/{table.name}.csv", _csv(table, user), made_at)
    sink.finish()


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `your-data.json`."""
    tables = {
        table.name: {
            "type": "array",
            "description": str(table.says),
            "items": {
                "type": "object",
                "properties": {column.name: column.schema for column in table.columns},
                "required": [column.name for column in table.columns],
                "additionalProperties": False,
            },
        }
        for table in TABLES
    }
    moment = {"type": "string", "format": "date-time"}
    return {
        "$schema": SCHEMA,
        "type": "object",
        "properties": {
            "made_at": moment,
            "business": {"type": "string"},
            "tables": {"type": "object", "properties": tables, "required": [*tables]},
        },
        "required": ["made_at", "business", "tables"],
    }


def _add(archive: zipfile.ZipFile, name: str, lines: Iterator[str], made_at: datetime) -> None:
    entry = zipfile.ZipInfo(name, made_at.astimezone(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as file:
        for line in lines:
            file.write(line.encode())


def _json(user: User, made_at: datetime) -> Iterator[str]:
    made = _written(made_at.astimezone(UTC).isoformat(timespec="seconds"))
    business = _written(current_brand().name)
    yield f'{{\n"made_at": {made},\n"business": {business},\n"tables": {{\n'
    for at, table in enumerate(TABLES):
        yield f"{_written(table.name)}: ["
        for number, record in enumerate(_records(table, user)):
            yield f"{',' if number else ''}\n{_written(record)}"
        yield "]\n" if at == len(TABLES) - 1 else "],\n"
    yield "}\n}\n"


def _csv(table: Table, user: User) -> Iterator[str]:
    head = [column.name for column in table.columns]
    return spreadsheets.lines(head, (table.cells(one) for one in _records(table, user)))


def _records(table: Table, user: User) -> Iterator[dict[str, Any]]:
    for row in table.rows(user).iterator(chunk_size=FETCHED):
        for one in table.each(row):
            yield table.record(one)


def _written(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _read_me() -> str:
    intro = _(
        "This is everything that %(business)s keeps about you in its member portal.\n\n"
        "your-data.json  all of it in one file, for programs\n"
        "schema.json     what each part of that file means (JSON Schema)\n"
        "tables/         the same as tables, which a spreadsheet program opens\n\n"
        "Times are UTC. Amounts are in the currency beside them. In a table, text that a\n"
        "spreadsheet would take for a formula begins with an apostrophe.\n\n"
        "Passwords and other secrets aren’t in it, nor our team’s notes for its own work.\n"
        "Stripe, which processes payments, keeps its own records and answers for them itself.\n\n"
        "Keep this file safe: whoever has it knows what you paid and where you signed in.\n"
        "Questions? Write to %(support)s.\n\n"
        "The tables:\n"
    )
    words = {"business": current_brand().name, "support": current_brand().support_email}
    width = max(len(table.name) for table in TABLES)
    listed = "\n".join(f"  {table.name:<{width}}  {table.says}" for table in TABLES)
    return f"{intro % words}\n{listed}\n"
