"""The member's forms: canceling the membership, and paying an amount of their choice."""

from __future__ import annotations

from django import forms
from django.conf import settings

from billing.core.statuses import CancellationReason
from billing.models.bank import NAME
from billing.payments import single_payments
from common.fields import WordsField
from common.money import AmountError, parse_money

NOTE_LENGTH = 100
REASONS = [
    (CancellationReason.TOO_EXPENSIVE, "It costs too much"),
    (CancellationReason.UNUSED, "I don't use it enough"),
    (CancellationReason.MISSING_FEATURES, "It’s missing something I need"),
    (CancellationReason.SWITCHED_SERVICE, "I found something else"),
    (CancellationReason.LOW_QUALITY, "It’s not as good as I hoped"),
    (CancellationReason.CUSTOMER_SERVICE, "I didn’t get good support"),
    (CancellationReason.TOO_COMPLEX, "It’s too complicated"),
    (CancellationReason.OTHER, "Another reason"),
]


class CancellationForm(forms.Form):
    """Why a member is leaving. It's optional."""

    reason = forms.ChoiceField(
        label="Why are you leaving?",
        choices=[(reason.value, words) for reason, words in REASONS],
        widget=forms.RadioSelect,
        required=False,
    )
    comment = WordsField(
        label="Anything you want to tell us",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        required=False,
    )

    def chosen_reason(self) -> CancellationReason | None:
        """Return the reason, if one was given."""
        value = self.cleaned_data["reason"]
        return CancellationReason(value) if value else None


class AmountForm(forms.Form):
    """How much, and what for. Cleans to minor units of PAYMENT_CURRENCY."""

    amount = WordsField(
        label="Amount",
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Enter an amount."},
    )
    note = WordsField(
        label="What is it for?",
        max_length=NOTE_LENGTH,
        required=False,
        help_text="This appears on your receipt.",
    )

    def clean_amount(self) -> int:
        """Refuse invalid amounts and those out of range."""
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


class SentForm(forms.Form):
    """A member has sent a payment by Zelle: from whose account."""

    payer_name = WordsField(
        label="Name on the account it came from",
        max_length=NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="As your bank shows it. It helps us find your payment if the memo got lost.",
        error_messages={"required": "Enter the name on the account."},
    )
