"""Credit notes on the staff site."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from billing.admin import labels
from billing.admin.copies import StripeCopyAdmin
from billing.core import texts
from billing.models import CreditNote
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import column


@admin.register(CreditNote)
class CreditNoteAdmin(StripeCopyAdmin):
    """What was taken off invoices afterward."""

    stripe_path = "credit_notes"
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Part of a name or email address, phone number, or cn_…"
    list_display = ["who", "money", "state", "issued", "invoice_link", "number", "stripe_id"]
    list_select_related = ["customer__user", "invoice"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("created_at", by_day("day issued")),
    ]
    fieldsets = [
        (None, {"fields": ["state", "member", "money", "tax_amount", "became", "why", "memo"]}),
        ("Dates", {"fields": ["issued", "voided"]}),
        ("Belongs together", {"fields": ["customer_link", "invoice_link", "document", "events"]}),
        ("Copy of Stripe's record", {"fields": ["number", "stripe_id", "read"]}),
    ]

    @column("State", ordering="status")
    def state(self, row: CreditNote) -> SafeString:
        """Stripe's status in its color."""
        return show.state(row, "status", labels.CREDIT_NOTE)

    @column("Amount", ordering="amount")
    def money(self, row: CreditNote) -> str:
        """The amount as text."""
        return str(row.money)

    @column("Tax in it")
    def tax_amount(self, row: CreditNote) -> str:
        """The tax as text."""
        return show.money_or_dash(row.tax, row.currency)

    @column("What became of it")
    def became(self, row: CreditNote) -> SafeString | str:
        """As the member reads it."""
        lines = ((sentence,) for sentence in texts.credit_note(row))
        return format_html_join("", "<div>{}</div>", lines) or show.NOTHING

    @column("Reason")
    def why(self, row: CreditNote) -> str:
        """Stripe's reason in words."""
        return row.reason.replace("_", " ").capitalize() or show.NOTHING

    @column("Issued", ordering="created_at")
    def issued(self, row: CreditNote) -> str:
        """The day it was made."""
        return show.day(row.created_at)

    @column("Voided")
    def voided(self, row: CreditNote) -> str:
        """When it was voided."""
        return show.moment(row.voided_at)

    @column("Invoice")
    def invoice_link(self, row: CreditNote) -> SafeString | str:
        """Link to the invoice."""
        return show.link(row.invoice)

    @column("Document")
    def document(self, row: CreditNote) -> SafeString | str:
        """Stripe's PDF."""
        return show.links([(row.pdf_url, "PDF")] if row.pdf_url else [])
