"""What may be refunded, and whether a person must decide (pure).

A policy has a rule for each kind of payment. Staff edit it; each change is a new version, and a
request keeps the version that judged it. Amounts are in minor units of the policy's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from billing.refunds.reasons import Ground, Reason, sentences
from common.money import Money

WHOLE = 100
LONGEST_DAYS = 3650


class PolicyError(ValueError):
    """The rules contradict each other; the sentence is for their editor."""


class PaymentKind(StrEnum):
    """The kinds of payments with their own rule."""

    MEMBERSHIP = "membership"
    SINGLE = "single"
    OFFLINE = "offline"  # a bank transfer


class Outcome(StrEnum):
    """What happens to a request."""

    AUTOMATIC = "automatic"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


@dataclass(frozen=True, order=True)
class Share:
    """The percentage that can be refunded until a number of days after the payment."""

    days: int
    percent: int


@dataclass(frozen=True)
class Rule:
    """What is allowed for one kind of payment. No shares: never refundable.

    Up to `automatic_up_to` (minor units), a request is approved automatically, `automatic_per_year`
    times per member in 365 days. From `two_people_from` on, two different people must approve;
    None: never. Both count all refunds of a payment together, so splitting doesn't help.
    """

    shares: tuple[Share, ...] = ()
    automatic_up_to: int = 0
    automatic_per_year: int = 0
    two_people_from: int | None = None

    def __post_init__(self) -> None:
        if any(not 0 < share.days <= LONGEST_DAYS for share in self.shares):
            raise PolicyError(f"Days are between 1 and {LONGEST_DAYS}.")
        if any(not 0 < share.percent <= WHOLE for share in self.shares):
            raise PolicyError("Percentages are between 1 and 100.")
        for early, late in pairwise(self.shares):
            if late.days <= early.days or late.percent >= early.percent:
                raise PolicyError("Each later step has more days and a smaller percentage.")
        amounts = (self.automatic_up_to, self.automatic_per_year, self.two_people_from or 0)
        if min(amounts) < 0 or self.two_people_from == 0:
            raise PolicyError("Limits are no negative amounts, and two people start above nothing.")

    @property
    def window_days(self) -> int:
        """The number of days in which anything can be refunded."""
        return self.shares[-1].days if self.shares else 0

    def percent_at(self, age_days: int) -> int:
        """Return the refundable share of a payment of this age; 0 after the window."""
        return next((share.percent for share in self.shares if age_days <= share.days), 0)


@dataclass(frozen=True)
class Policy:
    """The rules for all kinds, with their currency (ISO 4217, lower case) and version."""

    version: int
    currency: str
    rules: Mapping[PaymentKind, Rule]

    def rule(self, kind: PaymentKind) -> Rule:
        """Return a kind's rule; without one, nothing is refundable."""
        return self.rules.get(kind, Rule())

    def as_json(self) -> dict[str, Any]:
        """Return the rules in stored form."""
        return {kind.value: asdict(rule) for kind, rule in self.rules.items()}


@dataclass(frozen=True)
class Facts:
    """What's known about a payment at the time of a request. Amounts are in minor units.

    `committed` is what its refunds hold, done or promised, including the `credited` part that a
    switch turned into credit. `lost` is what the bank took back for good. `automatic_before` counts
    the member's automatic approvals in 365 days. A payment that `is_outside` of Stripe can't be
    refunded through it: nothing of it counts as paid. If it `is_by_hand`, people send refunds of it
    themselves, so they also decide.
    """

    kind: PaymentKind
    currency: str
    paid: int
    committed: int
    age_days: int
    is_disputed: bool = False
    lost: int = 0
    automatic_before: int = 0
    credited: int = 0
    is_outside: bool = False
    is_by_hand: bool = False

    @property
    def left(self) -> int:
        """What was paid and not refunded, promised, or lost."""
        return max(0, self.paid - self.committed - self.lost)

    @property
    def is_charged_back(self) -> bool:
        """Whether the bank took some of it back for good."""
        return self.lost > 0

    def without(self, amount: int) -> Facts:
        """Return them as if a refund of this amount didn't exist."""
        return replace(self, committed=self.committed - amount)


