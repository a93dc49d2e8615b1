"""Messages about how money is collected: pauses, and sent invoices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict, assert_never

from billing.core.bank_statuses import ZellePurpose
from billing.core.statuses import PauseBehavior
from billing.facts import descriptions, discounts, invoice_parts, zelle
from billing.models import Invoice, Subscription
from billing.notices import contexts, parts
from billing.notices.transitions import (
    Collecting,
    CollectionPaused,
    CollectionResumed,
    InvoiceDueSoon,
    InvoiceOverdue,
    InvoiceSent,
)
from common.links import portal_url
from common.money import Money
from emails import outbox

# How long after the due date a reminder still makes sense.
OVERDUE_IS_NEWS_FOR = timedelta(days=7)


class ByZelle(TypedDict):
    """How to pay an invoice by Zelle; empty if that's not awaited."""

    zelle_reference: str
    zelle_name: str
    zelle_address: str
    zelle_url: str


def announce(change: Collecting) -> None:
    """Put the messages of a change into the outbox, in the caller's transaction."""
    match change:
        case CollectionPaused():
            _paused(change.subscription, change.seen_at)
        case CollectionResumed():
            _resumed(change.subscription, change.seen_at)
        case InvoiceSent():
            _invoice(contexts.InvoiceSent, change.invoice, change.sent_at, None)
        case InvoiceDueSoon():
            due_at = change.invoice.due_at
            _invoice(contexts.InvoiceDue, change.invoice, change.seen_at, due_at)
        case InvoiceOverdue():
            due_at = change.invoice.due_at or change.seen_at
            until = due_at + OVERDUE_IS_NEWS_FOR
            _invoice(contexts.InvoiceOverdue, change.invoice, change.seen_at, until)
        case _:
            assert_never(change)


def _paused(subscription: Subscription, seen_at: datetime) -> None:
    """Say until when nothing is charged. Each change of a pause is announced once."""
    user, resumes_at = subscription.customer.user, subscription.resumes_at
    outbox.put(
        user,
        contexts.MembershipPaused(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            resumes_on=resumes_at,
            billed_later=subscription.pause_behavior == PauseBehavior.KEEP_AS_DRAFT,
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{subscription.read_at.timestamp()}",
        happened_at=seen_at,
        good_until=resumes_at,
    )


def _resumed(subscription: Subscription, seen_at: datetime) -> None:
    """Say what's charged next, now that the pause is over."""
    user, end = subscription.customer.user, subscription.current_period_end
    charge = discounts.next_charge(subscription)
    is_charged = subscription.is_renewal_charged
    outbox.put(
        user,
        contexts.MembershipResumed(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            next_charge=str(charge) if is_charged and charge is not None else "",
            next_charge_on=end if is_charged else None,
            by_invoice=subscription.is_sent,
            ends_on=subscription.ends_at if subscription.ends_with_period else None,
            url=portal_url("billing:membership"),
        ),
        cause=f"{subscription.stripe_id}:{subscription.read_at.timestamp()}",
        happened_at=seen_at,
    )


def _invoice(
    context: type[contexts.InvoiceToPay],
    invoice: Invoice,
    happened_at: datetime,
    good_until: datetime | None,
) -> None:
    """Ask to pay an invoice: once when it comes, once before it's due, once after.

    One that books a payment by Zelle is paid already, whatever Stripe has heard of it.
    """
    if zelle.books(invoice):
        return
    user = invoice.customer.user
    outbox.put(
        user,
        context(
            name=user.first_name,
            amount=str(invoice.money_remaining),
            description=descriptions.of_invoice(invoice, descriptions.product_names([invoice])),
            **_in_parts(invoice),
            invoice_number=invoice.number,
            due_on=invoice.due_at,
            **_by_zelle(invoice),
            pdf_url=portal_url("billing:invoice-pdf", invoice.pk) if invoice.pdf_url else "",
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=invoice.stripe_id,
        happened_at=happened_at,
        good_until=good_until,
    )


class ToPay(parts.InParts):
    """What an invoice's amount is made of; empty if that says nothing."""

    paid: str


def _in_parts(invoice: Invoice) -> ToPay:
    """Return an invoice's lines and what was paid of it, or nothing if it's one amount."""
    made_of = invoice_parts.of(invoice)
    said = parts.in_words(made_of)
    if made_of.is_one_amount and not invoice.amount_paid:
        said["lines"] = []
    paid = str(Money(-invoice.amount_paid, invoice.currency)) if invoice.amount_paid else ""
    return {**said, "paid": paid}


def _by_zelle(invoice: Invoice) -> ByZelle:
    """Return how to pay an invoice by Zelle, if that's awaited."""
    awaited, known = zelle.awaited_of(invoice), zelle.terms()
    if awaited is None or not known.takes(ZellePurpose.INVOICE):
        return {"zelle_reference": "", "zelle_name": "", "zelle_address": "", "zelle_url": ""}
    return {
        "zelle_reference": zelle.shown(awaited, known),
        "zelle_name": known.name,
        "zelle_address": known.address,
        "zelle_url": portal_url("billing:zelle", awaited.pk),
    }
