"""Refuses files whose money is stored already: on another account, or read by other columns.

A line is known by its account and by what its columns say. Under another account or other columns
the same line would be a new one, and its money would count again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.db.models.functions import Upper

from billing.bank.files import WrongFileError
from billing.bank.files.lines import Line
from billing.models import BankAccount, BankFile, BankLine

AT_ONCE = 2000
# Day, amount, and description in lower case.
Said = tuple[date, int, str]
# Whether a line has a number and a balance, and what it's about.
Shape = tuple[bool, bool, str]


def check(
    account: BankAccount, lines: Mapping[str, Line], known: Collection[str], digest: str
) -> None:
    """Make sure that what's new in a file isn't stored another way. `lines` are by identity.

    Raises:
        WrongFileError: it is.
    """
    if other := _other_account(account, list(lines.values()), digest):
        raise WrongFileError(
            f"This file's money is on “{other}” already. Choose that account, or another file."
        )
    if account.pk and (number := _read_otherwise(account, lines, known)):
        raise WrongFileError(
            f"Line {number} is on this account already, read by other columns: it would count"
            " twice. Name the columns as they were, or export only later days."
        )


def _other_account(account: BankAccount, lines: Collection[Line], digest: str) -> str:
    """Return the name of another account that has this file or one of its transfers, or ""."""
    files = BankFile.objects.filter(digest=digest, lines_new__gt=0).exclude(account=account.pk)
    if same := files.select_related("account").first():
        return same.account.name
    numbered = {
        (line.kind.value, line.transfer.transaction.upper(), line.amount)
        for line in lines
        if line.transfer and line.transfer.transaction
    }
    stored = BankLine.objects.exclude(account=account.pk).annotate(
        number_in_capitals=Upper("transaction")
    )
    numbers = sorted({number for _kind, number, _amount in numbered})
    for start in range(0, len(numbers), AT_ONCE):
        some = stored.filter(number_in_capitals__in=numbers[start : start + AT_ONCE])
        for kind, number, amount, name in some.values_list(
            "kind", "transaction", "amount", "account__name"
        ):
            if (kind, number.upper(), amount) in numbered:
                return str(name)
    return ""


def _read_otherwise(
    account: BankAccount, lines: Mapping[str, Line], known: Collection[str]
) -> int | None:
    """Return the number of a new line that's stored with or without a number or a balance."""
    new = {key: line for key, line in lines.items() if key not in known}
    if not new:
        return None
    days = [line.posted_on for line in new.values()]
    rows = BankLine.objects.filter(account=account, posted_on__range=(min(days), max(days)))
    stored: dict[Said, set[Shape]] = {}
    for key, day, amount, text, kind, number, balance in rows.values_list(
        *("identity", "posted_on", "amount", "description", "kind", "transaction", "balance")
    ):
        if key not in known:
            shape = (bool(number), balance is not None, kind)
            stored.setdefault(_said(day, amount, text), set()).add(shape)
    for line in new.values():
        shapes = stored.get(_said(line.posted_on, line.amount, line.description), set())
        if shapes - {_shape(line)}:
            return line.number
    return None


def _said(day: date, amount: int, description: str) -> Said:
    return day, amount, " ".join(description.casefold().split())


def _shape(line: Line) -> Shape:
    number = line.transfer.transaction if line.transfer else ""
    return bool(number), line.balance is not None, line.kind.value
