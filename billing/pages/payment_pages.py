"""The member's invoices and payments: the list, and each in full."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import texts
from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.core.statuses import GIVEN_UP_BY_PAUSE, Collection, CreditNoteStatus, InvoiceStatus
from billing.core.tones import Alert, Tone
from billing.facts import businesses, descriptions, invoice_parts, zelle
from billing.models import CreditNote, Invoice, Payment
from billing.pages import zelle_pages
from billing.pages.payment_facts import InvoiceFacts, SinglePaymentFacts
from billing.pages.payment_lines import (
    InvoiceLine,
    PaymentLine,
    invoice_line,
    payment_line,
)
from billing.refunds import lines, offers
from common import days
from common.money import Money
from common.paths import numbered


@dataclass(frozen=True)
class InvoiceItem:
    """A line of an invoice."""

    description: str
    quantity: int
    amount: Money
    period_start: datetime | None
    period_end: datetime | None

    @property
    def period(self) -> str:
        """Its period in words, in the reader's time zone: a single day for a one-time sale."""
        if self.period_start is None or self.period_end is None:
            return ""
        start, end = timezone.localtime(self.period_start), timezone.localtime(self.period_end)
        if start.date() == end.date():
            return days.long(end)
        first = days.plain(start) if start.year == end.year else days.long(start)
        return _("%(first)s to %(last)s") % {"first": first, "last": days.long(end)}


@dataclass(frozen=True)
class CreditNoteLine:
    """An invoice's credit note: what happened to its amount, and its document."""

    number: str
    date: datetime
    amount: Money
    tone: Tone
    label: str  # "Issued", "Void"
    why: str  # "because it was charged twice"
    sentences: list[str]
    pdf_url: str


@dataclass(frozen=True)
class InvoicePage:
    """An invoice in full. `pay_url`, `pdf_url`, and `hosted_url` are our own addresses.

    The total is lines less discount plus `taxes`. `credits` are labeled amounts between the total
    and the amount due. `note` explains a state that asks for no money.
    """

    head: InvoiceLine
    items: list[InvoiceItem]
    subtotal: Money
    discount: Money | None
    discount_label: str  # "Discount (code WELCOME50)"
    taxes: list[tuple[str, Money]]  # on top of the lines
    total: Money
    taxes_included: list[tuple[str, Money]]  # included in the total rather than added
    tax_note: str  # "Tax exempt."
    billed_to: list[tuple[str, str]]  # a business's name and tax IDs
    credits: list[tuple[str, Money]]
    due: Money | None  # if it differs from the total, and something is due
    due_label: str  # "Due", or "Paid" once it is
    paid: Money
    remaining: Money
    note: str
    credit_notes: list[CreditNoteLine]
    payments: list[PaymentLine]
    hosted_url: str
    pdf_url: str
    pay_url: str  # empty if there's nothing to pay
    zelle_url: str  # of the payment by Zelle that's awaited for it
    zelle_action: str  # where to start one
    zelle_alert: Alert | None
    receipt_url: str  # our own, of the payment by Zelle that paid it
    is_overdue: bool


def invoice_page(facts: InvoiceFacts) -> InvoicePage:
    """Return an invoice in full."""
    invoice, rows = facts.invoice, facts.payments
    head = invoice_line(invoice, facts.names, rows, facts.refunds)
    may_pay = (
        invoice.status == InvoiceStatus.OPEN
        and invoice.amount_remaining > 0
        and invoice.collection != Collection.PROCESSING
    )
    hosted = reverse("billing:invoice-hosted", args=[invoice.pk])
    awaited = facts.by_zelle
    has_money = awaited is not None and zelle_pages.has_money(awaited)
    parts = invoice_parts.of(invoice, facts.taxes)
    return InvoicePage(
        head=head,
        items=[_invoice_item(line, invoice.currency) for line in invoice.lines],
        subtotal=invoice.money_subtotal,
        discount=parts.discount,
        discount_label=parts.discount_label,
        taxes=parts.taxes,
        total=invoice.money,
        taxes_included=parts.taxes_included,
        tax_note=parts.tax_note,
        billed_to=businesses.of_invoice(invoice),
        credits=parts.credits,
        due=invoice.money_due
        if invoice.amount_due != invoice.total and invoice.total > 0
        else None,
        due_label=_("Paid") if invoice.status == InvoiceStatus.PAID else _("Due"),
        paid=invoice.money_paid,
        remaining=invoice.money_remaining,
        note=_paid_by_zelle(facts) or _invoice_note(invoice),
        credit_notes=[_credit_note_line(row) for row in facts.notes],
        payments=[_with_refunds(row, head.description, facts) for row in rows],
        hosted_url=hosted if invoice.hosted_url else "",
        pdf_url=reverse("billing:invoice-pdf", args=[invoice.pk]) if invoice.pdf_url else "",
        pay_url=hosted if may_pay and not has_money else "",
        zelle_url=numbered("billing:zelle", awaited.pk) if awaited and may_pay else "",
        zelle_action=reverse("billing:pay-invoice-by-zelle", args=[invoice.pk])
        if may_pay and awaited is None and _takes_zelle(facts)
        else "",
        zelle_alert=next(iter(zelle_pages.alerts([awaited], facts.zelle_terms)), None)
        if awaited and not awaited.booked_at and invoice.status != InvoiceStatus.PAID
        else None,
        receipt_url=reverse("billing:zelle-receipt", args=[awaited.pk])
        if awaited and awaited.state == ExpectedState.CONFIRMED
        else "",
        is_overdue=invoice.is_overdue,
    )


