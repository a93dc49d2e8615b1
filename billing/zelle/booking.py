"""Books confirmed payments at Stripe: as invoices that were paid outside of it.

So everything that follows from an invoice does so here, too: status, documents, statements, tax.
Each run first looks for what an earlier one made (by our key in its metadata), so it can simply be
repeated after any failure.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.core.statuses import InvoiceStatus
from billing.facts import tax_settings, zelle
from billing.membership import checkout
from billing.models import Customer, ExpectedTransfer, Invoice, Subscription
from billing.models.locks import lock_member
from billing.stripe import gateway
from billing.sync import catalog, refresh
from billing.zelle import card_pages
from common.money import Money

logger = logging.getLogger(__name__)
PAYABLE = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN)
SETTLED = "Its invoice was paid another way, or is void. Undo the match to free the money."


def book(expected_pk: int) -> None:
    """Book a confirmed payment at Stripe, if it isn't yet. Safe to run twice.

    Raises:
        gateway.StripeError: try again later; the row says why.
    """
    rows = ExpectedTransfer.objects.to_book().select_related("user", "invoice__subscription")
    row = rows.filter(pk=expected_pk).first()
    if row is None:
        return
    try:
        twice = card_pages.close(row)
        invoice, subscription = _book(row)
    except gateway.StripeError as error:
        ExpectedTransfer.objects.filter(pk=row.pk).update(problem=_trouble(row, error)[:500])
        raise
    _booked(row, invoice, subscription, twice)


def take_back(expected_pk: int, invoice_pk: int) -> None:
    """Take back what was booked for a payment that was never this member's.

    Raises:
        gateway.StripeError: try again later.
    """
    invoice = Invoice.objects.get(pk=invoice_pk)
    left = invoice.amount_paid_outside - invoice.post_payment_credit_notes_amount
    if left > 0:
        key = f"zelle-{expected_pk}-back-{invoice_pk}"
        gateway.create_outside_credit_note(invoice.stripe_id, left, key)
    refresh.sync_invoice(invoice.stripe_id)


def key_of(row: ExpectedTransfer) -> str:
    """Return what names a payment at Stripe; each booking has its own."""
    return f"{row.reference}-{row.booking}"


def _book(row: ExpectedTransfer) -> tuple[Invoice, Subscription | None]:
    if row.invoice:
        gateway.pay_outside(row.invoice.stripe_id, key_of(row))
        return refresh.sync_invoice(row.invoice.stripe_id), row.invoice.subscription
    customer = checkout.customer_of(row.user)
    try:
        invoice, subscription = _book_for(row, customer)
    except gateway.StripeMissing:
        # It may have been deleted at Stripe a moment ago.
        if not refresh.sync_customer(customer.stripe_id).deleted_at_stripe:
            raise
        customer = checkout.customer_of(row.user)
        invoice, subscription = _book_for(row, customer)
    return _without_balance(row, invoice, customer), subscription


def _book_for(row: ExpectedTransfer, customer: Customer) -> tuple[Invoice, Subscription | None]:
    begins = row.purpose == ZellePurpose.MEMBERSHIP and not card_pages.is_member_by_card(row)
    # Who closed their account meanwhile is no member: their money is in the books, to be returned.
    if begins and (row.user.is_active or row.user.email):
        return _start_membership(row, customer)
    invoice_id = gateway.create_paid_invoice(
        gateway.PaidInvoice(
            key=key_of(row),
            customer_id=customer.stripe_id,
            user_id=row.user_id,
            amount=row.amount,
            currency=row.currency,
            description=row.description,
            tax=tax_settings.single() if _can_be_taxed(customer) else None,
        )
    )
    return refresh.sync_invoice(invoice_id), None


def _without_balance(row: ExpectedTransfer, invoice: Invoice, customer: Customer) -> Invoice:
    """Undo what Stripe did to the member's balance: they've sent the whole price.

    Stripe uses credit for any invoice, and adds what's owed to it (documentation, "Customer credit
    balance").
    """
    if invoice.balance_applied:
        gateway.change_balance(
            gateway.BalanceChange(
                key=key_of(row),
                customer_id=customer.stripe_id,
                amount=invoice.balance_applied,
                currency=invoice.currency,
                description=f"Paid in full by Zelle ({zelle.shown(row)})",
            )
        )
    return invoice


def _can_be_taxed(customer: Customer) -> bool:
    """Whether Stripe Tax is on and can work out the tax in a price: it needs an address."""
    return settings.STRIPE_TAX and gateway.has_tax_place(customer.stripe_id)


def _start_membership(
    row: ExpectedTransfer, customer: Customer
) -> tuple[Invoice, Subscription | None]:
    catalog.sync_plan(row.price_id)
    subscription_id, invoice_id = gateway.create_sent_subscription(
        gateway.SentSubscription(
            key=key_of(row),
            customer_id=customer.stripe_id,
            user_id=row.user_id,
            price_id=row.price_id,
            days_until_due=zelle.terms().days_of_grace,
            is_taxed=_can_be_taxed(customer),
        )
    )
    gateway.pay_outside(invoice_id, key_of(row))
    subscription = refresh.sync_subscription(subscription_id)
    return refresh.sync_invoice(invoice_id), subscription


@transaction.atomic
def _booked(
    row: ExpectedTransfer, invoice: Invoice, subscription: Subscription | None, problem: str
) -> None:
    """Note where a payment is booked, and whether Stripe counts it differently."""
    lock_member(row.user_id)
    if invoice.status != InvoiceStatus.PAID:
        problem = f"Stripe's invoice is {invoice.get_status_display().lower()}, not paid."
    elif (paid := _price_paid(row, invoice)) != row.amount:
        booked = Money(paid, invoice.currency)
        problem = f"{row.money} came, but Stripe's invoice counts {booked}."
    if problem:
        logger.error("Zelle payment %s: %s", row.pk, problem)
    rows = ExpectedTransfer.objects.filter(
        pk=row.pk, booking=row.booking, state=ExpectedState.CONFIRMED
    )
    rows.update(
        booked_at=timezone.now(), invoice=invoice, subscription=subscription, problem=problem
    )


def _price_paid(row: ExpectedTransfer, invoice: Invoice) -> int:
    """Return what an invoice counts as paid, in cents, without the balance that we put back."""
    given_back = 0 if row.invoice else invoice.balance_applied
    return invoice.amount_paid_outside - given_back


def _trouble(row: ExpectedTransfer, error: gateway.StripeError) -> str:
    if isinstance(error, gateway.StripeUnavailable):
        return "Stripe did not answer. We try again by ourselves."
    if row.invoice and refresh.sync_invoice(row.invoice.stripe_id).status not in PAYABLE:
        return f"{SETTLED} ({error})"
    return str(error)
