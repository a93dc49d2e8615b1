"""Disputes as staff see them: what must be answered, by when, and with what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Case, F, QuerySet, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing import disputes, wording
from billing.admin import labels
from billing.admin.money import StripeCopyAdmin
from billing.models import Dispute
from billing.states import OPEN_DISPUTE
from portal.staff import show
from portal.staff.filters import DayFilter
from portal.staff.parts import column

URGENT, SOON = timedelta(days=3), timedelta(days=7)
Rows = QuerySet[Any]


class StageFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Disputes by what they ask of us."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what waits for us, what waits for the bank, and what is over."""
        return [("answer", "To answer"), ("open", "Not decided"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those of a stage."""
        match self.value():
            case "answer":
                return queryset.filter(pk__in=Dispute.objects.to_answer().values("pk"))
            case "open":
                return queryset.filter(status__in=OPEN_DISPUTE)
            case "over":
                return queryset.exclude(status__in=OPEN_DISPUTE)
            case _:
                return queryset


@admin.register(Dispute)
class DisputeAdmin(StripeCopyAdmin):
    """Payments that their card's owner takes back through the bank."""

    stripe_path = "disputes"
    search_fields = ["stripe_id__startswith", "payment__stripe_id__startswith"]
    search_help_text = "Name, e-mail address, phone number, du_… or pi_…: how it begins"
    list_display = ["who", "money", "state", "deadline", "why", "opened", "stripe_id"]
    list_select_related = ["customer__user", "payment"]
    list_filter = [
        StageFilter,
        ("status", ChoicesDropdownFilter),
        ("created_at", DayFilter),
        ("evidence_due_at", DayFilter),
    ]
    fieldsets = [
        (None, {"fields": ["state", "deadline", "meaning", "money", "why", "evidence"]}),
        ("Who and what", {"fields": ["member", "payment_link", "invoice_link", "paid", "card"]}),
        ("Dates", {"fields": ["opened", "closed"]}),
        ("Belongs together", {"fields": ["customer_link", "others", "events"]}),
        ("Copy of Stripe's record", {
            "fields": ["stripe_id", "reason", "network_reason_code", "charge_id", "read"],
        }),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact"})

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What runs first, by its deadline, then what is decided, the newest first."""
        is_over = Case(When(status__in=OPEN_DISPUTE, then=0), default=1)
        due = Case(When(status__in=OPEN_DISPUTE, then=F("evidence_due_at")))
        return [is_over.asc(), due.asc(nulls_last=True), "-created_at", "-pk"]

    def palette_title(self, row: Dispute) -> str:
        """Whose, how much and when."""
        amount, on = show.money(row.amount, row.currency), show.day(row.created_at)
        return f"{show.name_of(row.customer.user)}: {amount} on {on}"

    @column("State", ordering="status")
    def state(self, row: Dispute) -> SafeString:
        """Stripe's status in its colour."""
        return show.state(row, "status", labels.DISPUTE)

    @column("Answer by", ordering="evidence_due_at")
    def deadline(self, row: Dispute) -> SafeString | str:
        """How long is left, and the day: coloured where it is near."""
        if not (row.needs_response and row.evidence_due_at):
            return show.NOTHING
        left = row.evidence_due_at - timezone.now()
        if left < timedelta(0):
            return show.badge("The time is over", "danger")
        tone = "danger" if left < URGENT else "warning" if left < SOON else "info"
        badge = show.badge(f"{show.time_left(row.evidence_due_at)} left", tone)
        return format_html("{} {}", badge, show.day(row.evidence_due_at))

    @column("Amount", ordering="amount")
    def money(self, row: Dispute) -> str:
        """What is disputed, as text."""
        return show.money(row.amount, row.currency)

    @column("Reason", ordering="reason")
    def why(self, row: Dispute) -> str:
        """The reason in words."""
        return wording.dispute_reason(row.reason)

    @column("What that means")
    def meaning(self, row: Dispute) -> str:
        """The state in a sentence."""
        return wording.dispute_state(row.status)

    @column("Evidence")
    def evidence(self, row: Dispute) -> str:
        """What the bank has got, as far as Stripe says."""
        if row.submission_count:
            times = "once" if row.submission_count == 1 else f"{row.submission_count} times"
            return f"Sent to the bank {times}"
        return "At Stripe, but not sent to the bank" if row.has_evidence else "None sent yet"

    @column("Payment")
    def payment_link(self, row: Dispute) -> SafeString | str:
        """Link to the payment."""
        payment = row.payment
        amount, on = show.money(payment.amount, payment.currency), show.day(payment.created_at)
        return show.link(payment, f"{amount} on {on}")

    @column("Invoice")
    def invoice_link(self, row: Dispute) -> SafeString | str:
        """Link to what was paid."""
        return show.link(row.payment.invoice)

    @column("Paid")
    def paid(self, row: Dispute) -> str:
        """When the payment was made."""
        return show.moment(row.payment.paid_at)

    @column("Card")
    def card(self, row: Dispute) -> str:
        """ "Visa ending in 4242"."""
        return wording.card(row.payment.card_brand, row.payment.card_last4) or show.NOTHING

    @column("Opened", ordering="created_at")
    def opened(self, row: Dispute) -> SafeString:
        """How long ago it was opened."""
        return show.when(row.created_at)

    @column("Decided")
    def closed(self, row: Dispute) -> str:
        """When the bank decided, where its event told."""
        return show.moment(disputes.closed_at(row))

    @column("Their other disputes")
    def others(self, row: Dispute) -> SafeString | str:
        """Link to all of the customer's, if there are more."""
        count = row.customer.disputes.exclude(pk=row.pk).count()
        address = show.list_of("billing.dispute", customer__id__exact=row.customer_id)
        return show.links([(address, f"{count} more")] if count else [])