def _paid_by_zelle(facts: InvoiceFacts) -> str:
    """Return how a paid invoice was paid, if by Zelle."""
    row = facts.by_zelle
    if facts.invoice.status != InvoiceStatus.PAID or row is None or row.is_open:
        return ""
    memo = zelle.shown(row, facts.zelle_terms)
    return _("You paid this by Zelle with the memo %(memo)s.") % {"memo": memo}


def _takes_zelle(facts: InvoiceFacts) -> bool:
    """Whether an open invoice can be paid by Zelle; one that's charged would be paid twice."""
    row = facts.invoice
    return row.is_sent and zelle.takes(
        ZellePurpose.INVOICE, row.amount_remaining, row.currency, known=facts.zelle_terms
    )


def _invoice_note(invoice: Invoice) -> str:
    """Return an explanation of a state that asks for no money."""
    if invoice.status == InvoiceStatus.UNCOLLECTIBLE:
        is_paused = invoice.given_up_reason == GIVEN_UP_BY_PAUSE
        return str(texts.PAUSED if is_paused else texts.GIVEN_UP)
    if invoice.status == InvoiceStatus.VOID:
        return str(texts.VOID)
    if invoice.collection == Collection.PROCESSING:
        return str(texts.PROCESSING)
    if invoice.collection == Collection.REQUIRES_ACTION:
        return str(texts.TO_CONFIRM)
    return _paid_directly(invoice) if invoice.amount_paid_outside else ""


def _paid_directly(invoice: Invoice) -> str:
    """Return how much of an invoice was paid outside of Stripe."""
    if invoice.amount_paid_outside == invoice.amount_paid and not invoice.amount_remaining:
        return str(texts.PAID_DIRECTLY)
    amount = invoice.money_paid_outside
    return _("You paid us %(amount)s of this directly, and we’ve recorded it.") % {"amount": amount}


def _credit_note_line(row: CreditNote) -> CreditNoteLine:
    is_void = row.status == CreditNoteStatus.VOID
    why = texts.CREDIT_REASONS.get(row.reason, "")
    return CreditNoteLine(
        number=row.number,
        date=row.created_at,
        amount=Money(-row.amount, row.currency),
        tone=Tone.INFO if is_void else Tone.GOOD,
        label=_("Void") if is_void else _("Issued"),
        why=_("because it was %(reason)s") % {"reason": why} if why else "",
        sentences=[_("This credit note was voided and has no effect.")]
        if is_void
        else texts.credit_note(row),
        pdf_url=reverse("billing:credit-note-pdf", args=[row.pk]) if row.pdf_url else "",
    )


def payment_page(facts: SinglePaymentFacts) -> PaymentLine:
    """Return a payment without an invoice in full."""
    return _with_refunds(facts.payment, descriptions.of_single(facts.payment), facts)


def _with_refunds(
    row: Payment, description: str, facts: InvoiceFacts | SinglePaymentFacts
) -> PaymentLine:
    """Return a member's payment with what can be refunded, and what was."""
    judging = facts.judging
    judgments = offers.judged(judging.policy, judging.facts, [row])
    beside = offers.offers_beside(judging.policy, judgments, facts.refunds)
    return replace(
        payment_line(row, description, facts.refunds),
        offer=beside.get(row.pk),
        refunds=[lines.line_of(one) for one in facts.refunds if one.payment_id == row.pk],
    )


def _invoice_item(line: dict[str, object], currency: str) -> InvoiceItem:
    description, quantity = str(line["description"]), int(str(line["quantity"]))
    return InvoiceItem(
        description=description,
        # Stripe's prefix for a subscription item's line: "2 × Membership (at …)".
        quantity=1 if description.startswith(f"{quantity} ×") else quantity,
        amount=Money(int(str(line["amount"])), currency),
        period_start=_line_time(line.get("period_start")),
        period_end=_line_time(line.get("period_end")),
    )


def _line_time(value: object) -> datetime | None:
    return datetime.fromtimestamp(int(str(value)), UTC) if value else None
