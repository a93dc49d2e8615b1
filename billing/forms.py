"""The member's form for paying an amount of their choice."""

from __future__ import annotations

from django import forms
from django.conf import settings

from billing import single_payments
from billing.money import AmountError, parse_money

NOTE_LENGTH = 100


class AmountForm(forms.Form):
    """How much, and what for. The cleaned amount is in minor units of PAYMENT_CURRENCY."""

    amount = forms.CharField(
        label="Amount",
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Enter an amount."},
    )
    note = forms.CharField(
        label="What is it for?",
        max_length=NOTE_LENGTH,
        required=False,
        help_text="It will be on your receipt.",
    )

    def clean_amount(self) -> int:
        """Refuse what is no amount, and what is out of bounds."""
        try:
            amount = parse_money(self.cleaned_data["amount"], settings.PAYMENT_CURRENCY)
        except AmountError as error:
            raise forms.ValidationError(str(error)) from error
        if not settings.PAYMENT_MINIMUM <= amount <= settings.PAYMENT_MAXIMUM:
            raise forms.ValidationError(single_payments.bounds())
        return amount

    def clean_note(self) -> str:
        """Return it on one line, with single spaces."""
        return " ".join(str(self.cleaned_data["note"]).split())
