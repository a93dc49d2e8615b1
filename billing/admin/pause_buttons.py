"""The staff's buttons that pause the payments of a membership, and let them resume."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

from django import forms
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminRadioSelectWidget

from billing.admin.membership_buttons import AboutMembership, MembershipButtons, may
from billing.core.statuses import InvoiceStatus, PauseBehavior
from billing.membership import pausing
from billing.membership.pausing import Pause
from billing.models import Invoice, Subscription
from common.fields import WordsField
from common.money import Money
from common.staff import show
from common.staff.parts import button, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

BUTTONS = [
    *("cancel_at_end", "keep_going", "pause_payments", "resume_payments"),
    *("extend_trial", "give_discount", "take_discount", "send_card_link"),
]
MEANWHILE = {
    PauseBehavior.VOID: "Void them: this time is free",
    PauseBehavior.KEEP_AS_DRAFT: "Keep them as drafts for later",
    PauseBehavior.MARK_UNCOLLECTIBLE: "Mark them uncollectible: a loss in the books",
}


class AboutPause(AboutMembership):
    """A question about a pause. `shown` is the pause that it was filled in for, if there is one."""

    shown = WordsField(required=False, widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember the pause."""
        if self.row:
            self.initial["shown"] = _as_words(Pause.of(self.row))

    def seen(self) -> Pause:
        """Return the pause that was shown."""
        behavior, _, until = self.cleaned_data.get("shown", "").partition(" ")
        return Pause(behavior, datetime.fromisoformat(until) if until else None)

    def clean(self) -> dict[str, Any]:
        """Refuse what no page of ours holds."""
        try:
            self.seen()
        except ValueError as error:
            raise forms.ValidationError("Open the question again.") from error
        data: dict[str, Any] = self.cleaned_data
        return data

    def lines(self, row: Subscription) -> list[str]:
        """Add what's open or waits."""
        return [*super().lines(row), *_invoices(row)]


class PauseForm(AboutPause):
    """Until when, and what becomes of invoices meanwhile."""

    resumes_on = forms.DateField(
        label="Payments resume on",
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text="Leave it empty to pause until you resume them.",
    )
    behavior = forms.ChoiceField(
        label="Invoices from this time",
        choices=list(MEANWHILE.items()),
        initial=PauseBehavior.VOID,
        widget=UnfoldAdminRadioSelectWidget,
    )

    def clean_resumes_on(self) -> datetime | None:
        """Return the day's beginning; it has to come, and within a year."""
        day = self.cleaned_data["resumes_on"]
        if day is None:
            return None
        today = timezone.localdate()
        if not today < day <= today + pausing.LONGEST_PAUSE:
            raise forms.ValidationError("Choose a day within the next year.")
        return timezone.make_aware(datetime.combine(day, time()))

    def wanted(self) -> Pause:
        """Return the pause that was chosen."""
        return Pause(self.cleaned_data["behavior"], self.cleaned_data["resumes_on"])


class PauseButtons(MembershipButtons):
    """What staff do about the collection of payments. Each asks first."""

    def has_pause_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may pause payments, and there will be some."""
        return may(request, object_id, lambda row: not row.ends_with_period)

    def has_unpause_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may let payments resume, and they're paused."""
        return may(request, object_id, lambda row: row.is_paused)

    @recently_signed_in
    @button(
        "Pause payments",
        icon="pause_circle",
        path="pause",
        permission="pause",
        question="Pause the payments of this membership?",
        explanation=(
            "It runs on, and the member keeps everything. Invoices that become due meanwhile aren’t"
            " charged; what’s open already is still collected. We email the member. In Stripe:"
            " pause payment collection."
        ),
        form=PauseForm,
        is_primary=False,
    )
    def pause_payments(self, request: HttpRequest, form: PauseForm, object_id: str) -> HttpResponse:
        """Pause, or change the pause."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        shown, wanted = form.seen(), form.wanted()
        until = f"until {show.day(wanted.until)}" if wanted.until else "until further notice"
        return self.do(
            request,
            row,
            lambda: pausing.pause(row, shown, wanted, actor),
            f"Paused the payments {until}.",
        )

    @recently_signed_in
    @button(
        "Resume payments",
        icon="play_circle",
        path="resume-payments",
        permission="unpause",
        question="Let the payments of this membership resume?",
        explanation=(
            "The next renewal is charged as usual, and nothing before it. We email the member."
        ),
        form=AboutPause,
        is_primary=False,
    )
    def resume_payments(
        self, request: HttpRequest, form: AboutPause, object_id: str
    ) -> HttpResponse:
        """End the pause."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        shown = form.seen()
        return self.do(
            request, row, lambda: pausing.resume(row, shown, actor), "The payments resume."
        )


def _as_words(pause: Pause) -> str:
    """Return "void 2026-12-29T05:00:00+00:00", "void", or "" if it isn't paused."""
    until = pause.until.isoformat() if pause.until else ""
    return f"{pause.behavior} {until}".strip()


def _invoices(row: Subscription) -> list[str]:
    """Say what's still to pay from before a pause, and what waits as a draft from during one."""
    rows = Invoice.objects.filter(subscription=row)
    open_ = rows.filter(status=InvoiceStatus.OPEN, amount_remaining__gt=0)
    drafts = rows.filter(status=InvoiceStatus.DRAFT) if row.is_paused else rows.none()
    return [
        *(f"Still to pay: {one}." for one in _sums(open_, "amount_remaining")),
        *(
            f"Kept as drafts: {one}. Resuming charges none of it. Finalize or discard each on its"
            " own page."
            for one in _sums(drafts, "total")
        ),
    ]


def _sums(rows: QuerySet[Invoice], column: str) -> Iterator[str]:
    """Yield "2 invoices, $58.00" for each currency."""
    found = rows.order_by().values("currency").annotate(count=Count("pk"), sum=Sum(column))
    for one in found.order_by("currency"):
        yield f"{show.count(one['count'], 'invoice')}, {Money(one['sum'], one['currency'])}"
