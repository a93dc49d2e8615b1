"""Disputes on the staff site: what to answer, by when, and with what."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, F, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing.admin import dispute_answer_facts, labels
from billing.admin.copies import StripeCopyAdmin
from billing.admin.dispute_answers import AnswersDisputes
from billing.core import texts
from billing.core.statuses import OPEN_DISPUTE, DisputeStatus
from billing.disputes import evidence_files
from billing.facts import disputes
from billing.models import Dispute
from common import documents
from common.money import Money
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import column, page_button

MESSAGES = "emails.view_message"
HOW = (
    "1. Choose “Answer this dispute”. What’s on record is filled in, and you can change all of it.",
    "2. Take a last look. It shows exactly what the bank gets: personal data of the member, too.",
    "3. Send it to the bank. That’s possible once. If the customer is right, accept the dispute.",
)
IN_DASHBOARD = (
    "The bank wants an appeal, which can’t be answered here. Answer it in Stripe’s dashboard in"
    " time, with this evidence."
)
NO_FEE = "None so far"
Rows = QuerySet[Any]


class StageFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Disputes by what they require from us."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer those waiting for us, those waiting for the bank, and those that are over."""
        return [("answer", "To answer"), ("open", "Not decided"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those in a stage."""
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
class DisputeAdmin(AnswersDisputes, StripeCopyAdmin):
    """Payments that cardholders take back through their bank."""

    stripe_path = "disputes"
    search_fields = ["stripe_id__startswith", "payment__stripe_id__startswith"]
    amount_field = "amount"
    search_help_text = "Part of a name or email address, phone number, amount, du_…, or pi_…"
    list_display = ["who", "money", "state", "deadline", "kind", "opened"]
    list_select_related = ["customer__user", "payment"]
    actions_detail = ["answer_it", "accept_it", "download_evidence", "open_in_stripe"]
    actions_row: list[str] = []
    nothing = "No payment was ever disputed."
    nothing_left = {
        "stage=answer": "No dispute waits for your answer.",
        "stage=open": "No dispute is undecided.",
        "stage=over": "No dispute has been decided yet.",
    }
    list_filter = [
        StageFilter,
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("created_at", by_day("day opened")),
        ("evidence_due_at", by_day("deadline")),
    ]
    fieldsets = [
        (None, {
            "fields": [
                "state", "deadline", "meaning", "money", "fee", "why", "our_answer", "evidence",
            ],
        }),
        ("How to answer", {"fields": ["steps"]}),
        ("Who and what", {"fields": ["member", "payment_link", "invoice_link", "paid", "card"]}),
        ("Dates", {"fields": ["began", "closed"]}),
        ("Belongs together", {"fields": ["customer_link", "others", "events"]}),
        ("Copy of Stripe's record", {
            "fields": ["stripe_id", "reason", "network_reason_code", "charge_id", "read"],
        }),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact"})

    def get_fieldsets(self, request: HttpRequest, obj: Dispute | None = None) -> Any:
        """Show instructions only if there's something to answer."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or obj.needs_response:
            return fieldsets
        return [one for one in fieldsets if "steps" not in one[1]["fields"]]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Open ones first, by deadline; then decided ones, newest first."""
        is_over = Case(When(status__in=OPEN_DISPUTE, then=0), default=1)
        due = Case(When(status__in=OPEN_DISPUTE, then=F("evidence_due_at")))
        return [is_over.asc(), due.asc(nulls_last=True), "-created_at", "-pk"]

    def has_evidence_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may read the packet's contents."""
        return self.has_view_permission(request) and request.user.has_perm(MESSAGES)

    @page_button("Download evidence", icon="folder_zip", path="evidence", permission="evidence")
    def download_evidence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the packet, and record who downloaded it."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such dispute.")
        packed = evidence_files.packet(row, timezone.now())
        self.log_change(request, row, "Evidence downloaded.")
        name = evidence_files.filename(row)
        return documents.download(packed, name, content_type="application/zip")

    def palette_title(self, row: Dispute) -> str:
        """Whose, how much, and when."""
        amount, on = row.money, show.day(row.created_at)
        return f"{show.name_of(row.customer.user)}: {amount} on {on}"

    @column("State", ordering="status")
    def state(self, row: Dispute) -> SafeString:
        """Stripe's status in its color."""
        return show.badge(labels.dispute(row), labels.DISPUTE.get(row.status, ""))

    @column("Answer by", ordering="evidence_due_at")
    def deadline(self, row: Dispute) -> SafeString | str:
        """The time left and the date, colored if it's near."""
        return dispute_answer_facts.deadline(row) or show.NOTHING

    @column("Amount", ordering="amount")
    def money(self, row: Dispute) -> str:
        """The disputed amount, as text."""
        return str(row.money)

    @column("Stripe’s fee")
    def fee(self, row: Dispute) -> SafeString | str:
        """What Stripe took for it, and whether that came back, with a link to what moved."""
        found = disputes.fees_of(row)
        if not found:
            return NO_FEE
        moved = show.list_of("billing.balancetransaction", dispute=row.pk)
        return show.anchor(moved, "; ".join(_fee(*one) for one in found))

    @column("Reason", ordering="reason")
    def kind(self, row: Dispute) -> SafeString:
        """The reason in a word; hovering shows the sentence."""
        word = (row.reason or "general").replace("_", " ").capitalize()
        return format_html('<span title="{}">{}</span>', texts.dispute_reason(row.reason), word)

    @column("Reason")
    def why(self, row: Dispute) -> str:
        """The reason in words."""
        return texts.dispute_reason(row.reason)

    @column("What that means")
    def meaning(self, row: Dispute) -> str:
        """The state in a sentence."""
        return texts.dispute_state(row.status)

    @column("Evidence")
    def evidence(self, row: Dispute) -> str:
        """What the bank has received, as far as Stripe says."""
        if row.submission_count:
            times = "once" if row.submission_count == 1 else f"{row.submission_count} times"
            return f"Sent to the bank {times}"
        return "At Stripe, but not sent to the bank" if row.has_evidence else "None sent yet"

    @column("Steps")
    def steps(self, row: Dispute) -> SafeString:
        """What to do about a dispute that's waiting for us."""
        is_appeal = row.status == DisputeStatus.APPEAL_NEEDS_RESPONSE
        lines = (IN_DASHBOARD,) if is_appeal else HOW
        return format_html_join("", "<p>{}</p>", [(line,) for line in lines])

    @column("Payment")
    def payment_link(self, row: Dispute) -> SafeString | str:
        """Link to the payment."""
        payment = row.payment
        amount, on = payment.money, show.day(payment.created_at)
        return show.link(payment, f"{amount} on {on}")

    @column("Invoice")
    def invoice_link(self, row: Dispute) -> SafeString | str:
        """Link to the invoice that was paid."""
        return show.link(row.payment.invoice)

    @column("Paid")
    def paid(self, row: Dispute) -> str:
        """When the payment was made."""
        return show.moment(row.payment.paid_at)

    @column("Card")
    def card(self, row: Dispute) -> str:
        """ "Visa ending in 4242"."""
        return texts.card(row.payment.card_brand, row.payment.card_last4) or show.NOTHING

    @column("Opened", ordering="created_at")
    def opened(self, row: Dispute) -> SafeString:
        """How long ago it was opened."""
        return show.when(row.created_at)

    @column("Opened")
    def began(self, row: Dispute) -> str:
        """When it was opened."""
        return show.moment(row.created_at)

    @column("Decided")
    def closed(self, row: Dispute) -> str:
        """When the bank decided, if the event said so."""
        return show.moment(disputes.closed_at(row))

    @column("Their other disputes")
    def others(self, row: Dispute) -> SafeString | str:
        """Link to all of the customer's disputes, if there are more."""
        count = row.customer.disputes.exclude(pk=row.pk).count()
        address = show.list_of("billing.dispute", customer__id__exact=row.customer_id)
        return show.links([(address, f"{count} more")] if count else [])


def _fee(taken: Money, back: Money) -> str:
    """Return "$30.00, of which $15.00 came back"."""
    if not back.amount:
        return str(taken)
    return f"{taken}, which came back" if back == taken else f"{taken}, of which {back} came back"
