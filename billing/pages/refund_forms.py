"""The member's refund request form."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.http import QueryDict

from billing.core.statuses import RefundReason
from billing.pages.refund_preview import Asking
from billing.refunds.service import RefundRequest
from billing.refunds.texts import REASONS
from common.fields import WordsField
from common.money import AmountError, parse_money, plain_amount

ALL, PART = "all", "part"
KEEP, CANCEL = "keep", "cancel"
WORDS_LENGTH = 1000
DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}")


class RefundForm(forms.Form):
    """How much, why, and what about the membership. Amounts clean to minor units.

    `looking`: the member only wants a preview, and needn't give a reason.
    """

    how_much = forms.ChoiceField(
        label="How much?",
        choices=[(ALL, "All of it"), (PART, "A part of it")],
        widget=forms.RadioSelect,
        initial=ALL,
        error_messages={"required": "Choose how much.", "invalid_choice": "Choose how much."},
    )
    amount = WordsField(
        label="Amount",
        max_length=30,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    reason = forms.ChoiceField(
        label="Why?",
        choices=[("", "Choose a reason"), *((key.value, text) for key, text in REASONS.items())],
        error_messages={"required": "Choose a reason.", "invalid_choice": "Choose a reason."},
    )
    words = WordsField(
        label="Anything we should know",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=WORDS_LENGTH,
        required=False,
    )
    membership = forms.ChoiceField(
        label="What about your membership?",
        choices=[(KEEP, "Keep it"), (CANCEL, "Cancel it too")],
        widget=forms.RadioSelect,
        initial=KEEP,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one."},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, asked: Asking, sent: QueryDict | None, *, looking: bool = False) -> None:
        super().__init__(sent, initial={"key": uuid.uuid4()})
        self.asked = asked
        if asked.outcome is None:
            del self.fields["membership"]
        if looking:
            self.fields["reason"].required = False

    def clean(self) -> dict[str, Any]:
        """Determine the amount: everything refundable, or the part that was entered."""
        cleaned: dict[str, Any] = self.cleaned_data
        if cleaned.get("how_much") == PART:
            cleaned["wanted"] = self._typed()
        elif cleaned.get("how_much") == ALL:
            cleaned["wanted"] = self.asked.terms.most
        if "key" in self.errors:
            del self.errors["key"]
            raise forms.ValidationError("This page is too old. Load it again.")
        return cleaned

    def _typed(self) -> int | None:
        try:
            amount = parse_money(self.typed, self._currency)
        except AmountError:
            self.add_error("amount", self._how_to_write())
            return None
        if not 0 < amount <= self.asked.terms.most:
            self.add_error("amount", f"Enter an amount up to {self.asked.most}.")
            return None
        return amount

    def _how_to_write(self) -> str:
        """Return how to write an amount; for 10,50, how to write that one."""
        if DECIMAL_COMMA.fullmatch(self.typed):
            return f"Use a decimal point, for example {self.typed.replace(',', '.')}."
        return f"Enter an amount, like {self._example}."

    @property
    def typed(self) -> str:
        """The amount as typed, even an invalid one, which isn't in the cleaned data."""
        return str(self.data.get("amount", "")).strip()

    @property
    def wanted(self) -> int | None:
        """The amount, or None if it's unknown. Call after validation."""
        wanted: int | None = self.cleaned_data.get("wanted")
        return wanted

    @property
    def cancels(self) -> bool:
        """Whether the membership should end too. Call after validation."""
        return self.cleaned_data.get("membership") == CANCEL

    def as_request(self, amount: int) -> RefundRequest:
        """Return what the member wants, of a valid form."""
        return RefundRequest(
            amount=amount,
            reason=RefundReason(self.cleaned_data["reason"]),
            words=self.cleaned_data["words"].strip(),
            key=self.cleaned_data["key"],
            cancels_membership=self.cancels,
        )

    @property
    def _currency(self) -> str:
        return self.asked.payment.currency

    @property
    def _example(self) -> str:
        return plain_amount(self.asked.terms.most, self._currency)
