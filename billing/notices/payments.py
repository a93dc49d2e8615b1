"""Messages about payments: receipts, failures, credit notes, and payment requests."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from django.conf import settings
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.bank_statuses import ZellePurpose
from billing.facts import (
    cards,
    descriptions,
    discounts,
    invoice_parts,
    pay_links,
    tax_settings,
    zelle,
)
from billing.facts.statements import Paid
from billing.models import (
    Checkout,
    Invoice,
    Payment,
    PaymentRequest,
)
from billing.notices import contexts, joining, parts, to_staff
from billing.notices.transitions import (
    ConfirmationNeeded,
    CreditNoteIssued,
    DebitComing,
    InvoicePaid,
    InvoicePaymentFailed,
    RequestExpiring,
    SinglePaymentFailed,
    SinglePaymentReceived,
)
from common.context import current_brand
from common.links import portal_url
from common.money import Money
from emails import outbox
from emails.contexts import NamedAmount


class Besides(TypedDict):
    """Whether an invoice is for something other than the membership, and what."""

    is_other: bool
    other: str


def invoice_paid(paid_invoice: InvoicePaid) -> None:
    """Send a receipt, unless nothing was charged (a trial's invoice); the first welcomes, too.

    What books a payment by Zelle had its receipt when that was confirmed. After a failed try, the
    same email says first that the payment went through.
    """
    invoice = paid_invoice.invoice
    if not invoice.amount_paid or not invoice.paid_at or zelle.books(invoice):
        return
    user = invoice.customer.user
    paid = [payment for payment in paid_invoice.payments if payment.paid_at]
    methods = [texts.card(payment.card_brand, payment.card_last4) for payment in paid]
    joining.receipt(
        invoice,
        contexts.PaymentReceived(
            name=user.first_name,
            amount=str(invoice.money_paid),
            description=describe(invoice),
            recovered=paid_invoice.recovered,
            next_card=_next_card(paid_invoice) if paid_invoice.recovered else "",
            home_url=portal_url("home"),
            invoice_number=invoice.number,
            paid_on=invoice.paid_at,
            method=texts.listed(list(dict.fromkeys(filter(None, methods)))),
            is_direct=bool(paid) and all(payment.is_outside for payment in paid),
            **parts.on_card(paid),
            **parts.in_words(invoice_parts.of(invoice)),
            **_full_price_next(invoice),
            receipt_url=portal_url("billing:receipt", paid[-1].pk) if paid else "",
            url=portal_url("billing:invoice", invoice.pk),
        ),
    )


class FullPrice(TypedDict):
    """What the next payment comes to, now that a discount is used up; empty if it isn't."""

    full_price: str
    full_price_on: datetime | None


def _full_price_next(invoice: Invoice) -> FullPrice:
    """Return the next payment after a discount for one payment, which no reminder announces.

    A subscription that wasn't read since may still have the discount, or the period that's over:
    then nothing is said.
    """
    row, paid_at = invoice.subscription, invoice.paid_at
    none: FullPrice = {"full_price": "", "full_price_on": None}
    if not (invoice.discount and row and paid_at and row.is_renewal_charged):
        return none
    charge = discounts.next_charge(row)
    if discounts.running(row) or charge is None or row.current_period_end <= paid_at:
        return none
    return {"full_price": str(charge), "full_price_on": row.current_period_end}


def _next_card(paid_invoice: InvoicePaid) -> str:
    """Return the card that's charged next, or "" if it's the one that paid now."""
    row = paid_invoice.invoice.subscription
    other = cards.other_card(row) if row else None
    if row is None or other not in paid_invoice.payments:
        return ""
    return texts.card(row.card_brand, row.card_last4) or _("card from before")


def single_payment_received(received: SinglePaymentReceived) -> None:
    """Send a receipt for a payment without an invoice."""
    payment = received.payment
    if not payment.paid_at:
        return
    user = payment.customer.user
    amount = str(payment.money_received)
    description = texts.payment_description(payment.description, current_brand().name)
    outbox.put(
        user,
        contexts.PaymentReceived(
            name=user.first_name,
            amount=amount,
            description=description,
            home_url=portal_url("home"),
            paid_on=payment.paid_at,
            method=texts.card(payment.card_brand, payment.card_last4),
            **parts.on_card([payment]),
            lines=[NamedAmount(description=description, amount=amount)],
            taxes_included=_tax_in(payment),
            receipt_url=portal_url("billing:receipt", payment.pk),
            url=portal_url("billing:payment", payment.pk),
        ),
        cause=payment.stripe_id,
        happened_at=payment.paid_at,
    )


def receipt_again(paid: Paid, payment: Payment, *, at: datetime, cause: str) -> None:
    """Send a receipt to the member who asks for it. The same payment and cause send it once."""
    user, amount = payment.customer.user, str(Money(paid.amount, paid.currency))
    name, pk = "billing:payment", payment.pk
    if payment.invoice_id:
        name, pk = "billing:invoice", payment.invoice_id
    tax = NamedAmount(description=_("Includes tax"), amount=str(Money(paid.tax, paid.currency)))
    outbox.put(
        user,
        contexts.ReceiptAgain(
            name=user.first_name,
            amount=amount,
            description=paid.description,
            home_url=portal_url("home"),
            invoice_number=paid.invoice_number,
            paid_on=paid.at,
            method=paid.method,
            is_direct=payment.is_outside,
            **parts.on_card([payment]),
            lines=[NamedAmount(description=paid.description, amount=amount)],
            taxes_included=[tax] if paid.tax else [],
            receipt_url=portal_url("billing:receipt", payment.pk),
            url=portal_url(name, pk),
        ),
        cause=f"{payment.stripe_id}:{cause}",
        happened_at=at,
    )


def _tax_in(payment: Payment) -> list[NamedAmount]:
    """Return a single payment's tax, whether it was included in the price or added to it."""
    if not payment.tax:
        return []
    return [NamedAmount(description=_("Includes tax"), amount=str(payment.money_tax))]


def credit_note_issued(issued: CreditNoteIssued) -> None:
    """Say what was taken off an invoice. A refund alone has its own message."""
    note = issued.note
    if note.amount == note.refunded:
        return
    user, invoice = note.customer.user, note.invoice
    outbox.put(
        user,
        contexts.CreditNoteIssued(
            name=user.first_name,
            amount=str(note.money),
            description=describe(invoice),
            invoice_number=invoice.number,
            number=note.number,
            sentences=texts.credit_note(note),
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=note.stripe_id,
        happened_at=note.created_at,
    )


def single_payment_failed(failed: SinglePaymentFailed) -> None:
    """Say that the bank declined, days after the member paid, and how to retry.

    Each try is announced once: `charge_id` identifies it.
    """
    payment = failed.payment
    user, checkout = payment.customer.user, Checkout.objects.filter(payment=payment).first()
    asked = checkout.request if checkout else None
    again = pay_links.url_of(asked) if asked else portal_url("billing:pay-amount")
    outbox.put(
        user,
        contexts.PaymentNotMade(
            name=user.first_name,
            amount=str(payment.money),
            description=texts.payment_description(payment.description, current_brand().name),
            reason=texts.failure(payment.failure_code, payment.card_brand),
            method=texts.card(payment.card_brand, payment.card_last4),
            url=again if asked or settings.PAYMENT_MAXIMUM else portal_url("billing:payments"),
        ),
        cause=f"{payment.stripe_id}:{payment.charge_id}",
        happened_at=failed.failed_at,
    )


def invoice_failed(failed: InvoicePaymentFailed) -> None:
    """Say what failed, how to fix it, and whether we'll try again; staff may want to know, too."""
    to_staff.renewal_failed(failed)
    invoice, payment = failed.invoice, failed.payment
    user = invoice.customer.user
    next_attempt = invoice.next_payment_attempt_at
    outbox.put(
        user,
        contexts.PaymentFailed(
            name=user.first_name,
            amount=str(invoice.money_remaining),
            description=describe(invoice),
            reason=texts.failure(payment.failure_code, payment.card_brand)
            if payment
            else texts.failure(""),
            method=texts.card(payment.card_brand, payment.card_last4) if payment else "",
            next_attempt_on=next_attempt,
            final=invoice.was_last_try,
            **_besides(invoice),
            url=portal_url("billing:invoice", invoice.pk),
        ),
        cause=_attempt(invoice),
        happened_at=failed.attempted_at,
        good_until=next_attempt,
    )


def confirmation_needed(needed: ConfirmationNeeded) -> None:
    """Say that the bank needs the member to confirm the payment, and where."""
    invoice, payment = needed.invoice, needed.payment
    user = invoice.customer.user
    next_attempt = invoice.next_payment_attempt_at
    outbox.put(
        user,
        contexts.PaymentConfirmation(
            name=user.first_name,
            amount=str(invoice.money_remaining),
            description=describe(invoice),
            method=texts.card(payment.card_brand, payment.card_last4) if payment else "",
            is_other=invoice.membership is None,
            url=portal_url("billing:invoice-hosted", invoice.pk),
        ),
        cause=_attempt(invoice),
        happened_at=needed.attempted_at,
        good_until=next_attempt,
    )


def _attempt(invoice: Invoice) -> str:
    """Return a stable key for the last attempt to collect an invoice."""
    return f"{invoice.stripe_id}:{invoice.attempt_count}"


def ask_for_payment(request: PaymentRequest) -> None:
    """Ask a member to pay. Call this in the transaction that marks the request as sent."""
    sent, end = request.sent_at, request.expires_at
    if sent is None:
        return
    outbox.put(
        request.user,
        contexts.PaymentRequested(
            name=request.user.first_name,
            amount=str(request.price),
            tax_words=tax_settings.single_words(),
            adds_tax=tax_settings.adds_to_single(),
            by_zelle=zelle.takes(ZellePurpose.REQUEST, request.amount, request.currency),
            description=request.description,
            expires_on=end,
            url=pay_links.url_of(request),
        ),
        # An expired request can be sent again, at another time.
        cause=f"{request.pk}:{sent.isoformat()}",
        happened_at=sent,
    )


def request_expiring(expiring: RequestExpiring) -> None:
    """Remind a member of a payment request that expires; each sending is reminded of once."""
    request = expiring.request
    outbox.put(
        request.user,
        contexts.PaymentExpiring(
            name=request.user.first_name,
            amount=str(request.price),
            tax_words=tax_settings.single_words(),
            adds_tax=tax_settings.adds_to_single(),
            description=request.description,
            expires_on=expiring.expires_at,
            url=pay_links.url_of(request),
        ),
        cause=f"{request.pk}:{expiring.expires_at.isoformat()}",
        happened_at=expiring.seen_at,
        good_until=expiring.expires_at,
    )


def debit_coming(coming: DebitComing) -> None:
    """Say that the bank is processing a payment. Each try is announced once."""
    payment, invoice = coming.payment, coming.payment.invoice
    user = payment.customer.user
    if invoice:
        description, url = describe(invoice), portal_url("billing:invoice", invoice.pk)
    else:
        description = texts.payment_description(payment.description, current_brand().name)
        url = portal_url("billing:payment", payment.pk)
    outbox.put(
        user,
        contexts.DebitComing(
            name=user.first_name,
            amount=str(payment.money),
            description=description,
            method=texts.card(payment.card_brand, payment.card_last4),
            started_on=coming.started_at,
            url=url,
        ),
        cause=f"{payment.stripe_id}:{payment.charge_id}",
        happened_at=coming.started_at,
    )


def describe(invoice: Invoice) -> str:
    """Return what an invoice is for, in the member's words."""
    return descriptions.of_invoice(invoice, descriptions.product_names([invoice]))


def _besides(invoice: Invoice) -> Besides:
    """Return whether an invoice is for something other than the membership, and what."""
    row = invoice.subscription
    return {
        "is_other": invoice.membership is None,
        "other": descriptions.other_of(row) if row else "",
    }