@dataclass(frozen=True)
class Terms:
    """What a member can request now. If `most` is 0, nothing: `refusal` says why.

    `automatic_up_to` is the largest amount that's approved automatically, 0 for none. `days_left`
    is the number of days for which the same share still applies. `share` says how much can be
    refunded, and `review` why nothing is automatic although the share would allow it.
    """

    most: int
    automatic_up_to: int
    two_people_from: int | None
    percent: int
    days_left: int
    refusal: Reason | None = None
    share: Reason | None = None
    review: Reason | None = None

    @property
    def is_refundable(self) -> bool:
        """Whether anything can be requested."""
        return self.most > 0

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All reasons that there are."""
        return tuple(one for one in (self.refusal, self.share, self.review) if one)


@dataclass(frozen=True)
class Verdict:
    """The policy's verdict on a request. `approvals` is the number of people needed: 0, 1, or 2."""

    outcome: Outcome
    approvals: int
    reasons: tuple[Reason, ...]
    version: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons in words."""
        return sentences(self.reasons)

    def as_json(self) -> dict[str, Any]:
        """Return it in the form stored with the request, in words that later versions keep."""
        return {
            "outcome": self.outcome.value,
            "approvals": self.approvals,
            "reasons": list(self.sentences),
            "version": self.version,
        }


def policy_from_json(version: int, currency: str, rules: Mapping[str, Any]) -> Policy:
    """Return a policy from its stored form.

    Raises:
        PolicyError: the rules contradict each other.
    """
    return Policy(
        version,
        currency.lower(),
        {PaymentKind(kind): _rule(rule) for kind, rule in rules.items()},
    )


def _rule(written: Mapping[str, Any]) -> Rule:
    shares = tuple(Share(one["days"], one["percent"]) for one in written["shares"])
    return Rule(
        shares,
        written["automatic_up_to"],
        written["automatic_per_year"],
        written["two_people_from"],
    )


def terms(policy: Policy, facts: Facts) -> Terms:
    """Return what can be refunded of a payment now, and how."""
    rule = policy.rule(facts.kind)
    percent = rule.percent_at(facts.age_days)
    obstacle = _obstacle(rule, facts, percent)
    most = 0 if obstacle else min(facts.left, facts.paid * percent // WHOLE - facts.committed)
    if obstacle or most <= 0:
        refusal = obstacle or _share_is_used(facts, percent)
        return Terms(0, 0, None, percent, 0, refusal=refusal)
    review = _review(policy, rule, facts)
    automatic = 0 if review else rule.automatic_up_to
    two_people_from = _two_people_from(policy, rule, facts)
    at_once = min(most, automatic - facts.committed)
    if two_people_from is not None:
        at_once = min(at_once, two_people_from - 1)
    return Terms(
        most,
        max(0, at_once),
        two_people_from,
        percent,
        _days_left(rule, facts.age_days),
        share=_share(rule, facts, percent),
        review=review,
    )


def judge(policy: Policy, facts: Facts, amount: int) -> Verdict:
    """Judge a request for an amount (minor units)."""
    allowed = terms(policy, facts)
    if not 0 < amount <= allowed.most:
        most = Money(allowed.most, facts.currency)
        too_much = (Reason(Ground.TOO_MUCH, money=most),)
        reasons = too_much if allowed.is_refundable else allowed.reasons
        return Verdict(Outcome.REFUSED, 0, reasons, policy.version)
    if amount <= allowed.automatic_up_to:
        limit = Money(policy.rule(facts.kind).automatic_up_to, policy.currency)
        at_once = Reason(Ground.AUTOMATIC, money=limit)
        return Verdict(Outcome.AUTOMATIC, 0, (*allowed.reasons, at_once), policy.version)
    approvals = approvals_for(policy, facts, amount)
    why = [*allowed.reasons]
    if allowed.automatic_up_to and amount > allowed.automatic_up_to:
        limit = Money(allowed.automatic_up_to, facts.currency)
        why.append(Reason(Ground.MORE_THAN_AUTOMATIC, money=limit))
    if approvals > 1:
        why.append(Reason(Ground.TWO_PEOPLE))
    return Verdict(Outcome.NEEDS_APPROVAL, approvals, tuple(why), policy.version)


def approvals_for(policy: Policy, facts: Facts, amount: int) -> int:
    """Return how many people must approve an amount: 1 or 2.

    Other refunds of the payment count too. An amount in a currency other than the policy's can't be
    measured by it, so it takes two people if the rule ever asks for two.
    """
    start = _two_people_from(policy, policy.rule(facts.kind), facts)
    return 2 if start is not None and amount >= start else 1


def _two_people_from(policy: Policy, rule: Rule, facts: Facts) -> int | None:
    """Return the smallest amount that takes two people now, or None."""
    if rule.two_people_from is None:
        return None
    if facts.currency.lower() != policy.currency:
        return 1
    return max(1, rule.two_people_from - facts.committed)


def _review(policy: Policy, rule: Rule, facts: Facts) -> Reason | None:
    """Return why a person must decide, whatever the amount, or None."""
    if facts.is_by_hand or not rule.automatic_up_to or not rule.automatic_per_year:
        return Reason(Ground.ALWAYS_REVIEWED)
    if facts.currency.lower() != policy.currency:
        return Reason(Ground.OTHER_CURRENCY)
    if facts.automatic_before < rule.automatic_per_year:
        return None
    if rule.automatic_per_year == 1:
        return Reason(Ground.ONE_AUTOMATIC_USED)
    return Reason(Ground.AUTOMATIC_USED, times=rule.automatic_per_year)


def _obstacle(rule: Rule, facts: Facts, percent: int) -> Reason | None:
    """Return why nothing can be refunded, or None."""
    if facts.is_outside:
        return Reason(Ground.PAID_DIRECTLY)
    if facts.is_disputed:
        return Reason(Ground.DISPUTED)
    if facts.is_charged_back:
        return Reason(Ground.CHARGED_BACK)
    if facts.left <= 0:
        return Reason(_nothing_left(facts))
    if not rule.shares:
        return Reason(Ground.NEVER_REFUNDABLE)
    return None if percent else Reason(Ground.TOO_LATE, days=rule.window_days)


def _nothing_left(facts: Facts) -> Ground:
    """Return where the money went: some of it may have become credit when its member switched."""
    if not facts.credited:
        return Ground.NOTHING_LEFT
    is_all = facts.committed <= facts.credited
    return Ground.BECAME_CREDIT if is_all else Ground.REST_BECAME_CREDIT


def _share_is_used(facts: Facts, percent: int) -> Reason:
    if not facts.credited:
        return Reason(Ground.SHARE_REFUNDED, percent=percent)
    is_all = facts.committed <= facts.credited
    return Reason(Ground.SHARE_BECAME_CREDIT if is_all else Ground.SHARE_REFUNDED_OR_CREDIT)


def _share(rule: Rule, facts: Facts, percent: int) -> Reason:
    until = next(share.days for share in rule.shares if facts.age_days <= share.days)
    ground = Ground.ALL_OF_IT if percent == WHOLE else Ground.PART_OF_IT
    return Reason(ground, days=until, percent=percent)


def _days_left(rule: Rule, age_days: int) -> int:
    return next(share.days for share in rule.shares if age_days <= share.days) - age_days
