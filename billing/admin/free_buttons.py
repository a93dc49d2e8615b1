"""The staff's button that gives a member free time."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminIntegerFieldWidget

from billing.admin import pause_buttons
from billing.admin.membership_buttons import AboutMembership, may
from billing.admin.pause_buttons import PauseButtons
from billing.membership import free_time
from billing.models import Subscription
from common.staff import show
from common.staff.parts import button, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

BUTTONS = [*pause_buttons.BUTTONS[:4], "give_free_time", *pause_buttons.BUTTONS[4:]]


# A time far beyond any period, in seconds since 1970.
LATEST = 4_102_444_800


class FreeTimeForm(AboutMembership):
    """For how many days, or until when. `shown_end` is when it was shown to be charged next."""

    days = forms.IntegerField(
        label="Free days",
        required=False,
        min_value=1,
        max_value=free_time.LONGEST.days,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The next charge moves by as many days.",
    )
    until = forms.DateField(
        label="Or free until",
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text="The next charge is on this day.",
    )
    shown_end = forms.IntegerField(min_value=0, max_value=LATEST, widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember when it's charged next."""
        if self.row:
            self.initial["shown_end"] = int(self.row.current_period_end.timestamp())

    def end(self) -> datetime:
        """Return when it was shown to be charged next."""
        return datetime.fromtimestamp(self.cleaned_data["shown_end"], UTC)

    def clean(self) -> dict[str, Any]:
        """Work out the end: exactly one of both is filled in, and it's after the next charge."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        days, until = data.get("days"), data.get("until")
        if self.errors:
            return data
        if (days is None) == (until is None):
            raise forms.ValidationError("Enter a number of days, or a day.")
        shown_end = self.end()
        free_until = shown_end + timedelta(days=days or 0)
        if until:
            # At the hour of the day when it's charged anyway.
            local = timezone.localtime(shown_end)
            free_until = timezone.make_aware(
                datetime.combine(until, time(local.hour, local.minute))
            )
        if not shown_end < free_until <= timezone.now() + free_time.LONGEST:
            raise forms.ValidationError("Choose a day after the next charge, and within a year.")
        return {**data, "free_until": free_until}


class FreeTimeButtons(PauseButtons):
    """How staff make up for something with time instead of money. It asks first."""

    def has_free_time_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may give free time, and it can get some."""
        return may(request, object_id, lambda row: not free_time.why_not(row))

    @recently_signed_in
    @button(
        "Give free time",
        icon="redeem",
        path="free-time",
        permission="free_time",
        question="Give free time?",
        explanation=(
            "Nothing is charged until then. After that it renews on the new day, and what’s paid"
            " already stays paid for. We email the member. In Stripe, it shows as a trial."
        ),
        form=FreeTimeForm,
        is_primary=False,
    )
    def give_free_time(
        self, request: HttpRequest, form: FreeTimeForm, object_id: str
    ) -> HttpResponse:
        """Move the next charge."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        shown_end, until = form.end(), form.cleaned_data["free_until"]
        return self.do(
            request,
            row,
            lambda: free_time.give(row, shown_end, until, actor),
            f"Gave free time until {show.day(until)}.",
        )
