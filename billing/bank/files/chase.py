"""Activity of a checking account at Chase, for people and for businesses (pure).

Newest first. Most rows end in one more comma than the header. Pending rows have no balance. Zelle's
memo isn't exported. The type of a transfer from somebody at another bank differs from one within
Chase, and so does its reference: eleven digits within, the other bank's own from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import BankFile, Line, LineError, Transfer, kind_of
from billing.bank.files.table import Row, cents, collected, day, header_at

NAME = "Chase"
EXPECTED = (
    "a CSV file of a checking account's activity, which begins with "
    "“Details,Posting Date,Description,Amount,Type,Balance”"
)
HEADER = ["Details", "Posting Date", "Description", "Amount", "Type", "Balance"]
_TRANSFER = re.compile(
    r"zelle (?:scheduled |recurring |realtime )?payment (?P<way>from|to) (?P<rest>.+)",
    re.IGNORECASE,
)
# Eight digits or more within Chase, else letters of the other bank and what it adds.
_TRANSACTION = re.compile(r"[0-9]{8,}|(?=[A-Za-z0-9]*[0-9])[A-Za-z]{2,4}[A-Za-z0-9]{6,}")


def matches(rows: Sequence[Row]) -> bool:
    """Whether a file begins with Chase's header."""
    return header_at(rows, HEADER) is not None


def read(rows: Sequence[Row]) -> BankFile:
    """Return the lines of a file that `matches`."""
    return collected(NAME, rows[1:], _line)


def _line(row: Row) -> Line | None:
    if len(row.cells) < len(HEADER):
        raise LineError(f"It has {len(row.cells)} columns instead of {len(HEADER)}")
    _details, posted, description, amount, _type, balance = row.cells[: len(HEADER)]
    if not balance:
        return None
    value = cents(amount)
    return Line(
        number=row.number,
        posted_on=day(posted),
        amount=value,
        description=description,
        transfer=transfer(description, value),
        balance=cents(balance),
    )


def transfer(description: str, amount: int) -> Transfer | None:
    """Return the transfer that a description tells of; None if it's about something else."""
    match = _TRANSFER.fullmatch(description)
    if not match:
        return None
    kind = kind_of(match["way"], amount)
    name, _, last = match["rest"].rpartition(" ")
    if name and _TRANSACTION.fullmatch(last):
        return Transfer(kind, name, last)
    return Transfer(kind, match["rest"])
