"""What a policy would have decided on the past year's requests, next to the current one.

Each request is judged as of its own day: its payment's age then, what was refunded or promised by
then, and how often this policy would have approved automatically in the year before. What the
policy refused at the time left no request, so a generous draft may bring more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from billing.core.statuses import REFUND_VOID, PaymentStatus, RefundOrigin
from billing.models import Refund, RefundEntry
from billing.refunds import policy as refund_policy
from billing.refunds import terms
from billing.refunds.policy import Facts, Outcome, Policy, Verdict
from billing.refunds.reasons import Reason
from common.money import Money


class PolicyResult(StrEnum):
    """What the policy alone does with a request."""

    AUTOMATIC = "automatic"
    ONE = "one"
    TWO = "two"
    REFUSED = "refused"


@dataclass(frozen=True)
class Asked:
    """A request as it was when made. `amount` is the requested amount, in minor units."""

    refund: Refund
    at: datetime
    amount: int
    facts: Facts

    @property
    def money(self) -> Money:
        """The requested amount."""
        return Money(self.amount, self.facts.currency)


@dataclass(frozen=True)
class Past:
    """A year's requests, oldest first, and the automatic approvals of the year before.

    Approvals are times by user key.
    """

    requests: Sequence[Asked]
    approvals: Mapping[int, Sequence[datetime]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A request that the two policies judge differently."""

    asked: Asked
    before: PolicyResult
    after: PolicyResult
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Tally:
    """How many requests have a result by each policy, and for how much (an amount a currency)."""

    result: PolicyResult
    before: int
    after: int
    money_before: list[Money]
    money_after: list[Money]

    @property
    def more(self) -> list[Money]:
        """How much more the draft gives, per currency that differs; negative is less."""
        sums: dict[str, int] = defaultdict(int)
        for money in self.money_after:
            sums[money.currency] += money.amount
        for money in self.money_before:
            sums[money.currency] -= money.amount
        return [Money(amount, currency) for currency, amount in sums.items() if amount]


@dataclass(frozen=True)
class Backtest:
    """The whole answer."""

    count: int
    tallies: list[Tally]
    changes: list[Change]


def compare(past: Past, in_force: Policy, draft: Policy) -> Backtest:
    """Replay the year with both policies."""
    before, after = replay(past, in_force), replay(past, draft)
    pairs = list(zip(past.requests, before, after, strict=True))
    return Backtest(
        count=len(pairs),
        tallies=[
            Tally(
                result,
                sum(fate_of(old) == result for _, old, _ in pairs),
                sum(fate_of(new) == result for _, _, new in pairs),
                _sums(asked for asked, old, _ in pairs if fate_of(old) == result),
                _sums(asked for asked, _, new in pairs if fate_of(new) == result),
            )
            for result in PolicyResult
        ],
        changes=[
            Change(asked, fate_of(old), fate_of(new), new.reasons)
            for asked, old, new in pairs
            if fate_of(old) != fate_of(new)
        ],
    )


def replay(past: Past, policy: Policy) -> list[Verdict]:
    """Judge the requests in order, with the approvals that this policy would have given."""
    approved: dict[int, list[datetime]] = defaultdict(list)
    for user, moments in past.approvals.items():
        approved[user] = list(moments)
    verdicts = []
    for asked in past.requests:
        mine = approved[asked.refund.customer.user_id]
        count = sum(at > asked.at - terms.YEAR for at in mine)
        verdict = refund_policy.judge(
            policy, replace(asked.facts, automatic_before=count), asked.amount
        )
        if verdict.outcome == Outcome.AUTOMATIC:
            mine.append(asked.at)
        verdicts.append(verdict)
    return verdicts


def fate_of(verdict: Verdict) -> PolicyResult:
    """Return what happens to a request."""
    if verdict.outcome == Outcome.NEEDS_APPROVAL:
        return PolicyResult.TWO if verdict.approvals > 1 else PolicyResult.ONE
    return PolicyResult.AUTOMATIC if verdict.outcome == Outcome.AUTOMATIC else PolicyResult.REFUSED


def past_year() -> Past:
    """Read members' requests of the last 365 days: three queries."""
    since = timezone.now() - terms.YEAR
    mine = Refund.objects.filter(origin=RefundOrigin.MEMBER)
    rows = list(
        mine.filter(created_at__gt=since)
        .select_related("payment__invoice__subscription", "customer__user")
        .order_by("created_at", "pk")
    )
    steps = _steps(rows)
    approvals: dict[int, list[datetime]] = defaultdict(list)
    earlier = mine.filter(
        created_at__lte=since,
        created_at__gt=since - terms.YEAR,
        verdict__outcome=Outcome.AUTOMATIC,
    ).exclude(state__in=sorted(REFUND_VOID))
    for user, at in earlier.values_list("customer__user", "created_at"):
        approvals[user].append(at)
    return Past([_asked(row, steps[row.payment_id]) for row in rows], approvals)


@dataclass(frozen=True)
class _Step:
    """A ledger entry: the refund, and the state and amount it was left with."""

    number: int
    refund: int
    state: str
    amount: int


def _steps(rows: Iterable[Refund]) -> Mapping[int, list[_Step]]:
    """Return the ledger's entries for each payment's refunds, oldest first."""
    entries = RefundEntry.objects.filter(refund__payment__in={row.payment_id for row in rows})
    columns = ("refund__payment_id", "number", "refund_id", "to_state", "amount")
    steps: dict[int, list[_Step]] = defaultdict(list)
    for payment, *step in entries.order_by("number").values_list(*columns):
        steps[payment].append(_Step(*step))
    return steps


def _asked(row: Refund, steps: Sequence[_Step]) -> Asked:
    """Return a request as it was; the ledger knows what other refunds held then.

    Every policy refuses requests for disputed payments, so none of these was disputed.
    """
    payment = row.payment
    facts = Facts(
        kind=terms.kind_of(payment),
        currency=payment.currency,
        paid=payment.amount_received if payment.status == PaymentStatus.SUCCEEDED else 0,
        committed=_committed_before(row, steps),
        age_days=max(0, (row.created_at - (payment.paid_at or payment.created_at)).days),
    )
    return Asked(row, row.created_at, row.amount_asked, facts)


def _committed_before(row: Refund, steps: Sequence[_Step]) -> int:
    held: dict[int, int] = {}
    for step in steps:
        if step.refund == row.pk:
            break
        held[step.refund] = 0 if step.state in REFUND_VOID else step.amount
    return sum(held.values())


def _sums(requests: Iterable[Asked]) -> list[Money]:
    """Return what was asked for together, an amount a currency."""
    sums: dict[str, int] = defaultdict(int)
    for asked in requests:
        sums[asked.facts.currency] += asked.amount
    return [Money(amount, currency) for currency, amount in sums.items()]
