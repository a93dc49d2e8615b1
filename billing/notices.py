"""Step 4: what happened becomes messages for the outbox."""

from __future__ import annotations

from typing import assert_never

from django.conf import settings
from django.urls import reverse

from billing import pay_links, wording
from billing.models import Invoice, Payment, PaymentRequest, Plan, Subscription
from billing.money import Money
from billing.transitions import (
    InvoicePaid,
    InvoicePaymentFailed,
    SinglePaymentReceived,
    SubscriptionStarted,
    Transition,
)
from emails import outbox
from emails.catalogue import Kind


def announce(transition: Transition) -> None:
    """Put the messages of a transition into the outbox, in the caller's transaction."""
    match transition:
        case SubscriptionStarted():
            _welcome(transition.subscription)
        case InvoicePaid():
            _receipt(transition.invoice, transition.payments)
        case InvoicePaymentFailed():
            _payment_failed(transition)
        case SinglePaymentReceived():
            _receipt_of_payment(transition.payment)
        case _:
            assert_never(transition)


def _welcome(subscription: Subscription) -> None:
    user = subscription.customer.user
    plan = _plan_of(subscription)
    trial = subscription.trial_end
    ending = subscription.ends_at
    outbox.put(
        Kind.WELCOME,
        user,
        {
            "name": user.first_name,
            "plan_name": plan,
            "price": str(Money(subscription.amount, subscription.currency)),
            "interval": wording.interval(subscription.interval, subscription.interval_count),
            "next_charge_on": "" if ending else subscription.current_period_end.isoformat(),
            "trial_ends_on": trial.isoformat() if trial and trial > subscription.started_at else "",
        },
        cause=subscription.stripe_id,
        happened_at=subscription.started_at,
    )


def _receipt(invoice: Invoice, payments: list[Payment]) -> None:
    """Say thank you for money: an invoice of nothing (a trial's) gets no receipt."""
    if not invoice.amount_paid or not invoice.paid_at:
        return
    user = invoice.customer.user
    paid = [payment for payment in payments if payment.paid_at]
    outbox.put(
        Kind.PAYMENT_RECEIVED,
        user,
        {
            "name": user.first_name,
            "amount": _money(invoice, invoice.amount_paid),
            "description": describe(invoice),
            "invoice_number": invoice.number,
            "paid_on": invoice.paid_at.isoformat(),
            "method": wording.card(paid[-1].card_brand, paid[-1].card_last4) if paid else "",
            "lines": [
                {"description": line["description"], "amount": _money(invoice, line["amount"])}
                for line in invoice.lines
            ],
            "tax": _money(invoice, invoice.tax) if invoice.tax else "",
            "discount": _money(invoice, -invoice.discount) if invoice.discount else "",
            "total": _money(invoice, invoice.total),
            "url": _address("billing:invoice", invoice.pk),
        },
        cause=invoice.stripe_id,
        happened_at=invoice.paid_at,
    )


def _receipt_of_payment(payment: Payment) -> None:
    """Say thank you for a payment that belongs to no invoice."""
    if not payment.paid_at:
        return
    user = payment.customer.user
    amount = str(Money(payment.amount_received, payment.currency))
    description = wording.payment_description(payment.description, settings.BRAND_NAME)
    outbox.put(
        Kind.PAYMENT_RECEIVED,
        user,
        {
            "name": user.first_name,
            "amount": amount,
            "description": description,
            "invoice_number": "",
            "paid_on": payment.paid_at.isoformat(),
            "method": wording.card(payment.card_brand, payment.card_last4),
            "lines": [{"description": description, "amount": amount}],
            "tax": "",
            "discount": "",
            "total": amount,
            "url": _address("billing:payment", payment.pk),
        },
        cause=payment.stripe_id,
        happened_at=payment.paid_at,
    )


def _payment_failed(failed: InvoicePaymentFailed) -> None:
    """Say what failed and how to fix it. A first payment is made in front of the member's eyes."""
    invoice, payment = failed.invoice, failed.payment
    if invoice.billing_reason == "subscription_create":
        return
    user = invoice.customer.user
    next_attempt = invoice.next_payment_attempt_at
    outbox.put(
        Kind.PAYMENT_FAILED,
        user,
        {
            "name": user.first_name,
            "amount": _money(invoice, invoice.amount_remaining),
            "description": describe(invoice),
            "reason": wording.failure(payment.failure_code if payment else ""),
            "method": wording.card(payment.card_brand, payment.card_last4) if payment else "",
            "next_attempt_on": next_attempt.isoformat() if next_attempt else "",
            "final": next_attempt is None,
            "url": _address("billing:invoice", invoice.pk),
        },
        cause=f"{invoice.stripe_id}:{invoice.attempt_count}",
        happened_at=failed.attempted_at,
    )


def ask_for_payment(request: PaymentRequest) -> None:
    """Ask a member to pay; call it inside the transaction that sends the request."""
    sent, end = request.sent_at, request.expires_at
    if sent is None:
        return
    outbox.put(
        Kind.PAYMENT_REQUESTED,
        request.user,
        {
            "name": request.user.first_name,
            "amount": str(request.price),
            "description": request.description,
            "expires_on": end.isoformat() if end else "",
            "url": pay_links.url_of(request),
        },
        # An expired request may be sent once more: each sending has its own time.
        cause=f"{request.pk}:{sent.isoformat()}",
        happened_at=sent,
    )


def describe(invoice: Invoice) -> str:
    """Return what an invoice is for, in the member's words."""
    plan = _plan_of(invoice.subscription) if invoice.subscription else ""
    return wording.invoice_description(
        plan or settings.BRAND_NAME, invoice.lines, is_plan=invoice.subscription_id is not None
    )


def _plan_of(subscription: Subscription) -> str:
    name = Plan.objects.filter(stripe_id=subscription.price_id).values_list("name", flat=True)
    return name.first() or "Membership"


def _money(invoice: Invoice, amount: int) -> str:
    return str(Money(amount, invoice.currency))


def _address(name: str, *arguments: object) -> str:
    return f"{settings.PORTAL_URL}{reverse(name, args=arguments)}"
