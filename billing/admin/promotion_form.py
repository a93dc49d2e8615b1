"""The form for a coupon and its promo code, and what it says before anything is made."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from billing.core import texts
from billing.stripe.gateway import Promotion
from common import days
from common.fields import WordsField
from common.money import AmountError, parse_money
from common.staff import show

# Stripe's API reference: a coupon's name has at most 40 characters; a code has letters, digits,
# and dashes. The other limits are ours.
LONGEST_NAME, LONGEST_CODE = 40, 50
MOST_MONTHS, MOST_USES = 60, 1_000_000
CODE = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
DURATIONS = [
    ("once", "One payment"),
    ("repeating", "Some months"),
    ("forever", "Every payment"),
]


class PromotionForm(forms.Form):
    """What a coupon takes off, for how long, and its code."""

    name = WordsField(
        label="Name",
        max_length=LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text="Members read it on their invoices.",
    )
    percent = forms.DecimalField(
        label="Percent off",
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    amount = WordsField(
        label="Or amount off", required=False, max_length=30, widget=UnfoldAdminTextInputWidget
    )
    duration = forms.ChoiceField(
        label="Taken off",
        choices=DURATIONS,
        initial="once",
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Some months: each payment within them.",
    )
    months = forms.IntegerField(
        label="Months",
        required=False,
        min_value=1,
        max_value=MOST_MONTHS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Only for some months.",
    )
    code = WordsField(
        label="Promo code",
        required=False,
        max_length=LONGEST_CODE,
        widget=UnfoldAdminTextInputWidget,
        help_text=(
            "What people type at checkout, in capitals or not. Without one, only staff can give the"
            " discount, by the coupon’s ID."
        ),
    )
    first_only = forms.BooleanField(
        label="Only for a first payment",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="The code doesn’t work for people who have paid before.",
    )
    most = forms.IntegerField(
        label="Most uses",
        required=False,
        min_value=1,
        max_value=MOST_USES,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="By everyone together. Empty: any number.",
    )
    until = forms.DateField(
        label="Last day",
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text="When it can be used for the last time. Empty: no end.",
    )
    # The same however often the form is sent, so that nothing is made twice.
    key = forms.UUIDField(widget=forms.HiddenInput)
    # What was shown before: only that is made.
    seen = WordsField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = f"In {settings.PAYMENT_CURRENCY.upper()}."

    def clean_percent(self) -> Any:
        """Refuse a discount of nothing."""
        percent = self.cleaned_data["percent"]
        if percent is not None and percent <= 0:
            raise forms.ValidationError("The discount must be more than nothing.")
        return percent

    def clean_amount(self) -> int | None:
        """Parse the amount into minor units."""
        text = self.cleaned_data["amount"]
        if not text:
            return None
        try:
            amount = parse_money(text, settings.PAYMENT_CURRENCY)
        except AmountError as error:
            raise forms.ValidationError(str(error)) from error
        if amount <= 0:
            raise forms.ValidationError("The discount must be more than nothing.")
        return amount

    def clean_code(self) -> str:
        """Refuse what Stripe would refuse."""
        code: str = self.cleaned_data["code"]
        if code and not CODE.fullmatch(code):
            raise forms.ValidationError("A code has only letters, digits, and dashes.")
        return code.upper()

    def clean_until(self) -> datetime | None:
        """Return the end of the last day, in the business's time zone."""
        until = self.cleaned_data["until"]
        if until is None:
            return None
        if until < timezone.localdate():
            raise forms.ValidationError("Choose today or a later day.")
        if until.year > timezone.localdate().year + 5:
            raise forms.ValidationError("Choose a day within five years.")
        return timezone.make_aware(datetime.combine(until + timedelta(days=1), time.min))

    def clean(self) -> dict[str, Any]:
        """Check what belongs together."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        if (data["percent"] is None) == (data["amount"] is None):
            raise forms.ValidationError("Enter a percentage, or an amount.")
        if (data["duration"] == "repeating") != (data["months"] is not None):
            self.add_error("months", "Enter the months if it’s for some months, and only then.")
        if data["first_only"] and not data["code"]:
            self.add_error("first_only", "Only a promo code can be for a first payment.")
        return data

    def show_again(self, seen: str) -> None:
        """Show what was typed once more, with the mark of what's been seen of it."""
        self.data = {**{name: self.data.get(name) for name in self.data}, "seen": seen}

    def promotion(self) -> Promotion:
        """Return what was typed."""
        data = self.cleaned_data
        return Promotion(
            name=data["name"],
            percent_off=data["percent"],
            amount_off=data["amount"],
            currency=settings.PAYMENT_CURRENCY,
            duration=data["duration"],
            months=data["months"],
            code=data["code"],
            first_only=data["first_only"],
            most=data["most"],
            until=data["until"],
        )


def digest(wanted: Promotion) -> str:
    """Return what tells one promotion from another."""
    return hashlib.sha256(repr(wanted).encode()).hexdigest()


def terms(wanted: Promotion) -> str:
    """Return "20% off for 3 months"."""
    percent = float(wanted.percent_off) if wanted.percent_off is not None else None
    return gives(percent, wanted.amount_off, wanted.currency, wanted.duration, wanted.months)


def gives(
    percent: float | None, amount: int | None, currency: str, duration: str, months: int | None
) -> str:
    """Return what a coupon gives, as staff say it of anybody: "20% off one payment"."""
    less = texts.less(percent, amount, currency)
    if duration == "once":
        return f"{less} one payment"
    return texts.less_for(less, duration, months)


def said(wanted: Promotion) -> list[str]:
    """Return what will be made, in sentences."""
    found = [f"It takes {terms(wanted)}, and is called “{wanted.name}” on invoices."]
    if wanted.code:
        found.append(f"People type {wanted.code} at checkout.")
    else:
        found.append("There’s no promo code: staff give it to members, or offer it to stay.")
    if wanted.first_only:
        found.append("It works only for people who haven’t paid before.")
    most = f"at most {show.count(wanted.most, 'time')}" if wanted.most else ""
    until = ""
    if wanted.until:
        last = timezone.localtime(wanted.until - timedelta(seconds=1))
        until = f"until the end of {days.long(last)}"
    limits = ", ".join(part for part in (most, until) if part)
    found.append(f"It can be used {limits}." if limits else "It can be used any number of times.")
    return found
