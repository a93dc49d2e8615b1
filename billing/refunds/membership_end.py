"""When a membership ends after a refund that asks for it: immediately, or with the period.

It ends immediately only if everything paid for the current period is given back, including credit.
Otherwise the member would lose time that's paid for.
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import Q

from billing.core.dates import long_date
from billing.core.statuses import InvoiceStatus, PaymentStatus
from billing.models import Invoice, Payment, Refund, Subscription
from billing.refunds import terms


class Ending(StrEnum):
    """How a membership ends with a refund: two of them, with the period despite a full refund."""

    AT_ONCE = "at_once"
    WITH_PERIOD = "with_period"
    CREDIT_STAYS = "credit_stays"
    PART_STAYS = "part_stays"

    @property
    def why(self) -> str:
        """Return ", because credit paid part of it", or nothing."""
        return f", {WHY[self]}" if self.has_reason else ""

    @property
    def has_reason(self) -> bool:
        """Whether a full refund doesn't end it immediately."""
        return self in (Ending.CREDIT_STAYS, Ending.PART_STAYS)


WHY: dict[Ending, str] = {
    Ending.CREDIT_STAYS: "because credit paid part of it",
    Ending.PART_STAYS: "because another payment paid part of it",
}


def ending_of(payment: Payment, amount: int, without: Refund | None = None) -> Ending:
    """Return how a membership ends with a refund of this amount (minor units).

    `without` is the refund with this amount, if it already exists.
    """
    invoice = payment.invoice
    subscription = payment.membership
    if invoice is None or subscription is None or _is_over(subscription, invoice):
        return Ending.WITH_PERIOD
    paid = PaymentStatus.SUCCEEDED
    parts = list(invoice.payments.filter(status=paid).select_related("invoice"))
    facts = terms.facts_of_all(parts, without, counts_automatic=False)
    gone = amount + sum(one.paid - one.left for one in facts.values())
    if gone >= _paid_for(invoice):
        return Ending.AT_ONCE
    if payment.pk in facts and amount < facts[payment.pk].left:
        return Ending.WITH_PERIOD
    return Ending.CREDIT_STAYS if _from_credit(invoice) else Ending.PART_STAYS


def ending_of_all(payment: Payment) -> Ending:
    """Return how a membership would end if the rest of a payment were refunded."""
    return ending_of(payment, terms.facts_of(payment).left)


def of_refund(row: Refund) -> Ending:
    """Return how the membership ends for a member who leaves with this refund."""
    return ending_of(row.payment, row.amount, without=row)


def in_words(row: Refund, ending: Ending) -> str:
    """Return in words when the membership ends, if the member asked for that with a refund."""
    subscription = row.payment.membership
    if subscription is None or not row.cancels_membership:
        return ""
    if row.is_undecided and ending == Ending.AT_ONCE:
        return "It ends right away if we approve all of this"
    if row.is_undecided:
        end = long_date(subscription.ends_at or subscription.current_period_end)
        return f"If we approve the refund, it continues until {end}{ending.why}"
    if subscription.is_live and subscription.ends_at:
        return f"It ends on {long_date(subscription.ends_at)}, as you asked{ending.why}"
    return "It ends, too, as you asked" if subscription.is_live else "It has ended, as you asked"


def _is_over(subscription: Subscription, invoice: Invoice) -> bool:
    """Whether a later invoice pays for the current period, even with credit."""
    newer = subscription.invoices.filter(created_at__gt=invoice.created_at)
    by_credit = Q(status=InvoiceStatus.PAID) & ~Q(total=0)
    switch = Q(status=InvoiceStatus.PAID, billing_reason="subscription_update")
    return newer.filter(Q(amount_paid__gt=0) | by_credit | switch).exists()


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
