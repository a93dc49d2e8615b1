"""Activity of any other bank, by columns that the owner named (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.bank.files.lines import (
    BankFile,
    Kind,
    Line,
    LineError,
    Transfer,
    WrongFileError,
    kind_of,
)
from billing.bank.files.table import Row, cents, collected, sensible, shortened

# A file may have so many rows before its header.
BEFORE_HEADER = 30
_ZELLE = re.compile(r"\bzelle\b", re.IGNORECASE)
_FROM_OR_TO = re.compile(
    r".*?\bzelle\b.*?\b(?P<way>from|to)\b[:\s]+(?P<name>.+?)"
    r"(?:[\s,;](?:ref|reference|conf|confirmation|trn)\b[\s.:#]*(?P<number>(?=\w*\d)\w+))?",
    re.IGNORECASE,
)


class DayFormat(StrEnum):
    """How a bank writes dates; the value is for `strptime`."""

    MONTH_FIRST = "%m/%d/%Y"
    MONTH_FIRST_SHORT = "%m/%d/%y"
    ISO = "%Y-%m-%d"
    WORDS = "%b %d, %Y"


@dataclass(frozen=True)
class Mapping:
    """Which column is what, by the header's names; an empty one isn't there.

    The amount is one column with a sign, or two: what came in, and what went out.
    """

    bank: str
    day: str
    description: str
    amount: str = ""
    came_in: str = ""
    went_out: str = ""
    name: str = ""
    transaction: str = ""
    memo: str = ""
    balance: str = ""
    day_format: DayFormat = DayFormat.MONTH_FIRST

    @property
    def columns(self) -> list[str]:
        """The names of all columns that it needs."""
        names = [self.day, self.description, self.amount, self.came_in, self.went_out]
        return [one for one in [*names, *self._optional] if one]

    @property
    def _optional(self) -> list[str]:
        return [self.name, self.transaction, self.memo, self.balance]


def headers(rows: Sequence[Row]) -> list[str]:
    """Return what could be a file's header, for a form: the first row with most columns."""
    widest = max((len(row.cells) for row in rows[:BEFORE_HEADER]), default=0)
    first = next((row for row in rows if len(row.cells) == widest), None)
    return [cell for cell in first.cells if cell] if first else []


def read(rows: Sequence[Row], mapping: Mapping) -> BankFile:
    """Return the lines of a file.

    Raises:
        WrongFileError: it doesn't have the columns.
    """
    place, at = _header(rows, mapping)
    return collected(mapping.bank, rows[place + 1 :], lambda row: _line(row, mapping, at))


def _header(rows: Sequence[Row], mapping: Mapping) -> tuple[int, dict[str, int]]:
    """Return where the header is, and where each column is in it."""
    for place, row in enumerate(rows[:BEFORE_HEADER]):
        cells = [cell.casefold() for cell in row.cells]
        if all(name.casefold() in cells for name in mapping.columns):
            return place, {name: cells.index(name.casefold()) for name in mapping.columns}
    raise WrongFileError(
        f"The file doesn't have the columns of {mapping.bank}: {', '.join(mapping.columns)}."
    )


def _line(row: Row, mapping: Mapping, at: dict[str, int]) -> Line | None:
    def cell(name: str) -> str:
        place = at.get(name, len(row.cells))
        return row.cells[place] if place < len(row.cells) else ""

    amount = _amount(cell(mapping.amount), cell(mapping.came_in), cell(mapping.went_out))
    if mapping.balance and not cell(mapping.balance):
        return None
    description = cell(mapping.description)
    return Line(
        number=row.number,
        posted_on=_day(cell(mapping.day), mapping.day_format),
        amount=amount,
        description=description,
        transfer=_transfer(
            description, amount, cell(mapping.name), cell(mapping.transaction), cell(mapping.memo)
        ),
        balance=cents(cell(mapping.balance)) if mapping.balance else None,
    )


def _amount(signed: str, came_in: str, went_out: str) -> int:
    if signed:
        return cents(signed)
    given = [(text, sign) for text, sign in ((came_in, 1), (went_out, -1)) if text]
    values = [abs(cents(text)) * sign for text, sign in given]
    moved = [value for value in values if value]
    if len(moved) > 1:
        raise LineError("Money comes in and goes out in one line")
    if not values:
        raise LineError("The amount is missing")
    return moved[0] if moved else 0


def _day(text: str, form: DayFormat) -> date:
    try:
        return sensible(datetime.strptime(text, form).date())  # noqa: DTZ007  (a day)
    except ValueError:
        example = date(2026, 3, 28).strftime(form)
        raise LineError(f"“{shortened(text)}” isn't a date such as {example}") from None


def _transfer(
    description: str, amount: int, name: str, transaction: str, memo: str
) -> Transfer | None:
    """Return the transfer that a line tells of; None if Zelle isn't mentioned, or nothing moved."""
    if not amount or not _ZELLE.search(description):
        return None
    match = _FROM_OR_TO.fullmatch(description)
    kind = kind_of(match["way"], amount) if match else Kind.ZELLE_IN
    if not match and amount < 0:
        kind = Kind.ZELLE_OUT
    if match:
        name = name or match["name"].strip(" ,;")
        transaction = transaction or match["number"] or ""
    return Transfer(kind, name, transaction, memo)
