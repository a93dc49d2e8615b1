"""The form of the terms on which payments by Zelle are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import phonenumbers
from django import forms
from django.core.validators import validate_email
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldBooleanSwitchWidget

from billing.admin.refunds.dialogs import AmountField
from billing.core import pictures
from billing.facts import zelle
from billing.models import ZelleTerms
from common.money import typed_amount

LARGEST_CODE = 500_000
PICTURES_ONLY = (
    "Choose a PNG, JPEG, or WebP picture. This file isn't one, or part of it is missing."
)
NO_PRICE = (
    "Members can't choose this yet: first set ZELLE_PRICE_ID to a price at Stripe, as docs/zelle.md"
    " says."
)
NO_ADDRESS = "Enter an email address or a US phone number, as it's registered with Zelle."
SWITCHES = ("takes_amounts", "takes_requests", "takes_memberships", "confirms_by_itself")


class DollarField(AmountField):
    """An amount in US dollars, the only currency of Zelle; cleans to cents."""

    currency = "usd"

    def __init__(self, label: str, hint: str = "") -> None:
        super().__init__(label, hint, needs_some=True)

    def prepare_value(self, value: Any) -> Any:
        """Show cents as dollars; what was typed stays as it was."""
        return typed_amount(value, self.currency) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether it's another amount, however it's written."""
        try:
            return bool(self.clean(data) != initial)
        except forms.ValidationError:
            return True


class TermsForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The terms, with amounts in dollars and the QR code as a file.

    `kept` is what was typed before its author had to confirm who they are.
    """

    minimum = DollarField("Smallest amount, in US dollars")
    maximum = DollarField("Largest amount, in US dollars")
    trusted_amount = DollarField(
        "Each payment up to, in US dollars", "A larger one waits for someone on your team."
    )
    trusted_a_day = DollarField(
        "All payments in 24 hours up to, in US dollars",
        "Whatever goes beyond waits for someone on your team.",
    )
    code_file = forms.FileField(
        label="QR code",
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=(
            "The picture that your bank's app shows for your business. PNG, JPEG, or WebP, up to"
            " 500 KB."
        ),
    )
    code_removed = forms.BooleanField(
        label="Remove the QR code", required=False, widget=UnfoldBooleanSwitchWidget
    )

    kept: Mapping[str, str] | None = None

    class Meta:
        model = ZelleTerms
        fields = [
            *("takes_amounts", "takes_requests", "takes_memberships", "minimum", "maximum"),
            *("days_to_pay", "days_of_grace", "name", "address", "prefix"),
            *("confirms_by_itself", "trusted_amount", "trusted_a_day", "days_to_prove"),
        ]
        labels = {
            "takes_amounts": "Single payments of any amount",
            "takes_requests": "Payment requests and items",
            "takes_memberships": "The membership",
            "days_to_pay": "Days to pay",
            "days_of_grace": "Days to pay a membership's renewal",
            "name": "Business name at Zelle",
            "address": "Email address or phone number at Zelle",
            "prefix": "Prefix of references",
            "confirms_by_itself": "Count a payment as soon as the bank's email names it",
            "days_to_prove": "Days for announced money to be in the bank's file",
        }
        help_texts = {
            "days_to_pay": "After that, a payment that nobody made expires.",
            "days_of_grace": "Unpaid after that, the membership ends.",
            "name": "Members see this name in their bank's app before they send money.",
            "address": "The one that's registered with Zelle at your bank.",
            "prefix": (
                "Up to four letters, such as HY in HY-7K3P-4. Another prefix changes the memo of"
                " payments that members are about to send, too."
            ),
            "confirms_by_itself": (
                "Only if the email is signed by your bank, and its memo has the exact reference and"
                " the exact amount. Otherwise someone on your team confirms it."
            ),
            "days_to_prove": "Later, your team is told that the money never reached the account.",
        }
        error_messages = {"prefix": {"max_length": "At most four letters, please."}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.kept is not None:
            switched = {name: name in self.kept for name in SWITCHES}
            self.initial.update(dict(self.kept) | switched)
        if not zelle.price_ids() and "takes_memberships" in self.fields:
            self.fields["takes_memberships"].help_text = NO_PRICE

    def clean_address(self) -> str:
        """Return an email address, or a phone number in the United States."""
        address = str(self.cleaned_data["address"])
        if address and not (_is_email(address) or _is_us_phone(address)):
            raise forms.ValidationError(NO_ADDRESS)
        return address

    def clean_prefix(self) -> str:
        """Return it in upper case, as members see it."""
        return str(self.cleaned_data["prefix"]).upper()

    def clean_code_file(self) -> Any:
        """Return the picture's bytes and type, or None if there's no new one."""
        chosen = self.cleaned_data.get("code_file")
        if not chosen:
            return None
        if chosen.size > LARGEST_CODE:
            raise forms.ValidationError("The picture is larger than 500 KB. Choose a smaller one.")
        content = chosen.read()
        kind = pictures.type_of(content)
        if kind is None:
            raise forms.ValidationError(PICTURES_ONLY)
        return content, kind

    def clean(self) -> dict[str, Any]:
        """Make sure that the limits can be met."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        a_day, each = cleaned.get("trusted_a_day"), cleaned.get("trusted_amount")
        if a_day is not None and each is not None and a_day < each:
            self.add_error("trusted_a_day", "It's less than a single payment may be.")
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Put the picture into the row, or take it out."""
        if self.cleaned_data["code_file"]:
            self.instance.code, self.instance.code_type = self.cleaned_data["code_file"]
        elif self.cleaned_data["code_removed"]:
            self.instance.code, self.instance.code_type = None, ""
        return super().save(commit)


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except forms.ValidationError:
        return False
    return True


def _is_us_phone(text: str) -> bool:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number_for_region(number, "US"))
