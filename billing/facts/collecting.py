"""How a membership is collected, in the member's words: paused for now, or by invoice."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from billing.core.dates import long_date
from billing.core.statuses import Collection, SubscriptionStatus
from billing.models import Invoice, Subscription
from common.money import Money


def paused(row: Subscription, charge: Money | None) -> str:
    """Say until when nothing is charged, and what comes then."""
    sentences = [_no_charges(row), _("You’re still a member."), _after_the_pause(row, charge)]
    if row.status == SubscriptionStatus.TRIALING:
        sentences.insert(0, free_until(row))
    return " ".join(filter(None, sentences))


def _no_charges(row: Subscription) -> str:
    if row.resumes_at is None:
        return _("Nothing is charged for now.")
    return _("Nothing is charged until %(day)s.") % {"day": long_date(row.resumes_at)}


def free_until(row: Subscription) -> str:
    """Say how long a trial, or time that we gave, is free."""
    if row.is_in_free_time:
        words = _("Your membership is free until %(day)s.")
        return words % {"day": long_date(row.current_period_end)}
    return _("Your trial is free until %(day)s.") % {"day": long_date(row.current_period_end)}


def _after_the_pause(row: Subscription, charge: Money | None) -> str:
    if row.resumes_at is None:
        return _("We’ll email you when payments resume.")
    if row.ends_at and row.ends_at <= row.resumes_at:
        return ""
    if row.is_renewal_charged:
        return next_payment(row, charge)
    return _("After that, your membership renews as usual.")


def pause_of_renewals(row: Subscription) -> str:
    """For a membership with an open payment, say that later ones are paused, or nothing."""
    if not row.is_paused:
        return ""
    if row.resumes_at is None:
        return _("Later payments are paused.")
    return _("Later payments are paused until %(day)s.") % {"day": long_date(row.resumes_at)}


def open_one(invoices: Iterable[Invoice]) -> Invoice | None:
    """Return the first of a subscription's invoices that asks for money."""
    return next((one for one in invoices if one.is_payable), None)


def left_open(invoice: Invoice | None) -> str:
    """Say what's still due on a membership that ends, or nothing if it's all paid."""
    if invoice is None:
        return ""
    match invoice.collection:
        case Collection.PROCESSING:
            words = _("The %(amount)s your bank is sending still counts.")
        case Collection.REQUIRES_ACTION:
            words = _("Your payment of %(amount)s still needs your confirmation.")
        case _ if invoice.is_sent:
            words = _("Your invoice for %(amount)s still needs to be paid.")
        case Collection.FAILED:
            words = _("The payment of %(amount)s that didn’t go through stays open.")
        case _:
            words = _("Your invoice for %(amount)s will still be charged.")
    return words % {"amount": invoice.money_remaining}


def next_payment(row: Subscription, charge: Money | None) -> str:
    """Say what the next renewal costs, and when: it's charged, or an invoice comes."""
    day = long_date(row.current_period_end)
    if charge is not None and not charge:
        words = _("Your membership renews on %(day)s, and your card won’t be charged.")
    elif row.is_sent and charge:
        words = _("We’ll send your next invoice for %(amount)s on %(day)s.")
    elif row.is_sent:
        words = _("We’ll send your next invoice on %(day)s.")
    elif charge:
        words = _("Your next charge of %(amount)s is on %(day)s.")
    else:
        words = _("Your next charge is on %(day)s.")
    return words % {"amount": charge, "day": day}


def first_payment(row: Subscription, charge: Money | None) -> str:
    """Say what follows a trial."""
    if not charge:
        return _("Your membership continues after that.")
    words = (
        _("After that, we’ll send you an invoice for %(amount)s.")
        if row.is_sent
        else _("After that, you’ll be charged %(amount)s.")
    )
    return words % {"amount": charge}


def overdue_invoice(invoices: Iterable[Invoice]) -> Invoice | None:
    """Return the sent invoice that a membership is waiting for, unless it's being paid."""
    invoice = open_one(invoices)
    waits = invoice is not None and invoice.is_sent and invoice.due_at is not None
    is_being_paid = invoice is not None and invoice.collection == Collection.PROCESSING
    return invoice if waits and not is_being_paid else None


def overdue(invoice: Invoice) -> str:
    """Say what's overdue, and since when."""
    if invoice.due_at is None:
        words = _("Your invoice for %(amount)s is overdue. You’re still a member for now.")
        return words % {"amount": invoice.money_remaining}
    return _("Your invoice for %(amount)s was due on %(day)s. You’re still a member for now.") % {
        "amount": invoice.money_remaining,
        "day": long_date(invoice.due_at),
    }


def due(invoice: Invoice) -> str:
    """Return "Due Friday, December 4", "Overdue since …", or "" if it isn't a sent one."""
    if not invoice.is_sent or invoice.due_at is None:
        return ""
    words = _("Overdue since %(day)s") if invoice.is_overdue else _("Due %(day)s")
    return words % {"day": long_date(invoice.due_at)}
