"""Bytes to rows of text, and their cells to dates and cents (pure)."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from billing.bank.files.lines import BankFile, Line, LineError, Unreadable, WrongFileError
from common import characters

LARGEST = 10 * 1024 * 1024
LONGEST_SHOWN = 200
# PostgreSQL's integer, which amounts in cents are kept in.
MOST_CENTS = 2**31 - 1
FIRST_YEAR, LAST_YEAR = 1970, 2200
# How files that people take for a CSV file begin.
OTHERS = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"<": "a web page",
    b"OFXHEADER": "a file for Quicken",
    b"!Type:": "a file for Quicken",
}
_AMOUNT = re.compile(
    r"(?P<sign>[-−+]?)\s*\$?\s*(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.(?P<cents>[0-9]{1,2}))?"
)


@dataclass(frozen=True)
class Row:
    """A row of a CSV file, and the number of the line where it begins."""

    number: int
    cells: tuple[str, ...]
    text: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not any(self.cells)


def text_of(content: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 with a mark, or Windows' Western encoding.

    Raises:
        WrongFileError: it's too large, empty, or no text.
    """
    if len(content) > LARGEST:
        raise WrongFileError("The file is larger than 10 MB. Export fewer months at a time.")
    for start, what in OTHERS.items():
        if content.lstrip(b"\xef\xbb\xbf \r\n").startswith(start):
            raise WrongFileError(f"This is {what}. Export the account's activity as CSV.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        text = _decoded(content)
    if "\0" in text:
        raise WrongFileError("This isn't a text file. Export the account's activity as CSV.")
    if not text.strip():
        raise WrongFileError("The file is empty.")
    return text


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def rows_of(text: str) -> list[Row]:
    """Return the rows that have anything in them.

    Raises:
        WrongFileError: a quotation mark is never closed, so half of the file would be one cell.
    """
    # Other characters that end lines elsewhere may be part of a name here.
    lines = list(io.StringIO(text, newline=None))
    reader = csv.reader(lines)
    rows, first = [], 1
    try:
        for cells in reader:
            written = "".join(lines[first - 1 : reader.line_num])
            row = Row(first, tuple(map(clean, cells)), written.strip("\r\n"))
            first = reader.line_num + 1
            if not row.is_empty:
                rows.append(row)
    except csv.Error as error:
        raise WrongFileError(
            f"Line {first} can't be read: a quotation mark may be missing. Export the file again."
        ) from error
    return rows


def clean(cell: str) -> str:
    """Return a cell on one line, without HTML entities, which some banks leave in."""
    if cell.isascii() and cell.isprintable() and "&" not in cell:
        return " ".join(cell.split())  # nearly all: a file may have a million cells
    return characters.line(html.unescape(cell))


def cents(text: str) -> int:
    """Return an amount in cents: `1,234.56`, `-50`, `$5.00`, `(5.00)`.

    Raises:
        LineError: it isn't an amount.
    """
    is_negative = text.startswith("(") and text.endswith(")")
    match = _AMOUNT.fullmatch(text.strip("()").strip() if is_negative else text.strip())
    if not match or not (match["whole"] or match["cents"]):
        raise LineError(f"“{shortened(text)}” isn't an amount" if text else "The amount is missing")
    whole = int((match["whole"] or "0").replace(",", ""))
    value = whole * 100 + int((match["cents"] or "0").ljust(2, "0"))
    if value > MOST_CENTS:
        raise LineError(f"“{shortened(text)}” is too large an amount")
    return -value if is_negative or match["sign"] in {"-", "−"} else value


@lru_cache(maxsize=4096)
def day(text: str) -> date:
    """Return a date written as in the United States: `03/28/2026`.

    Raises:
        LineError: it isn't one.
    """
    try:
        return sensible(datetime.strptime(text.strip(), "%m/%d/%Y").date())  # noqa: DTZ007  (a day)
    except ValueError:
        raise LineError(
            f"“{shortened(text)}” isn't a date such as 03/28/2026"
            if text
            else "The date is missing"
        ) from None


def sensible(written: date) -> date:
    """Return a day that money may have moved on: beyond, no day could be reckoned with.

    Raises:
        ValueError: it isn't one.
    """
    if not FIRST_YEAR <= written.year <= LAST_YEAR:
        raise ValueError(f"{written} is no day of an account.")
    return written


def shortened(text: str) -> str:
    """Return text that a sentence can quote."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def collected(bank: str, rows: Iterable[Row], read: Callable[[Row], Line | None]) -> BankFile:
    """Read row by row; None is a pending one, and one that can't be read is named."""
    found = BankFile(bank)
    for row in rows:
        try:
            line = read(row)
        except LineError as error:
            found.unreadable.append(Unreadable(row.number, shortened(row.text), f"{error}."))
            continue
        if line is None:
            found.pending.append(row.number)
        else:
            found.lines.append(line)
    return found


def header_at(rows: Sequence[Row], names: Sequence[str], within: int = 1) -> int | None:
    """Return where the header with these names is, if it's among the first rows."""
    wanted = [name.casefold() for name in names]
    for place, row in enumerate(rows[:within]):
        if [cell.casefold() for cell in row.cells[: len(wanted)]] == wanted:
            return place
    return None
