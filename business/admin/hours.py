"""Quiet hours on the staff site: when texts that can wait aren't sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from business import rules
from business.admin.group import GroupAdmin, Setting
from business.admin.group_form import GroupForm
from business.models import QuietHoursVersion
from common import days
from common.quiet_hours import NEVER, QuietHours

HOURS = range(24)


def _clock(hour: int) -> str:
    return days.clock(datetime(2000, 1, 1, hour, tzinfo=UTC))


def _choices() -> list[tuple[str, str]]:
    return [("", "The environment’s"), *((str(hour), _clock(hour)) for hour in HOURS)]


def _field(label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=_choices,
        coerce=int,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "Choose one of the hours."},
    )


class HoursForm(GroupForm):
    """From when until when, or never."""

    begins = _field("From")
    ends = _field("Until")
    none = forms.BooleanField(
        label="No quiet hours: texts go at any hour", required=False, widget=UnfoldBooleanWidget
    )

    @classmethod
    def typed(cls, row: QuietHoursVersion | None) -> dict[str, Any]:
        """Return a version's hours."""
        hours = rules.saved_hours(row)
        if hours is None or hours.is_off:
            return {"none": hours is not None}
        return {"begins": hours.begins, "ends": hours.ends}

    def clean(self) -> dict[str, Any]:
        """Take two different hours, or none of both."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        begins, ends = cleaned["begins"], cleaned["ends"]
        if (begins is None) != (ends is None):
            raise ValidationError("Choose both hours, or neither.")
        if begins is not None and begins == ends:
            raise ValidationError("Choose two different hours.")
        if begins is not None and cleaned["none"]:
            raise ValidationError("Choose hours or no quiet hours, not both.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        if self.cleaned_data["none"]:
            return {"begins": NEVER.begins, "ends": NEVER.ends}
        return {name: self.cleaned_data[name] for name in ("begins", "ends")}


def _said(hours: QuietHours) -> str:
    if hours.is_off:
        return "none: texts go at any hour"
    return f"{_clock(hours.begins)} to {_clock(hours.ends)}"


@admin.register(QuietHoursVersion)
class QuietHoursVersionAdmin(GroupAdmin):
    """The quiet hours."""

    group = rules.QUIET_HOURS
    group_form = HoursForm
    about = (
        "In these hours, by the member’s own clock, texts that can wait aren’t sent: receipts,"
        " reminders, and the progress of refunds. They go when the hours are over. Codes, failed"
        " payments, and everything else that’s urgent go at any hour, and so do all emails."
    )
    settings = (
        Setting(
            "hours",
            "Quiet hours",
            "QUIET_HOURS",
            rules.hours_of_environment,
            _said,
            rules.saved_hours,
        ),
    )

    def words(self, name: str, value: Any) -> str:
        """Return an hour as people read it."""
        return super().words(name, None if value is None else _clock(value))
