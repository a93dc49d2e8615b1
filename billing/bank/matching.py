"""Which awaited payment a transfer is for, and why that's believed (pure).

Nothing here decides. A candidate that's sure may be confirmed together with others; every other one
is for staff to look at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from billing.bank import names, references

# A name that's at least this much alike counts as one. Below `OTHER_NAME` it's somebody else's.
LIKE_NAME, OTHER_NAME = 85, 60
# Money may come a little before it was awaited, as people send it first and press the button then.
EARLY, LATE = timedelta(days=3), timedelta(days=45)
# The exact amount from somebody of another name is still worth a look.
LEAST_SCORE = 20
SURE = 90


class Reason(StrEnum):
    """Why a transfer may be for a payment, or why not."""

    REFERENCE = "reference"
    OTHER_REFERENCE = "other_reference"
    EXACT_AMOUNT = "exact_amount"
    TOO_LITTLE = "too_little"
    TOO_MUCH = "too_much"
    KNOWN_PAYER = "known_payer"
    SAME_NAME = "same_name"
    LIKE_NAME = "like_name"
    SAID_NAME = "said_name"
    OTHER_NAME = "other_name"
    EARLIER = "earlier"
    LATER = "later"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class Awaited:
    """A payment that a member said they'd send; the amount is what's still missing, in cents."""

    pk: int
    member_pk: int
    reference: str
    amount: int
    since: date
    names: tuple[str, ...]  # the member's own
    said: str = ""  # the payer's, as the member told it: anybody can say any name


@dataclass(frozen=True)
class Incoming:
    """Money that came, as a mail or a file tells."""

    amount: int
    name: str
    on: date
    memo: str = ""


@dataclass(frozen=True)
class Candidate:
    """A payment that a transfer may be for; the score is from 0 to 100."""

    awaited: Awaited
    score: int
    reasons: tuple[Reason, ...]
    is_sure: bool = False


@dataclass(frozen=True)
class KnownPayers:
    """Whose name has paid for which members before, as staff or a reference confirmed it."""

    members: dict[str, frozenset[int]] = field(default_factory=dict)  # by `names.key`

    def of(self, name: str) -> frozenset[int]:
        """Return the members that somebody of this name has paid for."""
        return self.members.get(names.key(name), frozenset())


def candidates(
    money: Incoming, awaited: Iterable[Awaited], known: KnownPayers, prefix: str
) -> list[Candidate]:
    """Return the payments that this money may be for, the likeliest first.

    One is sure if the amount is exact and the memo names it, whoever paid. It's also sure if the
    amount is exact, the payer is known or has the same name, and no other payment is as likely. For
    a name alone, another payment of that amount needs only a name like it.
    """
    named = references.read(money.memo, prefix)
    payers = known.of(money.name)
    judged = [_judged(money, one, named, payers) for one in awaited]
    likely = sorted(
        (one for one in judged if one.score >= LEAST_SCORE),
        key=lambda one: (-one.score, one.awaited.since, one.awaited.pk),
    )
    return _with_certainty(likely)


def _judged(
    money: Incoming, awaited: Awaited, named: Sequence[str], payers: Collection[int]
) -> Candidate:
    parts = [
        _by_reference(awaited, named),
        _by_amount(money, awaited),
        _by_name(money, awaited, payers) if awaited.reference not in named else (0, None),
        _by_date(money, awaited),
    ]
    score = sum(points for points, _ in parts)
    reasons = tuple(reason for _, reason in parts if reason)
    return Candidate(awaited, max(0, min(100, score)), reasons)


def _by_reference(awaited: Awaited, named: Sequence[str]) -> tuple[int, Reason | None]:
    if awaited.reference in named:
        return 60, Reason.REFERENCE
    return (-60, Reason.OTHER_REFERENCE) if named else (0, None)


def _by_amount(money: Incoming, awaited: Awaited) -> tuple[int, Reason]:
    if money.amount == awaited.amount:
        return 40, Reason.EXACT_AMOUNT
    return (-10, Reason.TOO_LITTLE) if money.amount < awaited.amount else (-10, Reason.TOO_MUCH)


def _by_name(
    money: Incoming, awaited: Awaited, payers: Collection[int]
) -> tuple[int, Reason | None]:
    if awaited.member_pk in payers:
        return 50, Reason.KNOWN_PAYER
    best = max((names.likeness(money.name, one) for one in awaited.names), default=0)
    if best == names.SAME:
        return 50, Reason.SAME_NAME
    if best >= LIKE_NAME:
        return 35, Reason.LIKE_NAME
    if names.likeness(money.name, awaited.said) >= LIKE_NAME:
        return 35, Reason.SAID_NAME
    return (-20, Reason.OTHER_NAME) if best < OTHER_NAME else (0, None)


def _by_date(money: Incoming, awaited: Awaited) -> tuple[int, Reason | None]:
    if money.on < awaited.since - EARLY:
        return -50, Reason.EARLIER
    return (-20, Reason.LATER) if money.on > awaited.since + LATE else (0, None)


def _with_certainty(likely: Sequence[Candidate]) -> list[Candidate]:
    """Mark the first one as sure if nothing speaks against it and no other is as likely."""
    if not likely:
        return []
    best, *others = likely
    rivals = [one for one in others if one.score == best.score]
    if rivals:
        tied = [best, *rivals]
        return [
            *(Candidate(one.awaited, one.score, (*one.reasons, Reason.AMBIGUOUS)) for one in tied),
            *others[len(rivals) :],
        ]
    is_sure = _is_sure(best, others)
    return [Candidate(best.awaited, best.score, best.reasons, is_sure), *others]


def _is_sure(best: Candidate, others: Sequence[Candidate]) -> bool:
    reasons = set(best.reasons)
    if Reason.SAME_NAME in reasons and any(map(_has_such_a_name, others)):
        return False
    if Reason.EXACT_AMOUNT not in reasons or reasons & {Reason.EARLIER, Reason.OTHER_REFERENCE}:
        return False
    proof = {Reason.REFERENCE, Reason.KNOWN_PAYER, Reason.SAME_NAME}
    return best.score >= SURE and bool(reasons & proof)


def _has_such_a_name(one: Candidate) -> bool:
    """Whether a payment of this amount could be the payer's, too: members write their own names."""
    alike = {Reason.LIKE_NAME, Reason.SAID_NAME, Reason.SAME_NAME, Reason.KNOWN_PAYER}
    return Reason.EXACT_AMOUNT in one.reasons and not alike.isdisjoint(one.reasons)
