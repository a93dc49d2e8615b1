"""Takes in files of account activity: shows what's new in one, and stores it, all or nothing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q

from billing.bank import files
from billing.bank.files import identity, mapped, table
from billing.bank.files.lines import Kind, Line
from billing.core.bank_statuses import Direction
from billing.models import BankAccount, BankFile, BankLine, BankTransfer
from billing.zelle import elsewhere, meeting, outgoing, proposing
from billing.zelle.locks import bank_lock

logger = logging.getLogger(__name__)

AT_ONCE = 10_000
# Fifty thousand lines are copied in a second; Django's rows take ten times as long.
COLUMNS = (
    *("account_id", "file_id", "identity", "number", "posted_on", "amount", "description", "kind"),
    *("name", "transaction", "memo", "balance"),
)
# As `meeting.of_line` makes one.
MAKE_TRANSFERS = """
    INSERT INTO billing_banktransfer
        (direction, amount, currency, name, memo, "on", line_id, created_at, set_aside_because)
    SELECT CASE WHEN amount > 0 THEN 'in' ELSE 'out' END,
        abs(amount), %s, name, memo, posted_on, id, now(), ''
    FROM billing_bankline WHERE file_id = %s AND kind <> %s ORDER BY id
"""


@dataclass(frozen=True)
class Preview:
    """What importing a file would do. `known` counts lines; `pending` and `other` have numbers.

    `other` are new lines that aren't Zelle: they're stored, too, so that sums tie to balances.
    """

    new: list[Line] = field(default_factory=list)
    known: int = 0
    pending: list[int] = field(default_factory=list)
    other: list[int] = field(default_factory=list)
    unreadable: list[files.Unreadable] = field(default_factory=list)

    @property
    def zelle(self) -> list[Line]:
        """The new lines that are about Zelle."""
        return [line for line in self.new if line.transfer]


def read(account: BankAccount, content: bytes) -> files.BankFile:
    """Return what a file says, in its bank's format or in the account's own columns.

    Raises:
        files.WrongFileError: it's no such file; the sentence is for whoever chose it.
    """
    if not account.mapping:
        return files.read(content)
    columns = dict(account.mapping)
    form = mapped.DayFormat(columns.pop("day_format", mapped.DayFormat.MONTH_FIRST))
    mapping = mapped.Mapping(**columns, day_format=form)
    return mapped.read(table.rows_of(table.text_of(content)), mapping)


def preview(account: BankAccount, content: bytes) -> Preview:
    """Return what importing a file would do. Nothing is stored.

    Raises:
        files.WrongFileError: see `read`, and `elsewhere.check`.
    """
    said = read(account, content)
    lines = _once(account, said.lines)
    known = _known(account, list(lines)) if account.pk else set()
    elsewhere.check(account, lines, known, _digest(content))
    new = [line for key, line in lines.items() if key not in known]
    return Preview(
        new=new,
        known=len(said.lines) - len(new),
        pending=list(said.pending),
        other=[line.number for line in new if not line.transfer],
        unreadable=list(said.unreadable),
    )


def store(account: BankAccount, name: str, content: bytes, actor: User | None) -> BankFile:
    """Store what's new in a file, let it meet what mails told, and let it count.

    Raises:
        files.WrongFileError: see `read`, and `elsewhere.check`. Nothing is stored then.
    """
    said = read(account, content)
    with transaction.atomic():
        bank_lock()
        lines = _once(account, said.lines)
        known = _known(account, list(lines))
        elsewhere.check(account, lines, known, _digest(content))
        new = {key: line for key, line in lines.items() if key not in known}
        file = BankFile.objects.create(
            account=account,
            name=name[:200] or "Without a name",
            digest=_digest(content),
            lines_new=len(new),
            lines_known=len(said.lines) - len(new),
            lines_pending=len(said.pending),
            unreadable=[asdict(one) for one in said.unreadable],
            imported_by=actor,
        )
        _store_lines(file, new)
    logger.info("Bank file %s: %d new lines, %d known.", file.pk, len(new), file.lines_known)
    return file


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _once(account: BankAccount, lines: Sequence[Line]) -> dict[str, Line]:
    """Return a file's lines by identity: one that the file has twice comes once."""
    found: dict[str, Line] = {}
    for key, line in identity.identified(str(account.pk or ""), lines):
        found.setdefault(key, line)
    return found


def _known(account: BankAccount, keys: Sequence[str]) -> set[str]:
    rows = BankLine.objects.filter(account=account)
    found: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = rows.filter(identity__in=keys[start : start + AT_ONCE])
        found.update(some.values_list("identity", flat=True))
    return found


def _store_lines(file: BankFile, new: Mapping[str, Line]) -> None:
    """Store new lines, and transfers of those about Zelle, and let them meet mails."""
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY billing_bankline ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for key, line in new.items():
                copy.write_row((file.account_id, file.pk, key, *_values(line)))
        cursor.execute(MAKE_TRANSFERS, [file.account.currency, file.pk, Kind.OTHER])
    changed = {row.pk for one in _with_mails(file) for row in meeting.meet(*one)}
    rows = BankTransfer.objects.filter(_may_count(file) | Q(pk__in=changed))
    proposing.look_at(rows.select_related("mail", "line").defer("mail__content").order_by("pk"))


def _with_mails(file: BankFile) -> Iterator[tuple[Direction, int, list[date]]]:
    """Yield the directions and amounts of a file that mails tell of, too, with those mails' days.

    Few of a long file's lines have a mail, and only around those can anything meet.
    """
    own = BankTransfer.objects.filter(line__file=file)
    span = own.aggregate(first=Min("on"), last=Max("on"))
    if span["first"] is None:
        return
    days = (span["first"] - meeting.AROUND, span["last"] + meeting.AROUND)
    amounts = own.order_by().values("direction", "amount")
    told = BankTransfer.objects.exclude(mail=None).filter(on__range=days).order_by()
    found = told.values("direction", "amount").annotate(first=Min("on"), last=Max("on"))
    same = amounts.filter(direction=OuterRef("direction"), amount=OuterRef("amount"))
    for row in found.filter(Exists(same)).order_by("direction", "amount"):
        yield Direction(row["direction"]), row["amount"], [row["first"], row["last"]]


def _may_count(file: BankFile) -> Q:
    """Select what a file alone can let count: money with a memo, and refunds that went out."""
    went_out = Q(direction=Direction.OUT, amount__in=outgoing.amounts())
    return Q(line__file=file) & (Q(direction=Direction.IN) & ~Q(memo="") | went_out)


def _values(line: Line) -> tuple[Any, ...]:
    transfer = line.transfer
    return (
        line.number,
        line.posted_on,
        line.amount,
        line.description,
        line.kind.value,
        (transfer.name if transfer else "")[:200],
        (transfer.transaction if transfer else "")[:60],
        (transfer.memo if transfer else "")[:500],
        line.balance,
    )
