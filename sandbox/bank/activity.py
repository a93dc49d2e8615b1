"""The account's activity as the CSV file that Chase lets its customers download."""

from __future__ import annotations

import csv
import io
from datetime import date

from sandbox.bank import entries
from sandbox.bank.entries import Entry, Posted
from sandbox.world import World

HEADER = (
    *("Details", "Posting Date", "Description", "Amount", "Type", "Balance"),
    "Check or Slip #",
)


def file_name(world: World) -> str:
    return f"Chase1234_Activity_{entries.today(world):%Y%m%d}.CSV"


def content(world: World, first: date | None = None, last: date | None = None) -> str:
    """The file, newest first; `first` and `last` limit its posting dates."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for line in entries.lines(world):
        if (first is None or first <= line.day) and (last is None or line.day <= last):
            writer.writerow(_row(line))
    return text.getvalue()


def _row(line: Posted) -> list[str]:
    """A row, which ends in one more comma than the header."""
    entry = line.entry
    return [
        entries.DETAILS[entry["kind"]],
        f"{line.day:%m/%d/%Y}",
        description(entry),
        _dollars(entries.signed(entry)),
        entry["kind"],
        # A pending line has a blank instead.
        " " if line.balance is None else _dollars(line.balance),
        entry["check"],
        "",
    ]


def description(entry: Entry) -> str:
    """What the file says of a line. Chase writes it for web pages, and not always the same way."""
    return str(entry["description"] or _of_a_transfer(entry)).replace("&", "&amp;")


def _of_a_transfer(entry: Entry) -> str:
    is_out = entry["kind"] == entries.ZELLE_OUT
    told = f"Zelle payment {'to' if is_out else 'from'} {entry['name']} {entry['reference']}"
    # The memo isn't exported.
    return (told.upper() if entry["serial"] % 3 == 0 else told).rstrip()


def _dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
