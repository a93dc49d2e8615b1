"""What a file of account activity says, whatever bank it's from (pure).

Amounts and balances are in cents: what comes in is positive, what goes out is negative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class WrongFileError(ValueError):
    """The file isn't account activity; the sentence is for whoever chose it."""


class LineError(ValueError):
    """A line can't be read; the sentence says why."""


class Kind(StrEnum):
    """What a line is about."""

    ZELLE_IN = "zelle_in"
    ZELLE_OUT = "zelle_out"
    OTHER = "other"


@dataclass(frozen=True)
class Transfer:
    """A transfer by Zelle, as far as a description tells."""

    kind: Kind
    name: str  # who it's from or to
    transaction: str = ""  # the bank's own reference, if it's there
    memo: str = ""  # only some banks export it


@dataclass(frozen=True)
class Line:
    """A line that's on the account."""

    number: int  # in the file, from 1
    posted_on: date
    amount: int
    description: str
    transfer: Transfer | None = None
    balance: int | None = None  # after this line; some banks don't export it

    @property
    def kind(self) -> Kind:
        """What it's about."""
        return self.transfer.kind if self.transfer else Kind.OTHER


@dataclass(frozen=True)
class Unreadable:
    """A line that can't be read, and why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True)
class BankFile:
    """Everything a file says, in its order.

    Pending lines may still change, so only their numbers are kept.
    """

    bank: str
    lines: list[Line] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def kind_of(way: str, amount: int) -> Kind:
    """Return the kind of a transfer "from" or "to" somebody.

    Raises:
        LineError: the amount moves the other way.
    """
    kind = Kind.ZELLE_IN if way.lower() == "from" else Kind.ZELLE_OUT
    if (amount > 0) != (kind is Kind.ZELLE_IN):
        raise LineError("Its amount and its description say opposite things")
    return kind
