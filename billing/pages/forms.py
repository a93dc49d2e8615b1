"""The member's forms: canceling the membership, and paying an amount of their choice."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.core.statuses import CancellationReason
from billing.models.bank import NAME
from billing.pages import amounts
from billing.payments import single_payments
from business import rules
from common.fields import WordsField

NOTE_LENGTH = 100
REASONS = [
    (CancellationReason.TOO_EXPENSIVE, _("It costs too much")),
    (CancellationReason.UNUSED, _("I don’t use it enough")),
    (CancellationReason.MISSING_FEATURES, _("It’s missing something I need")),
    (CancellationReason.SWITCHED_SERVICE, _("I found something else")),
    (CancellationReason.LOW_QUALITY, _("It’s not as good as I hoped")),
    (CancellationReason.CUSTOMER_SERVICE, _("I didn’t get good support")),
    (CancellationReason.TOO_COMPLEX, _("It’s too complicated")),
    (CancellationReason.OTHER, _("Another reason")),
]


class CancellationForm(forms.Form):
    """Why a member is leaving. It's optional."""

    reason = forms.ChoiceField(
        label=_("Why are you leaving?"),
        choices=[(reason.value, words) for reason, words in REASONS],
        widget=forms.RadioSelect,
        required=False,
    )
    comment = WordsField(
        label=_("Anything you want to tell us?"),
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
        label=_("Amount"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": _("Enter an amount.")},
    )
    note = WordsField(
        label=_("What’s it for?"),
        max_length=NOTE_LENGTH,
        required=False,
        help_text=_("This appears on your receipt."),
    )

    def clean_amount(self) -> int:
        """Refuse invalid amounts and those out of range."""
        least, typed = settings.PAYMENT_MINIMUM, self.cleaned_data["amount"]
        example = next(iter(rules.suggested_amounts()), least)
        amount = amounts.read(typed, settings.PAYMENT_CURRENCY, example)
        if not least <= amount <= settings.PAYMENT_MAXIMUM:
            raise forms.ValidationError(single_payments.bounds())
        return amount

    def clean_note(self) -> str:
        """Return it on one line, with single spaces."""
        return " ".join(str(self.cleaned_data["note"]).split())


class SentForm(forms.Form):
    """A member has sent a payment by Zelle: from whose account."""

    payer_name = WordsField(
        label=_("Name on the account it came from"),
        max_length=NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=_("As your bank shows it. It helps us find your payment if the memo is missing."),
        error_messages={"required": _("Enter the name on the account.")},
    )
