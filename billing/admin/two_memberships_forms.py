"""The forms that end one of two memberships: the choice, and its confirmation."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.http import QueryDict
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from billing.admin.two_memberships_facts import Ends
from billing.core.statuses import RefundReason
from billing.models import Payment, Subscription
from billing.refunds.service import RefundRequest
from billing.refunds.two_memberships import Choice
from common.fields import WordsField
from common.money import AmountError, Money, parse_money, typed_amount
from common.staff import show

NOW, PERIOD_END = "now", "period_end"
ALL, PART, NONE = "all", "part", "none"
LONGEST = 1000
LARGEST = 2**63 - 1  # PostgreSQL's bigint


class EndForm(forms.Form):
    """When one membership ends, and how much of its last payment is refunded."""

    when = forms.ChoiceField(label="End it", widget=UnfoldAdminRadioSelectWidget, initial=NOW)
    refund = forms.ChoiceField(
        label="Refund its last payment", widget=UnfoldAdminRadioSelectWidget, initial=NONE
    )
    amount = WordsField(max_length=30, required=False, widget=UnfoldAdminTextInputWidget)

    def __init__(self, ends: Ends, sent: QueryDict | None = None) -> None:
        # One page has two of them.
        super().__init__(sent, auto_id=f"id_{ends.row.pk}_%s")
        self.ends = ends
        self.fields["when"].choices = self._whens()  # type: ignore[attr-defined]
        if not ends.left:
            del self.fields["refund"], self.fields["amount"]
            return
        self.fields["refund"].choices = [  # type: ignore[attr-defined]
            (ALL, f"All of it: {Money(ends.left, ends.currency)}"),
            (PART, "Part of it"),
            (NONE, "No refund"),
        ]
        self.initial["refund"] = ALL
        self._suggest()

    def _whens(self) -> list[tuple[str, str]]:
        row = self.ends.row
        choices = [(NOW, "Right away")]
        if not row.ends_with_period:
            choices.append((PERIOD_END, f"On {show.day(row.current_period_end)}, with its period"))
        return choices

    def _suggest(self) -> None:
        """Suggest the value of the unused time as the partial amount."""
        ends, field = self.ends, self.fields["amount"]
        field.label = f"If part of it, how much in {ends.currency.upper()}"
        if ends.unused:
            self.initial["amount"] = typed_amount(ends.unused, ends.currency)
            unused = Money(ends.unused, ends.currency)
            field.help_text = f"{unused} is for the time that’s left of its paid period."

    def clean(self) -> dict[str, Any]:
        """Parse the amount into minor units, 0 for none."""
        cleaned: dict[str, Any] = self.cleaned_data
        wanted = cleaned.get("refund", NONE)
        cleaned["money"] = self.ends.left if wanted == ALL else 0
        if wanted == PART:
            cleaned["money"] = self._part(cleaned.get("amount", ""))
        return cleaned

    def _part(self, text: str) -> int:
        most = Money(self.ends.left, self.ends.currency)
        try:
            amount = parse_money(text, self.ends.currency)
        except AmountError as error:
            self.add_error("amount", str(error))
            return 0
        if not 0 < amount <= self.ends.left:
            self.add_error("amount", f"Enter an amount up to {most}.")
        return amount

    def confirmed(self) -> dict[str, Any]:
        """Return what the confirmation page sends. Call after validation."""
        payment, money = self.ends.payment, self.cleaned_data["money"]
        return {
            "when": self.cleaned_data["when"],
            "payment": payment.pk if payment and money else None,
            "amount": money,
            "key": uuid.uuid4(),
        }

    def choice(self) -> Choice:
        """Return the choice, for display. Call after validation."""
        values = self.confirmed()
        return _choice(self.ends.row, self.ends.payment, values | {"words": ""})


class ConfirmForm(forms.Form):
    """The confirmation of exactly what a page said. `key` makes it happen only once."""

    when = forms.ChoiceField(
        choices=[(NOW, NOW), (PERIOD_END, PERIOD_END)], widget=forms.HiddenInput
    )
    payment = forms.IntegerField(
        min_value=1, max_value=LARGEST, required=False, widget=forms.HiddenInput
    )
    amount = forms.IntegerField(min_value=0, max_value=LARGEST, widget=forms.HiddenInput)
    key = forms.UUIDField(widget=forms.HiddenInput)
    words = WordsField(
        label="Note",
        required=False,
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For your team, in the refund’s history. The member doesn’t see it.",
    )

    def drop_note(self) -> None:
        """Remove the note, which belongs to a refund."""
        del self.fields["words"]

    def clean(self) -> dict[str, Any]:
        """Find the payment; without one, nothing is refunded."""
        cleaned: dict[str, Any] = self.cleaned_data
        payment_pk = cleaned.get("payment")
        cleaned["paid"] = Payment.objects.filter(pk=payment_pk).first() if payment_pk else None
        if cleaned.get("amount") and cleaned["paid"] is None:
            raise forms.ValidationError("There is no such payment.")
        return cleaned

    def choice(self, row: Subscription) -> Choice:
        """Return what a valid form should do."""
        return _choice(row, self.cleaned_data["paid"], self.cleaned_data)


def _choice(row: Subscription, payment: Payment | None, values: dict[str, Any]) -> Choice:
    wanted = None
    if values["amount"] and payment:
        wanted = RefundRequest(
            amount=values["amount"],
            reason=RefundReason.DUPLICATE,
            words=values["words"],
            key=values["key"],
        )
    return Choice(
        subscription=row,
        at_once=values["when"] == NOW,
        payment=payment if wanted else None,
        refund=wanted,
    )
