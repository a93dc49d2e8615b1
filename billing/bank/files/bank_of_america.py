"""Activity of a checking account at Bank of America (pure).

A summary comes first. Quotation marks inside of a description aren't doubled, so a row is read from
both ends: its first cell is a date, and its last two are amounts. The memo is part of a transfer's
description: `Zelle payment from SAM DOE for "May classes"; Conf# 0abc12de3`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import BankFile, Line, LineError, Transfer, kind_of
from billing.bank.files.table import Row, cents, clean, collected, day, header_at

NAME = "Bank of America"
EXPECTED = "a CSV file (“Microsoft Excel format”) with “Date,Description,Amount,Running Bal.”"
HEADER = ["Date", "Description", "Amount", "Running Bal."]
SUMMARY_ROWS = 12
_ROW = re.compile(
    r'"?(?P<day>[^",]*)"?,"?(?P<description>.*?)"?,"?(?P<amount>[-+$0-9.,()]*)"?,"?(?P<balance>[-+$0-9.,()]*)"?,?',
    re.DOTALL,
)
_TRANSFER = re.compile(
    r"zelle (?:scheduled |recurring )?(?:payment|transfer) (?P<way>from|to) (?P<name>.+?)"
    r"(?: for \"?(?P<memo>.*?)\"?)?(?:;? conf# ?(?P<transaction>[A-Za-z0-9]+))?",
    re.IGNORECASE,
)
_OPENING = re.compile(r"beginning balance as of ", re.IGNORECASE)


def matches(rows: Sequence[Row]) -> bool:
    """Whether a file has the bank's header, behind a summary or not."""
    return header_at(rows, HEADER, SUMMARY_ROWS) is not None


def read(rows: Sequence[Row]) -> BankFile:
    """Return the lines of a file that `matches`."""
    start = header_at(rows, HEADER, SUMMARY_ROWS) or 0
    return collected(NAME, [row for row in rows[start + 1 :] if not _is_opening(row)], _line)


def _is_opening(row: Row) -> bool:
    return len(row.cells) > 1 and bool(_OPENING.match(row.cells[1]))


def _line(row: Row) -> Line | None:
    match = _ROW.fullmatch(row.text)
    if not match:
        raise LineError(f"It isn't “{','.join(HEADER)}”")
    if not match["balance"]:
        return None
    description = clean(match["description"].replace('""', '"'))
    amount = cents(match["amount"])
    return Line(
        number=row.number,
        posted_on=day(match["day"]),
        amount=amount,
        description=description,
        transfer=transfer(description, amount),
        balance=cents(match["balance"]),
    )


def transfer(description: str, amount: int) -> Transfer | None:
    """Return the transfer that a description tells of; None if it's about something else."""
    match = _TRANSFER.fullmatch(description)
    if not match:
        return None
    kind = kind_of(match["way"], amount)
    return Transfer(kind, match["name"], match["transaction"] or "", match["memo"] or "")
