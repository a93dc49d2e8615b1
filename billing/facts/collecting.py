"""How a membership is collected, in the member's words: paused for now, or by invoice."""

from __future__ import annotations

from collections.abc import Iterable

from billing.core.dates import long_date
from billing.core.statuses import Collection, SubscriptionStatus
from billing.models import Invoice, Subscription
from common.money import Money

STILL = "You're still a member."


def paused(row: Subscription, charge: Money | None) -> str:
    """Say until when nothing is charged, and what comes then."""
    until = f"until {long_date(row.resumes_at)}" if row.resumes_at else "for now"
    if row.status == SubscriptionStatus.TRIALING:
        trial_end = long_date(row.current_period_end)
        begun = f"Your trial is free until {trial_end}, and nothing is charged {until}."
    else:
        begun = f"Nothing is charged {until}."
    return f"{begun} {STILL} {_after_the_pause(row, charge)}"


def _after_the_pause(row: Subscription, charge: Money | None) -> str:
    if row.resumes_at is None:
        return "We'll email you when payments resume."
    if row.is_renewal_charged:
        return next_payment(row, charge)
    return "After that, your membership renews as usual."


def pause_of_renewals(row: Subscription) -> str:
    """For a membership with an open payment, say that later ones are paused, or nothing."""
    if not row.is_paused:
        return ""
    until = f" until {long_date(row.resumes_at)}" if row.resumes_at else ""
    return f"Later payments are paused{until}."


def open_one(invoices: Iterable[Invoice]) -> Invoice | None:
    """Return the first of a subscription's invoices that asks for money."""
    return next((one for one in invoices if one.is_payable), None)


def left_open(invoice: Invoice | None) -> str:
    """Say what's still due on a membership that ends, or nothing if it's all paid."""
    if invoice is None:
        return ""
    amount = invoice.money_remaining
    match invoice.collection:
        case Collection.PROCESSING:
            return f"The {amount} that your bank is sending still counts"
        case Collection.REQUIRES_ACTION:
            return f"Your payment of {amount} still waits for you to confirm it"
        case _ if invoice.is_sent:
            return f"Your invoice of {amount} is still to be paid"
        case Collection.FAILED:
            return f"The payment of {amount} that didn't go through stays open"
    return f"Your invoice of {amount} is still charged"


def next_payment(row: Subscription, charge: Money | None) -> str:
    """Say what the next renewal costs, and when: it's charged, or an invoice comes."""
    day = long_date(row.current_period_end)
    if charge is not None and not charge:
        return f"Your membership renews on {day}, and your card won’t be charged."
    of = f" of {charge}" if charge else ""
    if row.is_sent:
        return f"We'll send your next invoice{of} on {day}."
    return f"Your next charge{of} is on {day}."


def first_payment(row: Subscription, charge: Money | None) -> str:
    """Say what follows a trial."""
    if not charge:
        return "Then your membership continues."
    return (
        f"Then we'll send you an invoice of {charge}."
        if row.is_sent
        else f"Then {charge} will be charged."
    )


def overdue_invoice(invoices: Iterable[Invoice]) -> Invoice | None:
    """Return the sent invoice that a membership is waiting for, unless it's being paid."""
    invoice = open_one(invoices)
    waits = invoice is not None and invoice.is_sent and invoice.due_at is not None
    is_being_paid = invoice is not None and invoice.collection == Collection.PROCESSING
    return invoice if waits and not is_being_paid else None


def overdue(invoice: Invoice) -> str:
    """Say what's overdue, and since when."""
    amount = invoice.money_remaining
    when = f" was due on {long_date(invoice.due_at)}" if invoice.due_at else " is overdue"
    return f"Your invoice of {amount}{when}. You're still a member for now."


def due(invoice: Invoice) -> str:
    """Return "Due Friday, December 4", "Overdue since …", or "" if it isn't a sent one."""
    if not invoice.is_sent or invoice.due_at is None:
        return ""
    day = long_date(invoice.due_at)
    return f"Overdue since {day}" if invoice.is_overdue else f"Due {day}"
