"""Reads account activity as banks export it: one module per format, chosen by its looks.

`read` takes the bytes of a file and returns its lines. Each format is a module in the shape of
`Format`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from billing.bank.files import bank_of_america, chase, wells_fargo
from billing.bank.files.lines import BankFile, Unreadable, WrongFileError
from billing.bank.files.table import Row, rows_of, text_of


class Format(Protocol):
    """A bank's way to write a file."""

    NAME: str
    """What the bank calls itself."""
    EXPECTED: str
    """What the file should be, for somebody who chose another one."""

    def matches(self, rows: Sequence[Row]) -> bool:
        """Whether this is such a file. Only the first few rows need a look."""

    def read(self, rows: Sequence[Row]) -> BankFile:
        """Return the lines; what can't be read is named, with its reason."""


FORMATS: tuple[Format, ...] = (chase, bank_of_america, wells_fargo)


def read(content: bytes) -> BankFile:
    """Return what a file says, in whichever known format it's written.

    Raises:
        WrongFileError: it isn't such a file; the sentence is for whoever chose it.
    """
    rows = rows_of(text_of(content))
    for one in FORMATS:
        if one.matches(rows):
            return one.read(rows)
    expected = "; ".join(f"{one.NAME}: {one.EXPECTED}" for one in FORMATS)
    raise WrongFileError(
        f"This isn't account activity that we can read. We know these files: {expected}. For"
        " another bank, name its columns under Bank accounts first, then choose that account here."
    )


__all__ = ["FORMATS", "BankFile", "Format", "Unreadable", "WrongFileError", "read"]
