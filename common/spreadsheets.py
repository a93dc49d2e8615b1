"""Spreadsheets that open as intended: CSV, and Excel's XLSX; no text in them is a formula.

Rows are written one by one, so a list of any length needs little memory. Money is a number with its
currency's decimals, and days and times are Excel's own in an XLSX file; CSV has them as text that
every program reads (`-5.00`, `2026-11-04`).
"""

from __future__ import annotations

import csv
import io
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import IO, Any, TypeAlias

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone
from xlsxwriter.exceptions import FileCreateError

from common import characters
from common.file_names import saved_as
from common.money import Money, decimals, plain_amount

logger = logging.getLogger(__name__)

# Excel recognizes a file as UTF-8 only if it begins with this.
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
# OWASP, "CSV Injection": what makes a cell a formula, including full-width forms.
FULL_WIDTH = tuple("\uff1d\uff0b\uff0d\uff20")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *FULL_WIDTH)
BLANKS = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\x0b\x0c\0"

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
CSV, XLSX = "csv", "xlsx"
FORMATS = (CSV, XLSX)
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Excel's limits: rows of a sheet, and characters of a cell.
MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
# Excel counts days from 1900.
FIRST_YEAR = 1900
NARROWEST, WIDEST = 11, 48
# About a hundred megabytes.
MOST_IN_MEMORY = 25_000
NO_ROOM = (
    "The server has no room for this spreadsheet. Download it as CSV, or filter the list first."
)
DAY, TIME, WHOLE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "#,##0"

Cell: TypeAlias = str | int | Decimal | Money | date | datetime | None
Row: TypeAlias = Sequence[Cell]
CELLS = (str, int, Decimal, Money, date)


class NoRoom(Exception):
    """A file is too large to be made in memory."""


class _Echo:
    """A file that returns what's written to it."""

    def write(self, text: str) -> str:
        return text


def cell(text: str) -> str:
    """Return text that a spreadsheet shows and never treats as a formula; plain numbers stay."""
    text = characters.words(text)
    if NUMBER.fullmatch(text):
        return text
    return f"'{text}" if _would_be_formula(text) else text


def _would_be_formula(text: str) -> bool:
    return text.lstrip(BLANKS).startswith(FORMULA_STARTS)


def as_text(value: Cell, zone: tzinfo) -> str:
    """Return a value as CSV has it, before its text is made safe."""
    if value is None:
        return ""
    if isinstance(value, Money):
        return plain_amount(value.amount, value.currency)
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def lines(head: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Return the lines of a CSV file (RFC 4180), with its header.

    The reader's time zone is taken when this is called, not while the lines are sent.
    """
    return _lines(head, rows, timezone.get_current_timezone())


def _lines(head: Sequence[str], rows: Iterable[Row], zone: tzinfo) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(head)
    for row in rows:
        yield writer.writerow([cell(as_text(value, zone)) for value in row])


def workbook(
    head: Sequence[str],
    rows: Iterable[Row],
    file: IO[bytes],
    name: str = "",
    *,
    in_memory: bool = False,
) -> None:
    """Write an XLSX file; what doesn't fit on a sheet continues on the next one.

    A row goes to a temporary file as soon as the next one begins, unless it's made `in_memory`.
    """
    book = xlsxwriter.Workbook(file, {"in_memory" if in_memory else "constant_memory": True})
    zone = timezone.get_current_timezone()
    formats = _Formats(book, {})
    sheet: Any = None
    place = 0
    for row in rows:
        if sheet is None or place == MOST_ROWS:
            sheet, place = _new_sheet(book, formats, head, name), 1
        for column, value in enumerate(row):
            _write(sheet, place, column, _here(value, zone), formats)
        place += 1
    if sheet is None:
        _new_sheet(book, formats, head, name)
    book.close()


@dataclass(frozen=True)
class _Formats:
    """The formats of a workbook, each made once."""

    book: Any
    made: dict[str, Any]

    def number(self, pattern: str) -> Any:
        """Return the format of a number, a day, or a time."""
        return self._kept(pattern, {"num_format": pattern})

    @property
    def text(self) -> Any:
        """Text that Excel keeps as text when someone edits it."""
        return self._kept("'", {"quote_prefix": True})

    @property
    def head(self) -> Any:
        """The first row."""
        return self._kept("head", {"bold": True, "text_wrap": True, "valign": "top"})

    def _kept(self, name: str, properties: dict[str, Any]) -> Any:
        if name not in self.made:
            self.made[name] = self.book.add_format(properties)
        return self.made[name]


def _new_sheet(book: Any, formats: _Formats, head: Sequence[str], name: str) -> Any:
    more = len(book.worksheets())
    title = re.sub(r"[\[\]:*?/\\']", " ", name)[:25].strip() or "Sheet"
    sheet = book.add_worksheet(f"{title} {more + 1}" if more else title)
    sheet.freeze_panes(1, 0)
    for column, words in enumerate(head):
        sheet.set_column(column, column, min(WIDEST, max(NARROWEST, len(words) + 3)))
        sheet.write_string(0, column, words, formats.head)
    return sheet


def _here(value: Cell, zone: tzinfo) -> Cell:
    """Return a value as a sheet has it: Excel's times have no zone."""
    if isinstance(value, datetime):
        value = value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, date) and value.year < FIRST_YEAR:
        return value.isoformat()
    return value


def _write(sheet: Any, row: int, column: int, value: Cell, formats: _Formats) -> None:
    if isinstance(value, Money):
        places = decimals(value.currency)
        pattern = f"{WHOLE}.{'0' * places}" if places else WHOLE
        amount = Decimal(value.amount).scaleb(-places)
        sheet.write_number(row, column, amount, formats.number(pattern))
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        pattern = TIME if isinstance(value, datetime) else DAY
        sheet.write_datetime(row, column, value, formats.number(pattern))
    elif text := characters.words(value or ""):
        shown = text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
        sheet.write_string(row, column, shown, formats.text if _would_be_formula(text) else None)


def _made(head: Sequence[str], rows: Iterable[Row], name: str) -> IO[bytes]:
    """Return an XLSX file at its start.

    A host without a folder to write to has it made in memory, up to a size.

    Raises:
        NoRoom: it's too large for that.
        OSError, FileCreateError: the folder of temporary files is full.
    """
    file: IO[bytes]
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
    except OSError:
        logger.info("There's no folder for temporary files; %s.xlsx is made in memory.", name)
        file = io.BytesIO()
        workbook(head, _few(rows), file, name, in_memory=True)
    else:
        workbook(head, rows, file, name)
    file.seek(0)
    return file


def _few(rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number == MOST_IN_MEMORY:
            raise NoRoom(f"More than {MOST_IN_MEMORY} rows.")
        yield row


def download(
    head: Sequence[str], rows: Iterable[Row], filename: str, kind: str = CSV
) -> StreamingHttpResponse:
    """Return a file that the browser saves under a name; the name gets its ending here.

    An XLSX file is complete before the first byte is sent, so an error is a page, not half a file.
    Without room for it, the answer is a sentence with status 503.
    """
    response: StreamingHttpResponse
    if kind == XLSX:
        try:
            file = _made(head, rows, filename)
        except (NoRoom, OSError, FileCreateError) as error:
            logger.warning("No room for %s.xlsx: %r", filename, error)
            return StreamingHttpResponse([NO_ROOM], status=503, content_type="text/plain")
        response = FileResponse(file, content_type=TYPES[XLSX])
    else:
        response = StreamingHttpResponse(lines(head, rows), content_type=TYPES[CSV])
    response["Content-Disposition"] = saved_as(f"{filename}.{kind}")
    return response
