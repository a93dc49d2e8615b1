"""Why a refund is possible, refused, or reviewed: the policy's grounds and their sentences (pure).

Code decides by grounds. Sentences are only shown, and stored with the request as they were shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

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


SENTENCES: dict[Ground, str | Promise] = {
    Ground.PAID_DIRECTLY: _(
        "You paid this directly to us, so it can’t be refunded online. Please contact us."
    ),
    Ground.DISPUTED: _(
        "You asked your bank to return this payment. Until it decides, we can’t refund it."
    ),
    Ground.CHARGED_BACK: _("Your bank already returned this payment to you."),
    Ground.NOTHING_LEFT: _("All of this payment has been refunded or requested already."),
    Ground.BECAME_CREDIT: _("The unused part became credit when you switched."),
    Ground.REST_BECAME_CREDIT: _(
        "Part of it was refunded or is on its way. The unused rest became credit when you switched."
    ),
    Ground.NEVER_REFUNDABLE: _("Payments of this kind aren’t refundable."),
    Ground.SHARE_REFUNDED: _(
        "%(percent)s%% of a payment this old is refundable, and that much was refunded already."
    ),
    Ground.SHARE_BECAME_CREDIT: _(
        "The unused part became credit when you switched. What you’d used isn’t refundable anymore."
    ),
    Ground.SHARE_REFUNDED_OR_CREDIT: _(
        "Part of it was refunded or is on its way. The unused rest became credit when you "
        "switched. What you’d used isn’t refundable anymore."
    ),
    Ground.TOO_MUCH: _("Up to %(money)s of this payment can be refunded."),
    Ground.AUTOMATIC: _("Up to %(money)s of a payment is approved automatically."),
    Ground.ALWAYS_REVIEWED: _("Someone on our team will review this."),
    Ground.OTHER_CURRENCY: _(
        "Someone on our team will review this because it was paid in another currency."
    ),
    Ground.ONE_AUTOMATIC_USED: _(
        "You’ve had your one automatic refund this year. Someone on our team will review this one."
    ),
    Ground.AUTOMATIC_USED: _(
        "You’ve had your %(times)s automatic refunds this year. Someone on our team will review "
        "this one."
    ),
    Ground.MORE_THAN_AUTOMATIC: _("Only up to %(money)s is approved automatically."),
    Ground.TWO_PEOPLE: _("An amount this large needs approval from two people."),
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
        words = SENTENCES.get(self.ground) or self._within()
        return str(words) % {
            "days": self.days,
            "percent": self.percent,
            "times": self.times,
            "money": self.money,
        }

    def _within(self) -> str:
        """Return a sentence about days after the payment."""
        if self.ground == Ground.TOO_LATE:
            return ngettext(
                "Payments of this kind are refundable for a day.",
                "Payments of this kind are refundable for %(days)s days.",
                self.days,
            )
        if self.ground == Ground.PART_OF_IT:
            return ngettext(
                "%(percent)s%% is refundable within a day of the payment.",
                "%(percent)s%% is refundable within %(days)s days of the payment.",
                self.days,
            )
        return ngettext(
            "All of it is refundable within a day of the payment.",
            "All of it is refundable within %(days)s days of the payment.",
            self.days,
        )


def sentences(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return reasons in words."""
    return tuple(str(one) for one in reasons)
