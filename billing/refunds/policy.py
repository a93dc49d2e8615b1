"""What may be refunded, and whether a person must decide (pure).

A policy has a rule for each kind of payment. Staff edit it; each change is a new version, and a
request keeps the version that judged it. Amounts are in minor units of the policy's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

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

    `left` is what was paid and not refunded, promised, or lost; `committed` is what its other
    refunds hold, including the `credited` part that a switch turned into credit; `automatic_before`
    counts the member's automatic approvals in 365 days. A payment that `is_outside` of Stripe can't
    be refunded through it: nothing of it counts as paid or left.
    """

    kind: PaymentKind
    currency: str
    paid: int
    left: int
    committed: int
    age_days: int
    is_disputed: bool = False
    is_charged_back: bool = False
    automatic_before: int = 0
    credited: int = 0
    is_outside: bool = False


@dataclass(frozen=True)
class Terms:
    """What a member can request now. If `most` is 0, nothing; `reasons` say why.

    `automatic_up_to` is the largest amount that's approved automatically, 0 for none. `days_left`
    is the number of days for which the same share still applies.
    """

    most: int
    automatic_up_to: int
    two_people_from: int | None
    percent: int
    days_left: int
    reasons: tuple[str, ...]

    @property
    def is_refundable(self) -> bool:
        """Whether anything can be requested."""
        return self.most > 0


@dataclass(frozen=True)
class Verdict:
    """The policy's verdict on a request. `approvals` is the number of people needed: 0, 1, or 2."""

    outcome: Outcome
    approvals: int
    reasons: tuple[str, ...]
    version: int

    def as_json(self) -> dict[str, Any]:
        """Return it in the form stored with the request."""
        return {
            "outcome": self.outcome.value,
            "approvals": self.approvals,
            "reasons": list(self.reasons),
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
        {PaymentKind(kind): _rule(found) for kind, found in rules.items()},
    )


def _rule(found: Mapping[str, Any]) -> Rule:
    shares = tuple(Share(one["days"], one["percent"]) for one in found["shares"])
    return Rule(
        shares, found["automatic_up_to"], found["automatic_per_year"], found["two_people_from"]
    )


def terms(policy: Policy, facts: Facts) -> Terms:
    """Return what can be refunded of a payment now, and how."""
    rule = policy.rule(facts.kind)
    percent = rule.percent_at(facts.age_days)
    obstacle = _obstacle(rule, facts, percent)
    most = 0 if obstacle else min(facts.left, facts.paid * percent // WHOLE - facts.committed)
    if obstacle or most <= 0:
        why = obstacle or _share_is_used(facts, percent)
        return Terms(0, 0, None, percent, 0, (why,))
    automatic, why_not = _automatic(policy, rule, facts)
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
        (_window_sentence(rule, facts, percent), *why_not),
    )


def judge(policy: Policy, facts: Facts, amount: int) -> Verdict:
    """Judge a request for an amount (minor units)."""
    found = terms(policy, facts)
    if not 0 < amount <= found.most:
        reasons = found.reasons if not found.is_refundable else (_too_much(found, facts),)
        return Verdict(Outcome.REFUSED, 0, reasons, policy.version)
    if amount <= found.automatic_up_to:
        limit = Money(policy.rule(facts.kind).automatic_up_to, policy.currency)
        at_once = f"Up to {limit} of a payment is approved automatically."
        return Verdict(Outcome.AUTOMATIC, 0, (found.reasons[0], at_once), policy.version)
    approvals = approvals_for(policy, facts, amount)
    why = [*found.reasons]
    if found.automatic_up_to and amount > found.automatic_up_to:
        why.append(
            f"Only up to {Money(found.automatic_up_to, facts.currency)} is approved automatically."
        )
    if approvals > 1:
        why.append("For this amount two people must agree.")
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


def _automatic(policy: Policy, rule: Rule, facts: Facts) -> tuple[int, tuple[str, ...]]:
    """Return the amount up to which no person is needed, and why one is."""
    if not rule.automatic_up_to or not rule.automatic_per_year:
        return 0, ("Someone on our team will review this.",)
    if facts.currency.lower() != policy.currency:
        why = "Someone on our team will review this because it was paid in another currency."
        return 0, (why,)
    if facts.automatic_before >= rule.automatic_per_year:
        return 0, (_used_up(rule.automatic_per_year),)
    return rule.automatic_up_to, ()


def _used_up(per_year: int) -> str:
    """Return why a person decides although such refunds are usually automatic."""
    if per_year == 1:
        return (
            "You’ve had your one automatic refund this year: "
            "someone on our team will review this one."
        )
    return (
        f"You’ve had your {per_year} automatic refunds this year: "
        "someone on our team will review this one."
    )


def _obstacle(rule: Rule, facts: Facts, percent: int) -> str:
    """Return why nothing can be refunded, or an empty text."""
    if facts.is_outside:
        return "You paid this directly to us, so it can't be refunded online. Please contact us."
    if facts.is_disputed:
        return "You asked your bank to return this payment. Until it decides, we can't refund it."
    if facts.is_charged_back:
        return "Your bank has returned this payment to you already."
    if facts.left <= 0:
        return _nothing_left(facts)
    return _against_the_rule(rule, percent)


def _against_the_rule(rule: Rule, percent: int) -> str:
    if not rule.shares:
        return "Payments of this kind are not refundable."
    if not percent:
        return f"Payments of this kind are refundable for {_days(rule.window_days)}."
    return ""


def _nothing_left(facts: Facts) -> str:
    if facts.credited:
        return _became_credit(facts)
    return "All of this payment is refunded, or asked for, already."


def _became_credit(facts: Facts) -> str:
    """Return what happened to money that became credit when its member switched."""
    if facts.committed > facts.credited:
        return (
            "A part of it is refunded, or on its way. "
            "What you had not used of the rest became credit when you switched."
        )
    return "What you had not used of it became credit when you switched."


def _share_is_used(facts: Facts, percent: int) -> str:
    if facts.credited:
        return f"{_became_credit(facts)} What you had used is not refundable any more."
    return f"Of a payment of this age {percent}% is refundable, and that much is refunded already."


def _too_much(found: Terms, facts: Facts) -> str:
    return f"Up to {Money(found.most, facts.currency)} of this payment can be refunded."


def _window_sentence(rule: Rule, facts: Facts, percent: int) -> str:
    part = "all of it" if percent == WHOLE else f"{percent}% of it"
    until = next(share.days for share in rule.shares if facts.age_days <= share.days)
    return f"Within {_days(until)} of the payment {part} is refundable."


def _days_left(rule: Rule, age_days: int) -> int:
    return next(share.days for share in rule.shares if age_days <= share.days) - age_days


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
