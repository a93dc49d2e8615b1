"""When a membership ends after a refund that asks for it: immediately, or with the period.

It ends immediately only if everything paid for the current period is given back, including credit.
Otherwise the member would lose time that's paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core.dates import long_date
from billing.core.statuses import InvoiceStatus, PaymentStatus
from billing.models import Invoice, Payment, Refund, Subscription
from billing.refunds import terms
from billing.refunds.policy import Facts


class Ending(StrEnum):
    """How a membership ends with a refund: two of them, with the period despite a full refund."""

    AT_ONCE = "at_once"
    WITH_PERIOD = "with_period"
    CREDIT_STAYS = "credit_stays"
    PART_STAYS = "part_stays"

    @property
    def why(self) -> str:
        """Return ", because credit paid part of it", or nothing."""
        return str(WHY[self]) if self.has_reason else ""

    @property
    def has_reason(self) -> bool:
        """Whether a full refund doesn't end it immediately."""
        return self in (Ending.CREDIT_STAYS, Ending.PART_STAYS)


WHY: dict[Ending, str | Promise] = {
    Ending.CREDIT_STAYS: gettext_lazy(", because credit paid for part of it"),
    Ending.PART_STAYS: gettext_lazy(", because another payment paid for part of it"),
}


@dataclass(frozen=True)
class PaidPeriod:
    """What decides how a membership ends with a refund of a payment for it.

    `is_over`: a later invoice pays for the current period. `facts`: of all successful payments of
    the payment's invoice, by primary key.
    """

    is_over: bool
    facts: Mapping[int, Facts]

    def without(self, row: Refund) -> PaidPeriod:
        """Return it as if a refund didn't exist."""
        known = self.facts.get(row.payment_id)
        changed = {row.payment_id: terms.without(known, row)} if known else {}
        return PaidPeriod(self.is_over, {**self.facts, **changed})


def how_it_ends(payment: Payment, amount: int, period: PaidPeriod) -> Ending:
    """Return how a membership ends with a refund of this amount (minor units). Pure."""
    invoice, facts = payment.invoice, period.facts
    if invoice is None or payment.membership is None or period.is_over:
        return Ending.WITH_PERIOD
    gone = amount + sum(one.paid - one.left for one in facts.values())
    if gone >= _paid_for(invoice):
        return Ending.AT_ONCE
    if payment.pk in facts and amount < facts[payment.pk].left:
        return Ending.WITH_PERIOD
    return Ending.CREDIT_STAYS if _from_credit(invoice) else Ending.PART_STAYS


def ending_with(row: Refund, period: PaidPeriod) -> Ending:
    """Return how the membership ends for a member who leaves with this refund. Pure."""
    return how_it_ends(row.payment, row.amount, period.without(row))


def ending_of(payment: Payment, amount: int) -> Ending:
    """Return how a membership would end with another refund of this amount (minor units)."""
    return how_it_ends(payment, amount, _period_of(payment))


def of_refund(row: Refund) -> Ending:
    """Return how the membership ends for a member who leaves with this refund."""
    return ending_with(row, _period_of(row.payment))


def paid_together(payment: QuerySet[Payment]) -> QuerySet[Payment]:
    """Return all successful payments of an invoice; `payment` selects one of them."""
    return Payment.objects.filter(
        status=PaymentStatus.SUCCEEDED, invoice__in=payment.values("invoice")
    )


def later_invoices(payment: QuerySet[Payment]) -> QuerySet[Invoice]:
    """Return later invoices that pay for the current period, even with credit.

    `payment` selects a payment for an earlier period.
    """
    its = Invoice.objects.filter(pk__in=payment.values("invoice")).order_by()
    newer = Invoice.objects.filter(
        subscription__in=its.values("subscription"),
        created_at__gt=Subquery(its.values("created_at")),
    )
    by_credit = Q(status=InvoiceStatus.PAID) & ~Q(total=0)
    switch = Q(status=InvoiceStatus.PAID, billing_reason="subscription_update")
    return newer.filter(Q(amount_paid__gt=0) | by_credit | switch)


def in_words(row: Refund, ending: Ending) -> str:
    """Return in words when the membership ends, if the member asked for that with a refund."""
    subscription = row.payment.membership
    if subscription is None or not row.cancels_membership:
        return ""
    if row.is_undecided and ending == Ending.AT_ONCE:
        return _("It ends right away if we approve all of this")
    if row.is_undecided:
        return _if_approved(ending, last_day(subscription))
    if subscription.is_live and subscription.ends_with_period:
        return _ends(ending, last_day(subscription))
    return _("It ends, too, as you asked") if subscription.is_live else _("It ended, as you asked")


def last_day(subscription: Subscription) -> datetime:
    """Return when a membership ends that won't renew: with its period, or before that."""
    end = subscription.current_period_end
    return min(subscription.ends_at or end, end)


def _if_approved(ending: Ending, end: datetime) -> str:
    words = {
        Ending.CREDIT_STAYS: _(
            "If we approve the refund, it continues until %(day)s because credit paid for part of "
            "it"
        ),
        Ending.PART_STAYS: _(
            "If we approve the refund, it continues until %(day)s because another payment paid for "
            "part of it"
        ),
    }
    plain = _("If we approve the refund, it continues until %(day)s")
    return words.get(ending, plain) % {"day": long_date(end)}


def _ends(ending: Ending, end: datetime) -> str:
    words = {
        Ending.CREDIT_STAYS: _("It ends on %(day)s because credit paid for part of it"),
        Ending.PART_STAYS: _("It ends on %(day)s because another payment paid for part of it"),
    }
    return words.get(ending, _("It ends on %(day)s, as you asked")) % {"day": long_date(end)}


def _period_of(payment: Payment) -> PaidPeriod:
    """Read it now."""
    if payment.membership is None:
        return PaidPeriod(is_over=False, facts={})
    this = Payment.objects.filter(pk=payment.pk)
    together = list(paid_together(this).select_related("invoice"))
    facts = terms.facts_of_all(together, counts_automatic=False)
    return PaidPeriod(later_invoices(this).exists(), facts)


def _paid_for(invoice: Invoice) -> int:
    """Return the total paid for an invoice's period, in minor units, by card and credit."""
    asked = invoice.total - invoice.pre_payment_credit_notes_amount
    return max(asked, invoice.amount_paid) + _unused_time(invoice)


def _unused_time(invoice: Invoice) -> int:
    """Return the value of unused time from earlier payments that went into a switch.

    Stripe documentation, "Prorations": it's a negative line on the switch's invoice.
    """
    amounts = (int(line["amount"]) for line in invoice.lines)
    return -sum(amount for amount in amounts if amount < 0)


def _from_credit(invoice: Invoice) -> int:
    """Return how much credit paid of it, in minor units."""
    return max(0, -invoice.balance_applied) + _unused_time(invoice)
