"""Suggested amounts on the staff site: what's offered with one click for a one-time payment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from business import rules
from business.admin.group import GroupAdmin, Setting
from business.admin.group_form import GroupForm
from business.models import SuggestionsVersion
from common.fields import WordsField
from common.money import AmountError, Money, parse_money, typed_amount

MOST = 6


class SuggestionsForm(GroupForm):
    """One amount a line, in the currency of one-time payments."""

    amounts = WordsField(
        label="Amounts",
        required=False,
        max_length=200,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=f"One a line, in the order in which members see them; {MOST} at most.",
    )
    none = forms.BooleanField(
        label="Don’t suggest any amounts", required=False, widget=UnfoldBooleanWidget
    )

    @classmethod
    def typed(cls, row: SuggestionsVersion | None) -> dict[str, Any]:
        """Return a version's amounts as lines."""
        amounts = rules.saved_suggestions(row)
        lines = [typed_amount(one, settings.PAYMENT_CURRENCY) for one in amounts or []]
        return {"amounts": "\n".join(lines), "none": amounts == []}

    def clean_amounts(self) -> list[int]:
        """Return minor units; refuse what members couldn't pay."""
        lines = [line for line in self.cleaned_data["amounts"].splitlines() if line.strip()]
        if len(lines) > MOST:
            raise ValidationError(f"Enter {MOST} amounts at most.")
        amounts = [_amount(line) for line in lines]
        if len(set(amounts)) != len(amounts):
            raise ValidationError("Enter each amount once.")
        return amounts

    def clean(self) -> dict[str, Any]:
        """Refuse amounts together with the wish for none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("none") and cleaned.get("amounts"):
            self.add_error("none", "Empty the amounts first, or leave this off.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        amounts = self.cleaned_data["amounts"]
        if not amounts and not self.cleaned_data["none"]:
            return {"currency": "", "amounts": None}
        return {"currency": settings.PAYMENT_CURRENCY.upper(), "amounts": amounts}


def _amount(line: str) -> int:
    code = settings.PAYMENT_CURRENCY
    least, most = settings.PAYMENT_MINIMUM, settings.PAYMENT_MAXIMUM
    try:
        amount = parse_money(line, code)
    except AmountError as error:
        raise ValidationError(f"“{line}”: {error}") from error
    if not least <= amount <= most:
        limits = f"from {Money(least, code)} to {Money(most, code)}"
        raise ValidationError(f"“{line}” can’t be paid. Enter amounts {limits}.")
    return amount


def _said(amounts: Any) -> str:
    listed = ", ".join(str(Money(one, settings.PAYMENT_CURRENCY)) for one in amounts)
    return listed or "none"


@admin.register(SuggestionsVersion)
class SuggestionsVersionAdmin(GroupAdmin):
    """The suggested amounts."""

    group = rules.SUGGESTIONS
    group_form = SuggestionsForm
    about = "Members who pay an amount of their choice can pick one of these with one click."
    settings = (
        Setting(
            "amounts",
            "Suggested amounts",
            "PAYMENT_SUGGESTIONS",
            lambda: settings.PAYMENT_SUGGESTIONS,
            _said,
            rules.saved_suggestions,
        ),
    )
