"""Activity of a checking account at Wells Fargo (pure).

There's no header and no balance: a date, an amount, a star, a check's number, and a description,
such as `ZELLE FROM DOE SAM ON 05/02 REF # WFCT0ABCDEFG MAY CLASSES`. Newer files have a header, and
the status in another column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import BankFile, Line, LineError, Transfer, kind_of
from billing.bank.files.table import Row, cents, collected, day, header_at

NAME = "Wells Fargo"
EXPECTED = "a comma-delimited file whose rows are a date, an amount, a star, and a description"
HEADER = ["DATE", "AMOUNT", "CHECK NUMBER", "STATUS", "DESCRIPTION"]
COLUMNS = 5
_TRANSFER = re.compile(
    r"zelle (?P<way>from|to) (?P<name>.+?) on (?P<month>[0-9]{2})/(?P<day>[0-9]{2})"
    r"(?: ref ?# ?(?P<transaction>[A-Za-z0-9]+))?(?: (?P<memo>.+))?",
    re.IGNORECASE,
)


def matches(rows: Sequence[Row]) -> bool:
    """Whether a file's first row is the bank's header, or a date, an amount, and a star."""
    if header_at(rows, HEADER) is not None:
        return True
    return bool(rows) and len(rows[0].cells) == COLUMNS and rows[0].cells[2] == "*"


def read(rows: Sequence[Row]) -> BankFile:
    """Return the lines of a file that `matches`."""
    has_header = header_at(rows, HEADER) is not None
    return collected(NAME, rows[has_header:], _line)


def _line(row: Row) -> Line | None:
    if len(row.cells) < COLUMNS:
        raise LineError(f"It has {len(row.cells)} columns instead of {COLUMNS}")
    posted, amount, _, status, description = row.cells[:COLUMNS]
    if status.casefold() == "pending":
        return None
    value = cents(amount)
    return Line(row.number, day(posted), value, description, transfer(description, value))


def transfer(description: str, amount: int) -> Transfer | None:
    """Return the transfer that a description tells of; None if it's about something else."""
    match = _TRANSFER.fullmatch(description)
    if not match:
        return None
    kind = kind_of(match["way"], amount)
    return Transfer(kind, match["name"], match["transaction"] or "", match["memo"] or "")
