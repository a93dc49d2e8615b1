"""Invoices and payments as lines in a list, with their state in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.statuses import GIVEN_UP_BY_PAUSE, DisputeStatus, InvoiceStatus, PaymentStatus
from billing.core.statuses import Collection as HowCollected
from billing.core.tones import Alert, Tone
from billing.facts import descriptions, income
from billing.facts.descriptions import ProductNames
from billing.facts.income import Settlement
from billing.models import Dispute, Invoice, Payment, Refund
from billing.models.copy import MemberRecordQuerySet
from billing.refunds import lines
from billing.refunds.lines import RefundLine
from billing.refunds.offers import Offer
from common.money import Money
from common.paths import numbered
from common.reads import Person

PAGE_SIZE = 12
# Tones of a successful payment's states; all others are just information.
TONES = {
    Settlement.PAID: Tone.GOOD,
    Settlement.PAID_DIRECTLY: Tone.GOOD,
    Settlement.DISPUTED: Tone.WAIT,
    Settlement.BEING_REFUNDED: Tone.WAIT,
}
# The state of an invoice paid by several payments: the first of these that one of them has.
FOREMOST = (Settlement.DISPUTED, Settlement.BEING_REFUNDED, Settlement.RETURNED)


@dataclass(frozen=True)
class InvoiceLine:
    """One row in the list of invoices, and the header of its page."""

    url: str
    number: str
    date: datetime
    total: Money
    tone: Tone
    label: str  # "Paid", "Partly refunded", "Payment failed", "Open", "Void"
    description: str
    credited: Money | None = None  # what credit notes took off, before payment and after it
    from_credit: Money | None = None  # what earlier credit paid
    paid: Money | None = None  # what was paid another way if credit paid part of it
    refunded: Money | None = None  # what went back, unless a credit note already says it
    refunding: Money | None = None  # what is on its way back
    refundable: str = ""  # "Refundable until Dec 4"
    due: datetime | None = None  # when a sent one is due
    methods: str = ""  # what paid it: "Visa ending in 4242"
    picture: str = ""  # of the last of them

    @property
    def has_parts(self) -> bool:
        """Whether more than one card payment makes up its total, or money went back."""
        parts = (self.credited, self.from_credit, self.paid, self.refunded, self.refunding)
        return any(one is not None for one in parts)


@dataclass(frozen=True)
class PaymentLine:
    """One payment: "$29.00, Visa ending in 4242, November 4"."""

    date: datetime
    amount: Money
    refunded: Money | None
    refunding: Money | None  # what is on its way back
    tone: Tone
    label: str
    method: str
    picture: str  # of the method
    description: str
    tax: Money | None = None  # included in it, unless an invoice says so
    url: str = ""
    receipt_url: str = ""  # once its money arrived
    email_url: str = ""  # where to ask for it by email
    problem: str = ""  # why it failed, or what it's waiting for, in plain words
    disputes: tuple[Alert, ...] = ()  # what the bank did with it
    refundable: str = ""  # "Refundable until Dec 4", in a list
    offer: Offer | None = None  # what can be refunded, in full
    refunds: list[RefundLine] = field(default_factory=list)


def invoices_of(user: Person) -> MemberRecordQuerySet[Invoice]:
    """Return the invoices that a member may see: their own, except drafts."""
    return (
        Invoice.objects.for_user(user)
        .exclude(status=InvoiceStatus.DRAFT)
        .select_related("subscription")
    )


def invoice_line(
    row: Invoice,
    names: ProductNames,
    payments: Sequence[Payment],
    refunds: Collection[Refund],
    briefs: Mapping[int, str] | None = None,
) -> InvoiceLine:
    """Return an invoice as a row, given its payments and at least their refunds under way.

    `briefs`: what can be refunded, by payment key.
    """
    tone, label = _invoice_state(row, payments, refunds)
    back = [income.gone_back(one, refunds) for one in payments]
    refunded = 0 if row.credit_notes_amount else sum(one.done for one in back)
    refunding = sum(one.under_way for one in back)
    refundable = [brief for one in payments if (brief := (briefs or {}).get(one.pk))]
    came = [one for one in payments if one.status == PaymentStatus.SUCCEEDED]
    is_paid = row.status == InvoiceStatus.PAID
    by_credit = row.balance_applied < 0
    return InvoiceLine(
        url=numbered("billing:invoice", row.pk),
        number=row.number,
        date=row.finalized_at or row.created_at,
        total=row.money,
        tone=tone,
        label=label,
        description=descriptions.of_invoice(row, names),
        credited=Money(-row.credit_notes_amount, row.currency) if row.credit_notes_amount else None,
        from_credit=row.money_balance_applied if by_credit else None,
        paid=row.money_paid if by_credit and is_paid else None,
        refunded=Money(-refunded, row.currency) if refunded else None,
        refunding=Money(-refunding, row.currency) if refunding else None,
        refundable=next(iter(refundable), ""),
        due=row.due_at if row.is_payable and row.is_sent else None,
        methods=", ".join(dict.fromkeys(filter(None, map(_method, came)))),
        picture=came[-1].card_brand if came else "",
    )


def _invoice_state(
    row: Invoice, payments: Sequence[Payment], refunds: Collection[Refund]
) -> tuple[Tone, str]:
    match row.status:
        case InvoiceStatus.PAID if row.total < 0:
            return Tone.INFO, _("Credited")
        case InvoiceStatus.PAID:
            return _paid_state(row, payments, refunds)
        case InvoiceStatus.VOID:
            return Tone.INFO, _("Void")
        case InvoiceStatus.UNCOLLECTIBLE if row.given_up_reason == GIVEN_UP_BY_PAUSE:
            return Tone.INFO, _("Not charged")
        case InvoiceStatus.UNCOLLECTIBLE:
            return Tone.BAD, _("Not paid")
        case _:
            return _open_invoice_state(row)


def _paid_state(
    row: Invoice, payments: Sequence[Payment], refunds: Collection[Refund]
) -> tuple[Tone, str]:
    """Return a paid invoice's state, in the same words as its payments'."""
    settlements = {
        income.settlement(one, income.gone_back(one, refunds).under_way)
        for one in payments
        if one.status == PaymentStatus.SUCCEEDED
    }
    if foremost := next((one for one in FOREMOST if one in settlements), None):
        return _settled(foremost)
    if settlements == {Settlement.PAID_DIRECTLY}:
        return _settled(Settlement.PAID_DIRECTLY)
    if settlements - {Settlement.PAID, Settlement.PAID_DIRECTLY}:
        is_all = settlements == {Settlement.REFUNDED}
        return _settled(Settlement.REFUNDED if is_all else Settlement.PARTLY_REFUNDED)
    if 0 < row.total <= row.credit_notes_amount:
        return Tone.INFO, _("Credited")
    return _settled(Settlement.PAID)


def _settled(settlement: Settlement) -> tuple[Tone, str]:
    return TONES.get(settlement, Tone.INFO), str(income.LABELS[settlement])


def _open_invoice_state(row: Invoice) -> tuple[Tone, str]:
    match row.collection:
        case HowCollected.PROCESSING:
            return Tone.WAIT, _("In progress")
        case HowCollected.REQUIRES_ACTION:
            return Tone.WAIT, _("Needs your confirmation")
        case _ if row.is_sent:
            return (Tone.BAD, _("Overdue")) if row.is_overdue else (Tone.WAIT, _("To pay"))
        case _ if row.attempt_count:
            return Tone.BAD, _("Payment failed")
        case _:
            return Tone.WAIT, _("Open")


def payment_line(row: Payment, description: str, refunds: Collection[Refund]) -> PaymentLine:
    """Return a payment as a row, given at least its refunds under way."""
    back = income.gone_back(row, refunds)
    tone, label = _payment_state(row, back.under_way)
    has_receipt = row.status == PaymentStatus.SUCCEEDED and row.paid_at is not None
    return PaymentLine(
        date=row.paid_at or row.created_at,
        amount=row.money,
        refunded=Money(back.done, row.currency) if back.done else None,
        refunding=Money(back.under_way, row.currency) if back.under_way else None,
        tone=tone,
        label=label,
        method=_method(row),
        picture=row.card_brand,
        description=description,
        tax=row.money_tax if row.tax else None,
        url=payment_url(row),
        receipt_url=numbered("billing:receipt", row.pk) if has_receipt else "",
        email_url=numbered("billing:email-receipt", row.pk) if has_receipt else "",
        problem=_problem(row),
        disputes=tuple(_dispute_notice(one) for one in row.disputes.all()),
    )


def _method(row: Payment) -> str:
    return texts.card(row.card_brand, row.card_last4)


def _dispute_notice(row: Dispute) -> Alert:
    """Return what to tell the member about a dispute."""
    amount = row.money
    match row.status:
        case DisputeStatus.WON:
            return _notice(Tone.INFO, texts.DISPUTE_WON, texts.DISPUTE_WON_TEXT)
        case DisputeStatus.LOST:
            text = texts.DISPUTE_LOST_TEXT % {"amount": amount}
            return _notice(Tone.INFO, texts.DISPUTE_LOST, text)
        case DisputeStatus.WARNING_CLOSED | DisputeStatus.PREVENTED:
            return _notice(Tone.INFO, texts.DISPUTE_SETTLED, texts.DISPUTE_SETTLED_TEXT)
        case _ if row.is_inquiry:
            return _notice(Tone.WAIT, texts.ASKED_BY_BANK, texts.ASKED_BY_BANK_TEXT)
    return _notice(Tone.WAIT, texts.DISPUTED, texts.DISPUTED_TEXT % {"amount": amount})


def _notice(tone: Tone, title: str | Promise, text: str | Promise) -> Alert:
    return Alert(tone, str(title), str(text))


def _problem(row: Payment) -> str:
    """Return why a payment isn't made, or what it's waiting for."""
    match row.status:
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return texts.failure(row.failure_code, row.card_brand)
        case PaymentStatus.REQUIRES_ACTION:
            return str(texts.TO_CONFIRM)
        case PaymentStatus.PROCESSING:
            return str(texts.PROCESSING)
        case _:
            return ""


def payment_url(row: Payment) -> str:
    """Return the page of what was paid for: the invoice's, or the payment's own."""
    if row.invoice_id:
        return numbered("billing:invoice", row.invoice_id)
    return numbered("billing:payment", row.pk)


def _payment_state(row: Payment, under_way: int) -> tuple[Tone, str]:
    if settlement := income.settlement(row, under_way):
        return _settled(settlement)
    match row.status:
        case PaymentStatus.CANCELED:
            return Tone.INFO, _("Canceled")
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return Tone.BAD, _("Failed")
        case PaymentStatus.REQUIRES_ACTION:
            return Tone.WAIT, _("Needs your confirmation")
        case _:
            return Tone.WAIT, _("In progress")


def refund_lines(rows: Sequence[Refund], names: ProductNames) -> list[RefundLine]:
    """Return refunds as rows. `names` are product names."""
    return [lines.line_of(row, descriptions.of_payment(row.payment, names)) for row in rows]
