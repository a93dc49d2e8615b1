"""The member's refund request form."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.core.statuses import RefundReason
from billing.pages import amounts
from billing.pages.refund_preview import Asking
from billing.refunds.service import RefundRequest
from billing.refunds.texts import REASONS
from common.fields import WordsField
from common.money import Money

ALL, PART = "all", "part"
KEEP, CANCEL = "keep", "cancel"
WORDS_LENGTH = 1000
# Where the page says what's wrong with the amount.
SAID = "amount-said"


def up_to(most: Money) -> str:
    """Return how much can be entered."""
    return gettext("Enter an amount up to %(amount)s.") % {"amount": most}


class RefundForm(forms.Form):
    """How much, why, and what about the membership. Amounts clean to minor units.

    `looking`: the member only wants a preview, and needn't give a reason.
    """

    how_much = forms.ChoiceField(
        label=_("How much?"),
        choices=[(ALL, _("All of it")), (PART, _("Part of it"))],
        widget=forms.RadioSelect,
        initial=ALL,
        error_messages={"required": _("Choose how much."), "invalid_choice": _("Choose how much.")},
    )
    amount = WordsField(
        label=_("Amount"),
        max_length=30,
        required=False,
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "aria-describedby": SAID}
        ),
    )
    reason = forms.ChoiceField(
        label=_("Why?"),
        choices=[("", _("Choose a reason")), *((key.value, text) for key, text in REASONS.items())],
        error_messages={"required": _("Choose a reason."), "invalid_choice": _("Choose a reason.")},
    )
    words = WordsField(
        label=_("Anything we should know?"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=WORDS_LENGTH,
        required=False,
    )
    membership = forms.ChoiceField(
        label=_("What about your membership?"),
        choices=[(KEEP, _("Keep it")), (CANCEL, _("Cancel it too"))],
        widget=forms.RadioSelect,
        initial=KEEP,
        error_messages={"required": _("Choose one."), "invalid_choice": _("Choose one.")},
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
            raise forms.ValidationError(_("This page has expired. Load it again."))
        return cleaned

    def _typed(self) -> int | None:
        most = self.asked.terms.most
        try:
            amount = amounts.read(self.typed, self.asked.payment.currency, most)
        except forms.ValidationError as error:
            self.add_error("amount", error)
            return None
        if not 0 < amount <= most:
            self.add_error("amount", up_to(self.asked.most))
            return None
        return amount

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
