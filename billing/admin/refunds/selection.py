"""Approving several refunds together: what it would do, and what it did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from billing.admin.refunds.case import progress
from billing.models import Refund
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from common.money import Money
from common.staff import show

MOST_AT_ONCE = 100
SENT, WAITS = "Goes back at once", "Waits for a second person after you"


@dataclass(frozen=True)
class Line:
    """A selected refund, and what approving would do to it."""

    url: str
    who: str
    amount: str
    asked: str
    outcome: str


@dataclass(frozen=True)
class Outlook:
    """What approving a selection would do. `count` is the number it would affect."""

    title: str
    count: int
    sentences: list[str]
    lines: list[Line]


@dataclass
class Done:
    """What approving a selection did. `refused` has a sentence for each refusal."""

    sent: list[Refund] = field(default_factory=list)
    waiting: list[Refund] = field(default_factory=list)
    decided: int = 0
    refused: list[str] = field(default_factory=list)

    def sentences(self) -> Iterable[tuple[int, str]]:
        """Return what happened, with each message's level."""
        if self.sent:
            text = f"{_count(self.sent)} approved: {_total(self.sent)} {_goes(self.sent)} back."
            yield messages.SUCCESS, text
        if self.waiting:
            verb = "waits" if len(self.waiting) == 1 else "wait"
            text = f"{_count(self.waiting)} of {_total(self.waiting)} {verb} for a second person."
            yield messages.WARNING, text
        if self.decided:
            text = "1 was" if self.decided == 1 else f"{self.decided} were"
            yield messages.INFO, f"{text} decided already: nothing was done about that."
        for text, times in Counter(self.refused).items():
            yield messages.ERROR, text if times == 1 else f"{times} refunds: {text}"


def chosen_rows(text: str) -> list[Refund]:
    """Return the refunds in a URL ("4,8,15"), oldest first."""
    numbers = [one for one in text.split(",") if one.isascii() and one.isdecimal()]
    rows = Refund.objects.select_related("customer__user", "payment__invoice", "policy")
    # No longer than PostgreSQL's numbers.
    chosen = rows.filter(pk__in=[int(one) for one in numbers[:MOST_AT_ONCE] if len(one) < 19])
    return list(chosen.order_by("created_at", "pk"))


def outlook_of(rows: Sequence[Refund], actor: User) -> Outlook:
    """Return what approving refunds would do now."""
    sent: list[Refund] = []
    waiting: list[Refund] = []
    lines: list[Line] = []
    for row in rows:
        try:
            is_sent = refunds.goes_back_at_once(row, actor)
        except (RefundError, PermissionDenied) as error:
            lines.append(_line(row, str(error)))
        else:
            (sent if is_sent else waiting).append(row)
            lines.append(_line(row, SENT if is_sent else WAITS))
    count = len(sent) + len(waiting)
    return Outlook(
        title=f"Approve {_count([*sent, *waiting])}?" if count else "Nothing to approve",
        count=count,
        sentences=list(_foretold(sent, waiting, len(rows) - count)),
        lines=lines,
    )


def approve_all(rows: Iterable[Refund], actor: User) -> Done:
    """Approve each refund in full, one by one: one that can't be doesn't stop the others."""
    done = Done()
    for row in rows:
        try:
            approved = refunds.approve(row.pk, actor)
        except (RefundError, PermissionDenied) as error:
            if Refund.objects.undecided().filter(pk=row.pk).exists():
                name = show.name_of(row.customer.user)
                done.refused.append(f"{row.money} for {name}: {error}")
            else:
                done.decided += 1
        else:
            (done.waiting if approved.is_undecided else done.sent).append(approved)
    return done


def _foretold(sent: Sequence[Refund], waiting: Sequence[Refund], others: int) -> Iterable[str]:
    if sent:
        yield f"{_total(sent)} {_goes(sent)} back at once, by {_count(sent)}."
    if waiting:
        needs = "needs" if len(waiting) == 1 else "need"
        yield f"{_count(waiting)} of {_total(waiting)} {needs} a second person after you."
    if others:
        yield f"{others} of the selection can’t be approved by you now: see below."


def _line(row: Refund, outcome: str) -> Line:
    agreed = progress(row)
    return Line(
        url=show.page_of(row),
        who=show.name_of(row.customer.user),
        amount=str(row.money),
        asked=show.day(row.created_at),
        outcome=f"{outcome} ({agreed})" if agreed else outcome,
    )


def _total(rows: Iterable[Refund]) -> str:
    """Return "$87.00 + €9.00": one amount per currency."""
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row.currency] += row.amount
    return " + ".join(str(Money(amount, currency)) for currency, amount in sorted(sums.items()))


def _goes(rows: Iterable[Refund]) -> str:
    return "go" if len({row.currency for row in rows}) > 1 else "goes"


def _count(rows: Sequence[Refund]) -> str:
    return "1 refund" if len(rows) == 1 else f"{len(rows)} refunds"
