"""The bank's emails: which count, which don't and why, and those that only pretend."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter
from unfold.dataclasses import UnfoldAction

from billing.admin.bank import words
from billing.admin.bank.base import BankAdmin
from billing.core.bank_statuses import Direction, MailState
from billing.models import BankMail
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import button, column, row_or_404

Rows = QuerySet[Any]
SEEN = "seen"
FORGED = (
    "It claims to be from your bank, and nothing proves it. Don't rely on it, and open no link in"
    " it. A copy that someone forwarded by hand looks the same: the bank's proof is lost then."
)
WHY = {
    MailState.UNVERIFIED: "It counts for nothing, because nothing proves that your bank sent it.",
    MailState.UNREADABLE: "Your bank sent it, but it says nothing that we can read.",
    MailState.REPEATED: "Your bank sent it, but an earlier email told of the same transfer.",
}


class LookFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters emails by whether somebody should look at them."""

    title = "what it needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what nobody has seen, and what doesn't count."""
        return [("look", "A look: nobody has seen it"), ("none", "It counts, or it was seen")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        unseen = {"seen_at": None}
        match self.value():
            case "look":
                return queryset.exclude(state=MailState.VERIFIED).filter(**unseen)
            case "none":
                return queryset.exclude(
                    pk__in=BankMail.objects.exclude(state=MailState.VERIFIED)
                    .filter(**unseen)
                    .order_by()
                    .values("pk")
                )
            case _:
                return queryset


def looks_forged(row: BankMail) -> bool:
    """Whether an unproved email claims to be a trusted bank's: by its domain, or a similar one."""
    if row.state != MailState.UNVERIFIED:
        return False
    sender = row.sender.casefold()
    return any(domain.partition(".")[0] in sender for domain in settings.BANK_MAIL_DOMAINS)


@admin.register(BankMail)
class BankMailAdmin(BankAdmin):
    """Emails about transfers, from the bank or from those who claim to be it."""

    search_fields = [
        "name__icontains",
        "sender__icontains",
        "subject__icontains",
        "transaction__icontains",
    ]
    search_help_text = "Any part of a name, sender, subject or number"
    list_display = ["came", "state_badge", "said", "sender_shown", "trouble", "seen_by_staff"]
    list_filter = [
        LookFilter,
        ("state", titled(ChoicesDropdownFilter, "whether it counts")),
        ("received_at", by_day("day received")),
    ]
    nothing = "No email from your bank has come yet."
    nothing_left = {"needs=look": "Every email counts, or was seen."}
    actions = ["mark_seen"]
    actions_detail = [SEEN]
    change_form_outer_before_template = "admin/billing/bank/mail.html"
    fieldsets = [
        (None, {"fields": ["state_badge", "said", "transaction", "memo", "transfer_link"]}),
        ("The email", {"fields": ["sender", "subject", "domain", "message_id", "came_exactly"]}),
        ("If it doesn't count", {"fields": ["problem", "seen_by_staff"]}),
    ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Say at the top if it's no email of the bank's."""
        row = self.get_object(request, object_id) if str(object_id).isdecimal() else None
        if row:
            said = {"warning": FORGED if looks_forged(row) else ""}
            extra_context = {**(extra_context or {}), **said}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Show the button on what somebody should look at."""
        shown: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        row = BankMail.objects.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        return shown if row and _needs_a_look(row) else []

    @column("Received", ordering="id")
    def came(self, row: BankMail) -> SafeString:
        """How long ago."""
        return show.when(row.received_at)

    @column("Received")
    def came_exactly(self, row: BankMail) -> str:
        """When."""
        return show.moment(row.received_at)

    @column("Counts", ordering="state")
    def state_badge(self, row: BankMail) -> SafeString:
        """Whether it counts; red if it pretends to be the bank's."""
        if looks_forged(row):
            return show.badge("May be forged", "danger")
        color = words.MAIL.get(MailState(row.state), "")
        if row.state == MailState.UNVERIFIED:
            color = "warning"
        return show.badge(str(row.get_state_display()), color)

    @column("What it says")
    def said(self, row: BankMail) -> str:
        """ "$50.00 from Jane Doe"."""
        if row.amount is None:
            return row.subject or show.NOTHING
        direction = "to" if row.direction == Direction.OUT else "from"
        return f"{show.money(row.amount, 'usd')} {direction} {row.name or 'somebody'}"

    @column("From")
    def sender_shown(self, row: BankMail) -> str:
        """What its From line says."""
        return row.sender or show.NOTHING

    @column("Why it doesn't count")
    def trouble(self, row: BankMail) -> str:
        """The reason."""
        if row.state == MailState.VERIFIED:
            return show.NOTHING
        return row.problem or WHY[MailState(row.state)]

    @column("Seen")
    def seen_by_staff(self, row: BankMail) -> SafeString | str:
        """Whether somebody looked at it."""
        if row.state == MailState.VERIFIED:
            return show.NOTHING
        return show.when(row.seen_at) if row.seen_at else show.badge("Not yet", "warning")

    @column("Transfer")
    def transfer_link(self, row: BankMail) -> SafeString | str:
        """Link to the transfer that it announces."""
        return show.link(getattr(row, "transfer", None))

    def has_look_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may say that they've seen an email's problem."""
        return self.has_match_permission(request, object_id)

    @button(
        "I've seen it",
        icon="visibility",
        path=SEEN,
        permission="look",
        question="Have you looked at this email?",
        explanation="It's no longer shown as new. It still counts for nothing.",
    )
    def seen(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Note that somebody has looked."""
        row = row_or_404(BankMail, object_id)
        if _see(BankMail.objects.filter(pk=row.pk)):
            self.log_change(request, row, "Seen.")
        messages.success(request, "Thank you. It's no longer shown as new.")
        return redirect(show.page_of(row))

    @admin.action(description="I've seen the selected emails", permissions=["look"])
    def mark_seen(self, request: HttpRequest, queryset: Rows) -> None:
        """Note it for several."""
        rows = list(queryset.exclude(state=MailState.VERIFIED).filter(seen_at=None))
        _see(BankMail.objects.filter(pk__in=[row.pk for row in rows]))
        for row in rows:
            self.log_change(request, row, "Seen.")
        messages.success(request, f"{show.count(len(rows), 'email')} marked as seen.")


def _needs_a_look(row: BankMail) -> bool:
    return row.state != MailState.VERIFIED and row.seen_at is None


def _see(rows: QuerySet[BankMail]) -> int:
    """Mark those that nobody has marked yet; return how many."""
    unseen = rows.filter(seen_at=None).exclude(state=MailState.VERIFIED)
    return unseen.update(seen_at=timezone.now())
