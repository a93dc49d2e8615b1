"""What can be refunded of a payment, in the member's words. Pure: facts come from `terms`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core.dates import long_date, short_date
from billing.core.statuses import PaymentStatus, RefundOrigin
from billing.models import Payment, Refund
from billing.refunds import policy as refund_policy
from billing.refunds.policy import Facts, Policy, Terms
from billing.refunds.reasons import Ground, sentences
from common.money import Money
from common.paths import numbered

# Successful payments by primary key, with what's known about them and the policy's terms.
Judged: TypeAlias = dict[int, tuple[Payment, Facts, Terms]]


@dataclass(frozen=True)
class Offer:
    """What can be refunded: "Instant refund of up to $29.00 until Friday, December 4".

    `url` is the form's; empty if nothing can be requested now.
    """

    title: str
    notes: tuple[str, ...] = ()
    url: str = ""

    @property
    def is_worth_saying(self) -> bool:
        """Whether it says more than the refunds shown next to it."""
        return bool(self.url or self.notes)


def judged(policy: Policy, facts: Mapping[int, Facts], payments: Collection[Payment]) -> Judged:
    """Return the policy's terms for successful payments, by primary key."""
    made = [row for row in payments if row.status == PaymentStatus.SUCCEEDED]
    return {
        row.pk: (row, facts[row.pk], refund_policy.terms(policy, facts[row.pk])) for row in made
    }


def briefs(judgments: Judged, refunds: Collection[Refund]) -> dict[int, str]:
    """Return "Refundable until Dec 4" for a list of payments, given the refunds under way."""
    waiting = {row.payment_id for row in refunds if row.is_undecided}
    return {
        pk: _("Refundable until %(day)s") % {"day": short_date(_until(row, known, terms))}
        for pk, (row, known, terms) in judgments.items()
        if terms.is_refundable and pk not in waiting
    }


def offers_beside(
    policy: Policy, judgments: Judged, refunds: Collection[Refund]
) -> dict[int, Offer]:
    """Return payments' offers, given these refunds: only one request can wait at a time."""
    offers = {pk: offer(row, policy, facts) for pk, (row, facts, _) in judgments.items()}
    asked = (row for row in refunds if row.origin == RefundOrigin.MEMBER and row.is_undecided)
    waiting = Offer(_("We’re reviewing your refund request."))
    return offers | {row.payment_id: waiting for row in asked}


def offer(payment: Payment, policy: Policy, facts: Facts) -> Offer:
    """Return what can be refunded of a payment now, or why nothing can."""
    terms = refund_policy.terms(policy, facts)
    if not terms.is_refundable:
        gone = facts.paid and not facts.left
        if gone and not facts.is_charged_back and not facts.credited:
            return Offer(_("All of it was refunded or is on its way"))
        return Offer(_("Not refundable"), sentences(terms.reasons))
    return Offer(
        title=_title(payment, facts, terms),
        notes=_notes(payment, policy, facts, terms),
        url=numbered("billing:request-refund", payment.pk),
    )


def _title(payment: Payment, facts: Facts, terms: Terms) -> str:
    if terms.automatic_up_to >= terms.most:
        title = _("Instant refund of up to %(most)s until %(day)s")
    elif terms.automatic_up_to:
        title = _(
            "Up to %(most)s until %(day)s. Up to %(instant)s is instant; more needs our approval."
        )
    else:
        title = _("Refund of up to %(most)s until %(day)s, with our approval")
    return title % {
        "most": Money(terms.most, payment.currency),
        "instant": Money(terms.automatic_up_to, payment.currency),
        "day": long_date(_until(payment, facts, terms)),
    }


def _notes(payment: Payment, policy: Policy, facts: Facts, terms: Terms) -> tuple[str, ...]:
    """Return what the title doesn't say: a share that's less than all, now or later."""
    notes = []
    if terms.share and terms.share.ground == Ground.PART_OF_IT:
        notes.append(str(terms.share))
    if terms.review and terms.review.ground != Ground.ALWAYS_REVIEWED:
        notes.append(str(terms.review))
    for later in policy.rule(facts.kind).shares:
        if later.percent < terms.percent:
            since = payment.paid_at or payment.created_at
            end = long_date(since + timedelta(days=later.days))
            notes.append(_later(later.percent, facts, end))
            break
    return tuple(notes)


def _later(percent: int, facts: Facts, end: str) -> str:
    """Return what's refundable of a payment once its share has become smaller."""
    if not facts.committed:
        return _("After that, you can get %(percent)s%% back until %(day)s.") % {
            "percent": percent,
            "day": end,
        }
    left = facts.paid * percent // refund_policy.WHOLE - facts.committed
    if left <= 0:
        return _("After that, no more can be refunded.")
    return _("After that, you can get up to %(amount)s back until %(day)s.") % {
        "amount": Money(left, facts.currency),
        "day": end,
    }


def _until(payment: Payment, facts: Facts, terms: Terms) -> datetime:
    """Return the last full day on which the same share applies, or today if it has begun."""
    since = payment.paid_at or payment.created_at
    return max(since + timedelta(days=facts.age_days + terms.days_left), timezone.now())
