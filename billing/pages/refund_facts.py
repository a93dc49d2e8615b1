"""What the refund pages must know. `refund_tracker` and `refund_preview` say it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from billing.core.statuses import RefundOrigin, RefundState
from billing.facts import descriptions, plans
from billing.facts.descriptions import ProductNames
from billing.models import Payment, Plan, Refund, RefundEntry
from billing.pages.payment_facts import (
    DISPUTES,
    HELD,
    JUDGED_BY,
    PAYMENT,
    SWITCHES,
    Judging,
    judging_of,
)
from billing.refunds import membership_end, queries, terms
from billing.refunds.membership_end import Ending, PaidPeriod
from billing.refunds.policy import Facts
from billing.refunds.terms import Around
from common.reads import Param, Part, Reading, Results, attach

ME, KEY = Param("user", "bigint"), Param("key", "bigint")
CAME_TO_NOTHING = (RefundState.DENIED, RefundState.WITHDRAWN)


def _asked_of() -> QuerySet[Payment]:
    return Payment.objects.for_user(ME).filter(pk=KEY)


def _refunded() -> QuerySet[Payment]:
    return Payment.objects.for_user(ME).filter(refunds=KEY)


def _planned_for(payment: QuerySet[Payment]) -> QuerySet[Plan]:
    """Return the price that's planned for the membership that a payment was for."""
    planned = payment.values("invoice__subscription__planned_price_id")
    return Plan.objects.filter(stripe_id__in=planned)


# The form.
OWN = Part(lambda: queries.visible_to(ME).filter(payment=KEY, origin=RefundOrigin.MEMBER))
TOGETHER = Part(lambda: membership_end.paid_together(_asked_of()))
LATER = Part(lambda: membership_end.later_invoices(_asked_of()).values_list("pk", flat=True)[:1])
PLANNED = Part(lambda: _planned_for(_asked_of()))
ONE_REQUEST = Reading(PAYMENT, OWN, TOGETHER, LATER, PLANNED, *JUDGED_BY)

# The tracker.
REFUND = Part(
    lambda: queries.visible_to(ME).filter(pk=KEY).select_related("payment__invoice__subscription")
)
HISTORY = Part(lambda: RefundEntry.objects.filter(refund=KEY).values_list("action", "at"))
WITH_IT = Part(lambda: membership_end.paid_together(_refunded()))
AFTER_IT = Part(lambda: membership_end.later_invoices(_refunded()).values_list("pk", flat=True)[:1])
ONE_REFUND = Reading(REFUND, HISTORY, WITH_IT, AFTER_IT, DISPUTES, HELD, SWITCHES)


@dataclass(frozen=True)
class RequestFacts:
    """A payment, what the policy says about it, and its member's own refunds of it, newest first.

    `period`: what decides how the membership ends with a refund. `planned`: the price that begins
    next for it, in words, or "".
    """

    payment: Payment
    own: Sequence[Refund]
    judging: Judging
    period: PaidPeriod
    names: ProductNames
    planned: str = ""

    @property
    def of_payment(self) -> Facts:
        """What the policy must know about the payment."""
        return self.judging.facts[self.payment.pk]


@dataclass(frozen=True)
class RefundFacts:
    """A refund with its payment, and its history as pairs of an action and its time.

    `ending`: how the membership ends, if the member asked for that and it's still to come.
    """

    refund: Refund
    history: Sequence[tuple[str, datetime]]
    names: ProductNames
    ending: Ending | None


def request(user: User, pk: int) -> RequestFacts | None:
    """Read one of a member's own payments, to request a refund of it, or None."""
    results = ONE_REQUEST(user=user.pk, key=pk, year_ago=timezone.now() - terms.YEAR)
    payment = results.first(PAYMENT)
    if payment is None:
        return None
    together = _of_invoice(results[TOGETHER], payment)
    judging = judging_of(results, [payment, *together], user)
    return RequestFacts(
        payment=payment,
        own=results[OWN],
        judging=judging,
        period=PaidPeriod(
            bool(results[LATER]), {row.pk: judging.facts[row.pk] for row in together}
        ),
        names=_names(payment),
        planned=plans.planned(payment.membership, results[PLANNED]) if payment.membership else "",
    )


def refund(user: User, pk: int) -> RefundFacts | None:
    """Read a refund that its member may see, or None."""
    results = ONE_REFUND(user=user.pk, key=pk)
    row = results.first(REFUND)
    if row is None:
        return None
    return RefundFacts(
        refund=row,
        history=results[HISTORY],
        names=_names(row.payment),
        ending=_ending(results, row),
    )


def _ending(results: Results, row: Refund) -> Ending | None:
    is_asked = row.cancels_membership and row.payment.membership is not None
    if not is_asked or row.state in CAME_TO_NOTHING:
        return None
    together = _of_invoice(results[WITH_IT], row.payment)
    attach(together, "disputes", results[DISPUTES], "payment_id")
    facts = terms.facts_from(together, Around(results[SWITCHES], results[HELD], {}))
    return membership_end.ending_with(row, PaidPeriod(bool(results[AFTER_IT]), facts))


def _of_invoice(rows: Sequence[Payment], payment: Payment) -> Sequence[Payment]:
    """Connect payments with the invoice of one of them."""
    for row in rows:
        row.invoice = payment.invoice
    return rows


def _names(payment: Payment) -> ProductNames:
    return descriptions.product_names([payment.invoice] if payment.invoice else [])
