"""Why a refund is possible, refused, or reviewed: the policy's grounds and their sentences (pure).

Code decides by grounds. Sentences are only shown, and stored with the request as they were shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from common.money import Money


class Ground(StrEnum):
    """What the policy's verdict is based on."""

    # What can be refunded of it.
    ALL_OF_IT = "all_of_it"
    PART_OF_IT = "part_of_it"
    # Nothing can.
    PAID_DIRECTLY = "paid_directly"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    NOTHING_LEFT = "nothing_left"
    BECAME_CREDIT = "became_credit"
    REST_BECAME_CREDIT = "rest_became_credit"
    NEVER_REFUNDABLE = "never_refundable"
    TOO_LATE = "too_late"
    SHARE_REFUNDED = "share_refunded"
    SHARE_BECAME_CREDIT = "share_became_credit"
    SHARE_REFUNDED_OR_CREDIT = "share_refunded_or_credit"
    # Not that much.
    TOO_MUCH = "too_much"
    # Nobody has to decide.
    AUTOMATIC = "automatic"
    # Somebody has to.
    ALWAYS_REVIEWED = "always_reviewed"
    OTHER_CURRENCY = "other_currency"
    ONE_AUTOMATIC_USED = "one_automatic_used"
    AUTOMATIC_USED = "automatic_used"
    MORE_THAN_AUTOMATIC = "more_than_automatic"
    TWO_PEOPLE = "two_people"


_CREDIT = "What you had not used of it became credit when you switched."
_PART_AND_CREDIT = (
    "A part of it is refunded, or on its way. "
    "What you had not used of the rest became credit when you switched."
)
_USED = "What you had used is not refundable any more."
SENTENCES: dict[Ground, str] = {
    Ground.ALL_OF_IT: "Within {days} of the payment all of it is refundable.",
    Ground.PART_OF_IT: "Within {days} of the payment {percent}% of it is refundable.",
    Ground.PAID_DIRECTLY: (
        "You paid this directly to us, so it can't be refunded online. Please contact us."
    ),
    Ground.DISPUTED: (
        "You asked your bank to return this payment. Until it decides, we can't refund it."
    ),
    Ground.CHARGED_BACK: "Your bank has returned this payment to you already.",
    Ground.NOTHING_LEFT: "All of this payment is refunded, or asked for, already.",
    Ground.BECAME_CREDIT: _CREDIT,
    Ground.REST_BECAME_CREDIT: _PART_AND_CREDIT,
    Ground.NEVER_REFUNDABLE: "Payments of this kind are not refundable.",
    Ground.TOO_LATE: "Payments of this kind are refundable for {days}.",
    Ground.SHARE_REFUNDED: (
        "Of a payment of this age {percent}% is refundable, and that much is refunded already."
    ),
    Ground.SHARE_BECAME_CREDIT: f"{_CREDIT} {_USED}",
    Ground.SHARE_REFUNDED_OR_CREDIT: f"{_PART_AND_CREDIT} {_USED}",
    Ground.TOO_MUCH: "Up to {money} of this payment can be refunded.",
    Ground.AUTOMATIC: "Up to {money} of a payment is approved automatically.",
    Ground.ALWAYS_REVIEWED: "Someone on our team will review this.",
    Ground.OTHER_CURRENCY: (
        "Someone on our team will review this because it was paid in another currency."
    ),
    Ground.ONE_AUTOMATIC_USED: (
        "You’ve had your one automatic refund this year: someone on our team will review this one."
    ),
    Ground.AUTOMATIC_USED: (
        "You’ve had your {times} automatic refunds this year: "
        "someone on our team will review this one."
    ),
    Ground.MORE_THAN_AUTOMATIC: "Only up to {money} is approved automatically.",
    Ground.TWO_PEOPLE: "For this amount two people must agree.",
}


@dataclass(frozen=True)
class Reason:
    """A ground with the numbers that its sentence names."""

    ground: Ground
    days: int = 0
    percent: int = 0
    times: int = 0
    money: Money | None = None

    def __str__(self) -> str:
        days = "a day" if self.days == 1 else f"{self.days} days"
        return SENTENCES[self.ground].format(
            days=days, percent=self.percent, times=self.times, money=self.money
        )


def sentences(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return reasons in words."""
    return tuple(str(one) for one in reasons)
