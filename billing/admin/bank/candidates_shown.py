"""How a payment that some money may be for is shown, with its score and reasons in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.admin.bank import words
from billing.admin.bank.expected import reference_of, with_received
from billing.admin.bank.transfer_page import on_day
from billing.bank.matching import Candidate
from billing.models import BankTransfer, ExpectedTransfer
from common.money import Money
from common.staff import show


@dataclass(frozen=True)
class ShownPayment:
    """An awaited payment. Amounts are cents."""

    pk: int
    url: str
    member: str
    member_url: str
    description: str
    reference: str
    payer_name: str
    due: str
    missing: int
    since: str
    is_expired: bool
    currency: str

    @property
    def rest(self) -> str:
        """What's still missing, as text."""
        return str(Money(self.missing, self.currency))


@dataclass(frozen=True)
class ShownCandidate:
    """A payment that some money may be for, and what counting it would come to."""

    payment: ShownPayment
    score: int
    reasons: list[tuple[str, bool]]
    part: int
    outcome: str


@dataclass(frozen=True)
class ShownMoney:
    """Some money that waits to be matched. Amounts are cents."""

    pk: int
    url: str
    amount: str
    left: int
    left_words: str
    name: str
    memo: str
    day: str
    is_proved: bool
    currency: str


def payments(pks: Iterable[int]) -> dict[int, ShownPayment]:
    """Return payments by their keys."""
    rows = with_received(ExpectedTransfer.objects.filter(pk__in=set(pks))).select_related("user")
    return {row.pk: _payment(row) for row in rows}


def _payment(row: ExpectedTransfer) -> ShownPayment:
    received: int = row.received_cents  # type: ignore[attr-defined]  # from `with_received`
    return ShownPayment(
        pk=row.pk,
        url=show.page_of(row),
        member=show.name_of(row.user),
        member_url=show.page_of(row.user),
        description=row.description,
        reference=reference_of(row),
        payer_name=row.payer_name,
        due=words.due(row, received),
        missing=max(0, row.amount - received),
        since=show.day(row.created_at),
        is_expired=not row.is_open,
        currency=row.currency,
    )


def money(row: BankTransfer) -> ShownMoney:
    """Return a transfer that has `counted`."""
    left = max(0, row.amount - row.counted)  # type: ignore[attr-defined]  # from `with_allocated`
    return ShownMoney(
        pk=row.pk,
        url=show.page_of(row),
        amount=str(row.money),
        left=left,
        left_words=str(Money(left, row.currency)) if left < row.amount else "",
        name=row.name or words.UNKNOWN,
        memo=row.memo,
        day=on_day(row.on),
        is_proved=row.is_proved,
        currency=row.currency,
    )


def candidate(found: Candidate, of: ShownPayment, some: ShownMoney) -> ShownCandidate:
    """Return a candidate in words."""
    part = min(some.left, of.missing)
    return ShownCandidate(
        of, found.score, words.sentences(found.reasons), part, outcome(some, of, part)
    )


def outcome(some: ShownMoney, of: ShownPayment, part: int) -> str:
    """Say what counting a part of some money for a payment would come to."""
    if part < of.missing:
        rest = Money(of.missing - part, of.currency)
        return f"{rest} will still be due, and we’ll ask the member for it."
    if part < some.left:
        rest = Money(some.left - part, some.currency)
        return f"{rest} of the money will be left to match or set aside."
    return "This pays it in full."


def best_of(
    found: Sequence[Candidate], known: dict[int, ShownPayment], some: ShownMoney, most: int
) -> list[ShownCandidate]:
    """Return the likeliest candidates whose payments are known, in words."""
    rows = [one for one in found if one.awaited.pk in known]
    return [candidate(one, known[one.awaited.pk], some) for one in rows[:most]]
