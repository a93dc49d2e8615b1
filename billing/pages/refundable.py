"""What a member could still get back, payment by payment: for pages that mention it in passing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from billing.core.statuses import PaymentStatus
from billing.facts import descriptions
from billing.facts.descriptions import ProductNames
from billing.models import Payment, Refund
from billing.pages.payment_facts import JUDGED_BY, ME, Judging, judging_of
from billing.pages.payment_lines import payment_url
from billing.refunds import offers, terms
from common.money import Money
from common.reads import Part, Results

# Whoever has more that's refundable finds the rest on the page of payments.
MOST = 12

PAID = Part(
    lambda: (
        Payment.objects.for_user(ME)
        .filter(status=PaymentStatus.SUCCEEDED)
        .select_related("invoice__subscription")[:MOST]
    )
)
UNDECIDED = Part(lambda: Refund.objects.for_user(ME).undecided())
PARTS = (PAID, UNDECIDED, *JUDGED_BY)


@dataclass(frozen=True)
class RefundableFacts:
    """A member's newest payments that arrived, and what they're judged by."""

    payments: Sequence[Payment]
    undecided: Collection[Refund]
    judging: Judging
    names: ProductNames


@dataclass(frozen=True)
class PaymentOffer:
    """What's refundable of a payment, in the refund form's own words. `url` leads to that form.

    Without a `url`, nothing can be asked for now, and `title` and `notes` say why.
    """

    description: str
    amount: Money
    paid_at: datetime
    title: str
    notes: tuple[str, ...]
    url: str
    payment_url: str


def values() -> dict[str, Any]:
    """Return what a reading with these `PARTS` takes, besides the user."""
    return {"year_ago": timezone.now() - terms.YEAR}


def facts_from(results: Results, user: User) -> RefundableFacts:
    """Return the facts from a reading with these `PARTS`; one statement for names."""
    rows = results[PAID]
    return RefundableFacts(
        payments=rows,
        undecided=results[UNDECIDED],
        judging=judging_of(results, rows, user),
        names=descriptions.product_names([row.invoice for row in rows if row.invoice]),
    )


def in_words(facts: RefundableFacts) -> list[PaymentOffer]:
    """Return each payment's offer, newest first."""
    judging = facts.judging
    judged = offers.judged(judging.policy, judging.facts, facts.payments)
    beside = offers.offers_beside(judging.policy, judged, facts.undecided)
    return [
        PaymentOffer(
            description=descriptions.of_payment(row, facts.names),
            amount=Money(row.amount_received, row.currency),
            paid_at=row.paid_at or row.created_at,
            title=beside[row.pk].title,
            notes=beside[row.pk].notes,
            url=beside[row.pk].url,
            payment_url=payment_url(row),
        )
        for row in facts.payments
    ]
