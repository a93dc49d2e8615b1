"""Lets mails and lines that tell of the same transfer meet in one row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from billing.bank import meeting
from billing.bank.meeting import Told
from billing.core.bank_statuses import AllocationState, Direction
from billing.models import Allocation, BankLine, BankMail, BankTransfer

# What's told within so many days may belong together, or compete for what does.
AROUND = timedelta(days=30)


def meet(direction: Direction, amount: int, days: Sequence[date]) -> list[BankTransfer]:
    """Work out anew which mails and lines of an amount belong together around some days.

    Call it under the bank's lock. Amounts are cents. Returns the transfers that changed.
    """
    rows = BankTransfer.objects.filter(
        direction=direction,
        amount=amount,
        on__range=(min(days) - AROUND, max(days) + AROUND),
    )
    rows = rows.select_related("mail", "line__account").defer("mail__content")
    transfers = list(rows.order_by("pk"))
    pairs = meeting.together(
        [_of_mail(row.mail) for row in transfers if row.mail],
        [_of_line(row.line) for row in transfers if row.line],
    )
    return _Meeting(transfers).apply({mail.pk: line.pk for mail, line in pairs})


def _of_mail(mail: BankMail) -> Told:
    on = mail.sent_on or mail.received_at.date()
    return Told(mail.pk, mail.name, on, mail.transaction, mail.memo)


def _of_line(line: BankLine) -> Told:
    return Told(line.pk, line.name, line.posted_on, line.transaction, line.memo)


class _Meeting:
    """Moves lines between transfers until each is where it belongs. Mails never move.

    A transfer that counts for a payment is kept; two that both do are left alone, for staff.
    """

    def __init__(self, transfers: Sequence[BankTransfer]) -> None:
        self._of_mail = {row.mail_id: row for row in transfers if row.mail_id}
        self._alone = {row.line_id: row for row in transfers if row.line_id and not row.mail_id}
        self._lines = {row.line.pk: row.line for row in transfers if row.line}
        self._counting = set(
            Allocation.objects.filter(transfer__in=[row.pk for row in transfers])
            .exclude(state=AllocationState.UNDONE)
            .values_list("transfer_id", flat=True)
        )
        self._freed: set[int] = set()
        self._changed: dict[int, BankTransfer] = {}

    def apply(self, line_of_mail: dict[int, int]) -> list[BankTransfer]:
        """Give each mail's transfer its line, and return the transfers that changed."""
        for mail_id, row in self._of_mail.items():
            if row.line_id and row.line_id != line_of_mail.get(mail_id or 0):
                self._free(row)
        for mail_id, line_id in line_of_mail.items():
            row = self._of_mail[mail_id]
            if row.line_id is None:
                self._join(row, line_id)
        for line_id in sorted(self._freed):
            self._stands_alone(line_id)
        return list(self._changed.values())

    def _free(self, row: BankTransfer) -> None:
        if row.line_id:
            self._freed.add(row.line_id)
        row.line = None
        self._save(row)

    def _join(self, row: BankTransfer, line_id: int) -> None:
        """Put a line that's free or alone into a mail's transfer."""
        alone = self._alone.get(line_id)
        if alone and alone.pk in self._counting and row.pk in self._counting:
            return
        if alone:
            self._absorb(row, alone)
        self._freed.discard(line_id)
        row.line = self._lines[line_id]
        self._save(row)

    def _absorb(self, row: BankTransfer, alone: BankTransfer) -> None:
        """Take over all that hangs on the transfer of a line alone, and delete it."""
        alone.allocations.update(transfer=row)
        if alone.set_aside_at and not row.set_aside_at:
            row.set_aside_at, row.set_aside_by = alone.set_aside_at, alone.set_aside_by
            row.set_aside_because = alone.set_aside_because
        if alone.refund_id and not row.refund_id:
            row.refund_id, alone.refund_id = alone.refund_id, None
            alone.save(update_fields=["refund"])
        if alone.pk in self._counting:
            self._counting.add(row.pk)
        self._changed.pop(alone.pk, None)
        alone.delete()

    def _stands_alone(self, line_id: int) -> None:
        made = of_line(self._lines[line_id])
        made.save(force_insert=True)
        self._changed[made.pk] = made

    def _save(self, row: BankTransfer) -> None:
        describe(row)
        row.save()
        self._changed[row.pk] = row


def of_line(line: BankLine) -> BankTransfer:
    """Return the transfer that a line alone tells of, unsaved."""
    direction = Direction.IN if line.amount > 0 else Direction.OUT
    row = BankTransfer(
        direction=direction, amount=abs(line.amount), currency=line.account.currency, line=line
    )
    describe(row)
    return row


def of_mail(mail: BankMail, currency: str = "usd") -> BankTransfer:
    """Return the transfer that a mail alone tells of, unsaved. Zelle moves US dollars."""
    row = BankTransfer(
        direction=mail.direction, amount=mail.amount or 0, currency=currency, mail=mail
    )
    describe(row)
    return row


def describe(row: BankTransfer) -> None:
    """Set what a transfer says from its mail and its line, whichever came first."""
    mail, line = row.mail, row.line
    told: Iterable[BankMail | BankLine] = [one for one in (mail, line) if one]
    row.name = next((one.name for one in told if one.name), "")
    row.memo = next((one.memo for one in told if one.memo), "")
    if mail:
        row.on = mail.sent_on or mail.received_at.date()
    elif line:
        row.on = line.posted_on
