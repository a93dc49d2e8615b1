"""Takes in files of account activity: shows what's new in one, and stores it, all or nothing."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from billing.bank import files
from billing.bank.files import identity, mapped, table
from billing.bank.files.lines import Kind, Line
from billing.core.bank_statuses import Direction
from billing.models import BankAccount, BankFile, BankLine, BankTransfer
from billing.zelle import meeting, proposing
from billing.zelle.locks import bank_lock
from common import copying

logger = logging.getLogger(__name__)

AT_ONCE = 2000
# What a file tells can count by itself: money with a memo, and what went out.
WORTH_A_LOOK = ~Q(memo="") | Q(direction=Direction.OUT)


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
        files.WrongFileError: see `read`.
    """
    said = read(account, content)
    lines = _once(account, said.lines)
    known = _known(account, list(lines)) if account.pk else set()
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
        files.WrongFileError: see `read`. Nothing is stored then.
    """
    said = read(account, content)
    with transaction.atomic():
        bank_lock()
        lines = _once(account, said.lines)
        known = _known(account, list(lines))
        new = {key: line for key, line in lines.items() if key not in known}
        file = BankFile.objects.create(
            account=account,
            name=name[:200] or "Without a name",
            digest=hashlib.sha256(content).hexdigest(),
            lines_new=len(new),
            lines_known=len(said.lines) - len(new),
            lines_pending=len(said.pending),
            unreadable=[asdict(one) for one in said.unreadable],
            imported_by=actor,
        )
        _store_lines(file, new)
    logger.info("Bank file %s: %d new lines, %d known.", file.pk, len(new), file.lines_known)
    return file


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


def _store_lines(file: BankFile, new: dict[str, Line]) -> None:
    """Store new lines, and transfers of those about Zelle, and let them meet mails."""
    rows = [_row(file, key, line) for key, line in new.items()]
    copying.insert(rows)
    transfers = [meeting.of_line(row) for row in rows if row.kind != Kind.OTHER]
    copying.insert(transfers)
    changed = {row.pk: row for row in transfers}
    for (direction, amount), days in _by_amount(transfers).items():
        if BankTransfer.objects.filter(direction=direction, amount=amount).exclude(mail=None):
            changed |= {row.pk: row for row in meeting.meet(direction, amount, days)}
    proposing.look_at(BankTransfer.objects.filter(pk__in=changed).filter(WORTH_A_LOOK))


def _by_amount(rows: Iterable[BankTransfer]) -> dict[tuple[Direction, int], list[date]]:
    found: dict[tuple[Direction, int], list[date]] = defaultdict(list)
    for row in rows:
        found[Direction(row.direction), row.amount].append(row.on)
    return found


def _row(file: BankFile, key: str, line: Line) -> BankLine:
    transfer = line.transfer
    return BankLine(
        account=file.account,
        file=file,
        identity=key,
        number=line.number,
        posted_on=line.posted_on,
        amount=line.amount,
        description=line.description,
        kind=line.kind,
        name=(transfer.name if transfer else "")[:200],
        transaction=(transfer.transaction if transfer else "")[:60],
        memo=(transfer.memo if transfer else "")[:500],
        balance=line.balance,
    )
