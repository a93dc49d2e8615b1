"""What a member must do or know, the most urgent first."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F
from django.urls import reverse

from billing.core import tax_texts, texts
from billing.core.dates import long_date
from billing.core.statuses import (
    ENDED_SUBSCRIPTION,
    Collection,
    CollectionMethod,
    InvoiceStatus,
    PaymentStatus,
    SubscriptionStatus,
)
from billing.core.tones import Attention, Tone
from billing.facts import cards, collecting, descriptions, pay_links, tax_settings
from billing.models import Invoice, Payment, PaymentRequest
from billing.pages.membership_status import Membership, Standing
from billing.pages.payment_lines import PAGE_SIZE, invoices_of
from common.money import Money
from members.models import Member


def attention(
    member: Member, current: Membership, about_refunds: Sequence[Attention]
) -> list[Attention]:
    """Return what the member must do or know, the most urgent first."""
    asked = [_request_attention(row) for row in asked_of(member.user)]
    return [
        *_two_memberships(current),
        *_membership_attention(member, current),
        *sent_invoices(member.user),
        *about_refunds,
        *_banks_at_work(member.user),
        *asked,
    ]


def _two_memberships(current: Membership) -> list[Attention]:
    """Say that both are charged. Staff are told and end one."""
    if not current.has_two or current.price is None:
        return []
    others = [one.price for one in current.also_billed if one.is_membership]
    prices = texts.listed([f"{current.price} a {current.interval}", *others])
    return [
        Attention(
            Tone.WAIT,
            "You have two memberships",
            f"You're charged for both: {prices}. We've been notified and will fix this. "
            f"Questions? Write to {settings.SUPPORT_EMAIL}.",
        )
    ]


def _banks_at_work(user: User) -> list[Attention]:
    """Return the single payments that a bank is sending."""
    rows = Payment.objects.for_user(user).filter(invoice=None, status=PaymentStatus.PROCESSING)
    return [
        Attention(
            Tone.WAIT,
            f"Your payment of {Money(row.amount, row.currency)} is on its way",
            f"For: {descriptions.of_single(row)}. {texts.PROCESSING}",
        )
        for row in rows[:PAGE_SIZE]
    ]


def asked_of(user: User) -> models.QuerySet[PaymentRequest]:
    """Return the requests that staff sent the member and that can still be paid."""
    rows = PaymentRequest.objects.for_user(user).payable().not_being_paid()
    return rows.filter(sent_at__isnull=False)


def _request_attention(request: PaymentRequest) -> Attention:
    until = f" You can pay until {long_date(request.expires_at)}." if request.expires_at else ""
    return Attention(
        Tone.WAIT,
        f"Please pay {request.price}",
        f"For: {request.description}.{until}{_tax_sentence()}",
        f"Pay {request.price}",
        pay_links.path_of(request),
    )


def _tax_sentence() -> str:
    is_added = tax_settings.of_single_payments() == tax_texts.ADDED
    return " Tax is added at checkout." if is_added else ""


def _membership_attention(member: Member, current: Membership) -> list[Attention]:
    rows = invoices_of(member.user)
    if not current.is_member:
        not_begun = models.Q(subscription__status=SubscriptionStatus.INCOMPLETE)
        rows = rows.filter(not_begun | models.Q(subscription__is_membership=False))
    unpaid = (
        rows.filter(amount_remaining__gt=0)
        .exclude(collection_method=CollectionMethod.SEND)
        .exclude(collection=Collection.NONE)
        # What an earlier membership left behind does not decide about this one.
        .exclude(subscription__status__in=ENDED_SUBSCRIPTION)
        .prefetch_related("payments")[:PAGE_SIZE]
    )
    # Of each thing that is paid for, the newest.
    newest = {row.subscription_id: row for row in reversed(unpaid)}
    found = [_unpaid_attention(row) for row in reversed(newest.values())]
    if all(row.subscription and not row.membership for row in newest.values()):
        found += _card_matters(current)
    return found


def _card_matters(current: Membership) -> list[Attention]:
    """Return what the member must do about the card that pays for the membership."""
    if current.standing == Standing.PAYMENT_DUE and not _waits_for_invoice(current):
        return [
            _card_attention(
                Tone.BAD,
                "Your last payment didn’t go through",
                "Please check the card that we charge.",
            )
        ]
    return _card_attentions(current)


def _card_attentions(current: Membership) -> list[Attention]:
    """Return what is to be done about address and card of a membership that is paid up."""
    if current.row and current.row.tax_problem and settings.STRIPE_TAX:
        return [_address_attention()]
    if other := _other_card_attention(current):
        return [other]
    is_charged = current.row is not None and current.row.is_renewal_charged
    if current.card_expires_soon and is_charged:
        return [
            _card_attention(
                Tone.WAIT,
                f"Your {current.card} expires soon",
                f"It can be charged until the end of {current.card_expires}. "
                "Add the new one, so that your next payment goes through.",
            )
        ]
    return []


def _waits_for_invoice(current: Membership) -> bool:
    """Whether what is open is an invoice to pay, which stands among those."""
    return current.row is not None and collecting.overdue_invoice(current.row) is not None


def sent_invoices(user: User) -> list[Attention]:
    """Return the invoices that were sent to the member to be paid, the most urgent first."""
    rows = (
        invoices_of(user)
        .filter(
            status=InvoiceStatus.OPEN,
            collection_method=CollectionMethod.SEND,
            amount_remaining__gt=0,
        )
        .exclude(subscription__status__in=ENDED_SUBSCRIPTION)
        .order_by(F("due_at").asc(nulls_last=True), "pk")
        .prefetch_related("payments")
    )
    found = list(rows[:PAGE_SIZE])
    names = descriptions.product_names(found)
    return [_sent_attention(row, descriptions.of_invoice(row, names)) for row in found]


def _sent_attention(row: Invoice, description: str) -> Attention:
    """Ask to pay a sent invoice; nobody has declined it unless the member has tried."""
    if row.collection in (Collection.PROCESSING, Collection.REQUIRES_ACTION):
        return _unpaid_attention(row)
    amount = Money(row.amount_remaining, row.currency)
    day = long_date(row.due_at) if row.due_at else ""
    title = f"Please pay {amount}" + (f" by {day}" if day else "")
    if row.is_overdue:
        title = f"{amount} was due on {day}"
    text = f"Invoice {row.number} for {description}."
    if row.collection == Collection.FAILED:
        text = f"{text} Your last try didn't go through. {_last_refusal(row)}"
    return Attention(
        Tone.BAD if row.is_overdue else Tone.WAIT,
        title,
        text,
        f"Pay {amount} now",
        reverse("billing:invoice-hosted", args=[row.pk]),
    )


def _other_card_attention(current: Membership) -> Attention | None:
    """Ask whether the card that paid the last invoice shall pay the next ones too."""
    paid = cards.other_card(current.row) if current.row else None
    if paid is None:
        return None
    card = texts.card(paid.card_brand, paid.card_last4)
    return Attention(
        Tone.WAIT,
        f"Use {card} for the next charges too?",
        f"You paid your last invoice with it. {_now_pays(current)}",
        f"Use {card}",
        reverse("billing:use-card", args=[paid.pk]),
        "post",
    )


def _now_pays(current: Membership) -> str:
    """Say what the next payment is charged to as long as nothing is done."""
    if current.card:
        return f"Your next payment is still charged to your {current.card}."
    if current.row and current.row.method_id:
        return "Your next payment is still charged to another payment method."
    return "There's no card for your next payment yet."


def _address_attention() -> Attention:
    """Ask for the address without which no tax can be worked out."""
    return Attention(
        Tone.WAIT,
        "Please add your billing address",
        "We need it to work out the tax on your membership. You're still a member, and nothing "
        "else changes.",
        "Add billing address",
        reverse("billing:manage-card"),
        "post",
    )


def _card_attention(tone: Tone, title: str, text: str) -> Attention:
    return Attention(tone, title, text, "Update your card", reverse("billing:manage-card"), "post")


def _unpaid_attention(invoice: Invoice) -> Attention:
    amount = Money(invoice.amount_remaining, invoice.currency)
    hosted = reverse("billing:invoice-hosted", args=[invoice.pk])
    match invoice.collection:
        case Collection.PROCESSING:
            return Attention(
                Tone.WAIT,
                f"Your payment of {amount}{_for_what(invoice)} is on its way",
                texts.PROCESSING,
            )
        case Collection.REQUIRES_ACTION:
            title = f"Please confirm your payment of {amount}{_for_what(invoice)}"
            return Attention(Tone.WAIT, title, texts.TO_CONFIRM, f"Confirm {amount}", hosted)
    return _failed_attention(invoice, amount, hosted)


def _failed_attention(invoice: Invoice, amount: Money, hosted: str) -> Attention:
    reason = _last_refusal(invoice)
    again = invoice.next_payment_attempt_at
    if invoice.subscription and invoice.subscription.status == SubscriptionStatus.INCOMPLETE:
        what = "Your membership" if invoice.membership else invoice.subscription.name
        outlook = f"{what} begins once it is paid."
    elif again:
        outlook = f"We’ll try again on {long_date(again)}."
    elif invoice.subscription:
        what = "your membership" if invoice.membership else invoice.subscription.name
        was_last = "This was the last try: pay" if invoice.was_last_try else "Pay"
        outlook = f"{was_last} now to keep {what}."
    else:
        outlook = "You can pay it now, with this card or another."
    title = f"Your payment of {amount}{_for_what(invoice)} didn’t go through"
    return Attention(Tone.BAD, title, f"{reason} {outlook}", f"Pay {amount}", hosted)


def _last_refusal(invoice: Invoice) -> str:
    """Return why the last try to pay an invoice failed."""
    tries = [one for one in invoice.payments.all() if not one.is_outside]
    last = tries[0] if tries else None
    return texts.failure(last.failure_code, last.card_brand) if last else texts.failure("")


def _for_what(invoice: Invoice) -> str:
    """Return " for Locker rental" where an invoice is for something else than the membership."""
    row = invoice.subscription
    return "" if row is None or row.is_membership else f" for {row.name}"


def left_open(user: User) -> list[Attention]:
    """Return what earlier memberships left unpaid: Stripe keeps it open, and asks no more.

    It has nothing to do with becoming a member again, and says so.
    """
    rows = invoices_of(user).filter(
        status=InvoiceStatus.OPEN,
        amount_remaining__gt=0,
        subscription__status__in=ENDED_SUBSCRIPTION,
    )
    return [_left_open(row) for row in rows[:PAGE_SIZE]]


def _earlier(row: Invoice) -> str:
    """Return "membership", or what else an invoice was for."""
    return row.subscription.name if row.subscription and not row.membership else "membership"


def _left_open(row: Invoice) -> Attention:
    amount = Money(row.amount_remaining, row.currency)
    day = long_date(row.finalized_at or row.created_at)
    return Attention(
        Tone.INFO,
        f"{amount} from your earlier {_earlier(row)} is still open",
        f"It’s the invoice of {day}. You won’t be charged automatically; you can pay it "
        "whenever you like. This is separate from any new membership.",
        f"Pay {amount}",
        reverse("billing:invoice-hosted", args=[row.pk]),
    )
