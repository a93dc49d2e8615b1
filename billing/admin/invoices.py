"""Invoices: what members were asked to pay, their totals, and refunds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Case, F, Q, Sum, When
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing.admin import exports, invoice_buttons, labels
from billing.admin.copies import SHOWN, Rows, StripeCopyAdmin, on_day
from billing.admin.invoice_buttons import InvoiceButtons
from billing.admin.money_list import MoneyListAdmin
from billing.admin.refunds import giving
from billing.admin.refunds.case import refunds_of
from billing.admin.refunds.dialogs import GiveOnInvoiceForm
from billing.admin.refunds.giving import GivesRefunds
from billing.core import texts
from billing.core.statuses import GIVEN_UP_BY_PAUSE, Collection, CollectionMethod, InvoiceStatus
from billing.facts import income, taxes
from billing.models import Invoice, Refund
from billing.refunds import service as refunds
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import button, column, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

COUNTS = ~Q(status__in=[InvoiceStatus.DRAFT, InvoiceStatus.VOID])
# For invoices whose status or collection says it all.
OUTLOOKS: dict[str, str] = {
    InvoiceStatus.VOID: "Void: counts for nothing",
    InvoiceStatus.UNCOLLECTIBLE: "Given up: will not be tried again",
    Collection.PROCESSING: "The bank is working on it",
    Collection.REQUIRES_ACTION: "Waits for the member, whom the bank wants to ask",
}


class ToPayFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Sent invoices that are waiting to be paid."""

    title = "sent to be paid"
    parameter_name = "to_pay"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all of them, and overdue ones."""
        return [("yes", "Waiting to be paid"), ("overdue", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        waiting = queryset.filter(
            status=InvoiceStatus.OPEN,
            collection_method=CollectionMethod.SEND,
            amount_remaining__gt=0,
        )
        match self.value():
            case "yes":
                return waiting
            case "overdue":
                return waiting.filter(due_at__lte=timezone.now())
            case _:
                return queryset


def _open_outlook(row: Invoice) -> str:
    """Say when an open invoice is retried, or when it's due."""
    if row.is_sent and row.due_at:
        return f"{'Was due' if row.is_overdue else 'Due'} {show.day(row.due_at)}"
    if row.next_payment_attempt_at:
        return f"Will be tried again {show.day(row.next_payment_attempt_at)}"
    if row.was_last_try:
        return "Will not be tried again"
    return "Stripe has yet to set the next try" if row.attempt_count else show.NOTHING


def _paid_on(row: Invoice) -> str:
    return f"Paid {show.day(row.paid_at)}" if row.paid_at else show.NOTHING


