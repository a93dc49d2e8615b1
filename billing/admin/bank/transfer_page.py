"""What a transfer's page shows: what the email says, what the file says, and what it counts for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from billing.admin.bank import words
from billing.admin.refunds.case import Fact
from billing.core.bank_statuses import AllocationState, Direction
from billing.facts.unproved import unproved
from billing.models import Allocation, BankTransfer
from billing.zelle import outgoing
from common.money import Money
from common.staff import show

TONES = {
    AllocationState.PROPOSED: "warning",
    AllocationState.CONFIRMED: "success",
    AllocationState.UNDONE: "",
}


@dataclass(frozen=True)
class Step:
    """A match of this money with a payment, and its history in words. Empty URLs: no button."""

    money: str
    payment: SafeString
    member: SafeString | str
    badge: SafeString
    tone: str
    history: list[str]
    confirm_url: str = ""
    undo_url: str = ""


@dataclass(frozen=True)
class TransferPage:
    """The page."""

    headline: str
    amount: str
    badges: list[SafeString]
    note: str
    mail: list[Fact]
    mail_url: str
    line: list[Fact]
    line_url: str
    sums: list[Fact]
    steps: list[Step]
    refund: SafeString | str  # the one that money that went out is


def page_of(row: BankTransfer, matcher: User | None) -> TransferPage:
    """Return the page of a transfer that has `counted` and `proposed`.

    `matcher` is who looks at it, if they may match.
    """
    counted: int = row.counted  # type: ignore[attr-defined]  # from `with_allocated`
    proposed: int = row.proposed  # type: ignore[attr-defined]
    return TransferPage(
        headline=f"{row.money} {words.way(row)}",
        amount=words.signed(row),
        badges=[words.standing(row, counted, proposed), words.proof(row)],
        note=_note(row),
        mail=list(_of_mail(row)),
        mail_url=show.page_of(row.mail) if row.mail else "",
        line=list(_of_line(row)),
        line_url=show.page_of(row.line) if row.line else "",
        sums=list(_sums(row, counted, proposed)),
        steps=[step_of(one, matcher) for one in _allocations(row)],
        refund=_refund(row),
    )


def step_of(row: Allocation, matcher: User | None) -> Step:
    """Return a match with its history, and the buttons that would be accepted."""
    is_others = matcher is not None and matcher.pk != row.expected.user_id
    can_undo = is_others and row.state != AllocationState.UNDONE
    is_next = matcher is not None and matcher.pk != row.first_confirmed_by_id
    can_confirm = is_others and is_next and row.state == AllocationState.PROPOSED
    return Step(
        money=str(row.money),
        payment=show.anchor(show.page_of(row.expected), row.expected.description),
        member=show.member(row.expected.user),
        badge=show.state(row, "state", words.ALLOCATION),
        tone=TONES[AllocationState(row.state)],
        history=list(_history(row)),
        confirm_url=_button(row, "confirm") if can_confirm else "",
        undo_url=_button(row, "undo") if can_undo else "",
    )


def on_day(day: date) -> str:
    """Return "Nov 4, 2026"."""
    return f"{day:%b} {day.day}, {day.year}"


def _button(row: Allocation, name: str) -> str:
    return reverse(f"admin:billing_allocation_{name}", args=[row.pk])


def _allocations(row: BankTransfer) -> list[Allocation]:
    rows = row.allocations.select_related(
        "transfer", "expected__user", "first_confirmed_by", "confirmed_by", "undone_by"
    )
    return list(rows)


def _history(row: Allocation) -> Iterator[str]:
    """Yield what happened, oldest first."""
    yield f"Made {show.moment(row.created_at)}."
    for sentence, _is_against in words.sentences(row.reasons):
        yield sentence
    if row.confirmed_at:
        yield f"Counted {show.moment(row.confirmed_at)}: {words.counts_by(row)}."
    if waits := words.waits_for(row):
        yield waits
    if row.undone_at:
        by = show.name_of(row.undone_by) if row.undone_by else "the portal"
        yield f"Undone {show.moment(row.undone_at)} by {by}: {row.undone_because}"


def _refund(row: BankTransfer) -> SafeString | str:
    found = outgoing.refund_of(row)
    return show.link(found, f"Refund of {found.money}") if found else ""


def _note(row: BankTransfer) -> str:
    if row.set_aside_at:
        by = show.name_of(row.set_aside_by)
        return f"Set aside {show.moment(row.set_aside_at)} by {by}: {row.set_aside_because}"
    if unproved(timezone.now()).filter(pk=row.pk).exists():
        return (
            "The bank's email announced it, but no file of the account has had it. Import a newer"
            " file, or ask your bank."
        )
    return ""


def _of_mail(row: BankTransfer) -> Iterator[Fact]:
    mail = row.mail
    if mail is None:
        return
    yield Fact("From", mail.name or show.NOTHING)
    yield Fact("Amount", show.money(mail.amount, row.currency))
    yield Fact("Sent on", on_day(mail.sent_on) if mail.sent_on else show.NOTHING)
    yield Fact("Memo", mail.memo or show.NOTHING)
    yield Fact("Number", mail.transaction or show.NOTHING)
    yield Fact("Received", show.moment(mail.received_at))
    yield Fact("Signed by", mail.domain)


def _of_line(row: BankTransfer) -> Iterator[Fact]:
    line = row.line
    if line is None:
        return
    yield Fact("Name", line.name or show.NOTHING)
    yield Fact("Amount", str(line.money))
    yield Fact("On the account", on_day(line.posted_on))
    if line.memo:
        yield Fact("Memo", line.memo)
    yield Fact("Number", line.transaction or show.NOTHING)
    yield Fact("Account", str(line.account))
    yield Fact("Balance after it", show.money(line.balance, line.account.currency))
    yield Fact("File", str(line.file))


def _sums(row: BankTransfer, counted: int, proposed: int) -> Iterator[Fact]:
    if row.direction == Direction.OUT:
        return
    yield Fact("Came", str(row.money))
    yield Fact("Counts", str(Money(counted - proposed, row.currency)))
    if proposed:
        yield Fact("Waits for someone to confirm", str(Money(proposed, row.currency)))
    yield Fact("Left", str(Money(max(0, row.amount - counted), row.currency)))