@admin.register(Invoice)
class InvoiceAdmin(InvoiceButtons, GivesRefunds, MoneyListAdmin, StripeCopyAdmin):
    """Invoices: what members were asked to pay."""

    stripe_path = "invoices"
    payments_by = "invoice"
    actions_detail: ClassVar[list[Any]] = [
        *("open_in_stripe", "give_on_invoice"),
        {
            "title": "Settle",
            "icon": "price_check",
            "items": [*invoice_buttons.BUTTONS, *invoice_buttons.OF_DRAFT],
        },
    ]
    search_fields = ["number__istartswith", "number__has_part", "stripe_id__startswith"]
    amount_field = "total"
    search_help_text = "Part of a name or email address, phone, amount, invoice number, or in_…"
    list_display = ["who", "amount", "state", "issued", "outlook", "number"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ToPayFilter,
        ("created_at", by_day("day issued")),
    ]
    fieldsets = [
        (None, {"fields": ["state", "member", "amount", "outlook", "lines_table", "credit_notes"]}),
        ("Dates", {"fields": ["issued", "due", "paid", "closed"]}),
        ("Belongs together", {
            "fields": [
                "customer_link", "subscription_link", "payments", "refunds", "documents", "events",
            ],
        }),
        ("Copy of Stripe's record", {
            "fields": [
                "number", "stripe_id", "billing_reason", "collection_method", "attempt_count",
                "collection", "read",
            ],
        }),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact", "subscription__id__exact"})
    # A draft asks for nothing yet, and a void invoice never did. Negative amounts are credit, and
    # so is what credit notes took off.
    sums = {
        "Invoiced": Sum("total", filter=COUNTS & Q(total__gt=0)),
        "Credited": Sum(
            Case(When(total__lt=0, then=F("total")), default=0)
            - F("pre_payment_credit_notes_amount")
            - F("post_payment_credit_notes_amount"),
            filter=COUNTS,
        ),
        # What the member's balance paid; negative if it added a debt.
        "From credit": Sum(
            F("ending_balance") - F("starting_balance"), filter=COUNTS & Q(total__gt=0)
        ),
        "Paid": Sum("amount_paid"),
        "Paid outside Stripe": Sum("amount_paid_outside"),
        "Still to pay": Sum("amount_remaining", filter=Q(status=InvoiceStatus.OPEN)),
    }
    export_columns = exports.INVOICE_COLUMNS

    def export_rows(self, rows: Rows) -> Iterator[list[Cell]]:
        """Rows for a bookkeeper."""
        return exports.invoices(rows)

    def palette_title(self, row: Invoice) -> str:
        """Whose, how much, and which."""
        return f"{show.name_of(row.customer.user)}: {on_day(row)}, {row}"

    @column("State", ordering="status")
    def state(self, row: Invoice) -> SafeString:
        """Its state in its color."""
        return show.badge(*labels.invoice(row))

    @column("Total", ordering="total")
    def amount(self, row: Invoice) -> str:
        """The total as text."""
        return str(row.money)

    @column("Issued", ordering="created_at")
    def issued(self, row: Invoice) -> str:
        """The day it was made."""
        return show.day(row.created_at)

    @column("Due")
    def due(self, row: Invoice) -> str:
        """When it's due."""
        return show.moment(row.due_at)

    @column("Paid")
    def paid(self, row: Invoice) -> str:
        """When it was paid."""
        return show.moment(row.paid_at)

    @column("Voided or given up")
    def closed(self, row: Invoice) -> str:
        """When it stopped asking for money."""
        return show.moment(row.voided_at or row.given_up_at)

    @column("Credit notes")
    def credit_notes(self, row: Invoice) -> SafeString | str:
        """Links to each."""
        notes = row.credit_notes.all()[:SHOWN]
        return show.links([(show.page_of(one), f"{one}: {one.money}") for one in notes])

    @column("Outlook")
    def outlook(self, row: Invoice) -> str:
        """What will happen to it automatically."""
        if row.status == InvoiceStatus.DRAFT and row.finalization_error:
            return f"Stripe can't finalize it: {row.finalization_error.replace('_', ' ')}"
        if row.total < 0 and row.status == InvoiceStatus.PAID:
            return "Credit: lowers the next invoices"
        if row.given_up_reason == GIVEN_UP_BY_PAUSE:
            return "Given up: payments were paused"
        if stands := OUTLOOKS.get(row.status) or OUTLOOKS.get(row.collection):
            return stands
        return _open_outlook(row) if row.is_payable else _paid_on(row)

    @column("Lines")
    def lines_table(self, row: Invoice) -> SafeString:
        """The lines and their total."""
        tax = taxes.of_invoice(row)
        above = [("Discount", -row.discount if row.discount else 0), *tax.added]
        below = [
            *taxes.included_words(tax.included),
            *texts.invoice_credits(row),
            ("Due", row.amount_due if row.amount_due != row.total else 0),
            ("Paid", row.amount_paid),
            ("Of that outside Stripe", row.amount_paid_outside),
            ("Still to pay", row.amount_remaining),
            ("Credited after payment", -row.post_payment_credit_notes_amount),
        ]
        lines = [(line["description"], line["amount"]) for line in row.lines]
        shown = [*lines, *_filled(above), ("Total", row.total), *_filled(below)]
        rows = [(text, Money(amount, row.currency)) for text, amount in shown]
        return format_html(
            '<table class="staff-table">{}</table>',
            format_html_join("", "<tr><td>{}</td><td>{}</td></tr>", rows),
        )

    @column("Subscription")
    def subscription_link(self, row: Invoice) -> SafeString | str:
        """Link to the subscription."""
        return show.link(row.subscription, "The membership") if row.subscription else show.NOTHING

    @column("Payments")
    def payments(self, row: Invoice) -> SafeString | str:
        """Links to each attempt to pay it."""
        payments = row.payments.prefetch_related("disputes")[:SHOWN]
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.money}, {income.label(one).lower()}",
                )
                for one in payments
            ]
        )

    @column("Refunds")
    def refunds(self, row: Invoice) -> SafeString | str:
        """Links to each refund of its payments."""
        return refunds_of(Refund.objects.filter(payment__invoice=row))

    @recently_signed_in
    @button(
        "Refund",
        icon="undo",
        path=giving.PATH,
        permission="give",
        question="Refund this invoice?",
        explanation=(
            "Its newest payment goes back first, then the one before it. At the policy’s amount or"
            " more, somebody else has to agree."
        ),
        form=GiveOnInvoiceForm,
        is_primary=False,
    )
    def give_on_invoice(
        self, request: HttpRequest, form: GiveOnInvoiceForm, object_id: str
    ) -> HttpResponse:
        """Refund it without a request."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self.give_refund(
            request,
            form,
            row,
            lambda: refunds.give_on_invoice(row.pk, actor, form.as_request()),
            self.give_on_invoice,
        )

    @column("Documents")
    def documents(self, row: Invoice) -> SafeString | str:
        """Stripe's page and PDF."""
        pairs = [(row.hosted_url, "Stripe's page for the member"), (row.pdf_url, "PDF")]
        return show.links([(url, text) for url, text in pairs if url])


def _filled(sums: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return [one for one in sums if one[1]]
