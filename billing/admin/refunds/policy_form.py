"""The form for a new refund policy version: steps and limits for each kind of payment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from billing.models import RefundPolicy
from billing.refunds.policy import LONGEST_DAYS, WHOLE, PaymentKind, PolicyError, Rule, Share
from billing.refunds.terms import rules_of
from common.fields import WordsField
from common.money import AmountError, parse_money, typed_amount

STEPS = (1, 2, 3)
MOST_A_YEAR = 100
KINDS = {
    PaymentKind.MEMBERSHIP: "Memberships",
    PaymentKind.SINGLE: "Single payments",
    PaymentKind.OFFLINE: "Bank transfers",
}


def _step(number: int) -> tuple[forms.IntegerField, forms.IntegerField]:
    """Return a step's fields, which share column headings."""
    days, percent = _whole("Days", LONGEST_DAYS), _whole("Percent", WHOLE)
    days.widget.attrs["aria-label"] = f"Days of step {number}"
    percent.widget.attrs["aria-label"] = f"Percent of step {number}"
    return days, percent


def _whole(label: str, most: int) -> forms.IntegerField:
    words = f"Enter a whole number from 0 to {most}."
    return forms.IntegerField(
        label=label,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), words),
        min_value=0,
        max_value=most,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )


def _money(label: str, hint: str) -> WordsField:
    return WordsField(
        label=label,
        max_length=30,
        required=False,
        help_text=hint,
        widget=UnfoldAdminTextInputWidget,
    )


class RuleForm(forms.Form):
    """One payment kind's rule, in the main currency. `rule` is the result."""

    days_1, percent_1 = _step(1)
    days_2, percent_2 = _step(2)
    days_3, percent_3 = _step(3)
    automatic_up_to = _money("Approved at once, up to", "Of one payment. Empty: nothing.")
    automatic_per_year = _whole("So many times a year", MOST_A_YEAR)
    two_people_from = _money("Two people, from", "Empty: one is enough.")

    rule: Rule = Rule()

    @property
    def steps(self) -> list[tuple[Any, Any]]:
        """The fields of each step: days and percent."""
        return [(self[f"days_{step}"], self[f"percent_{step}"]) for step in STEPS]

    def clean_automatic_up_to(self) -> int:
        """Return minor units; empty is 0."""
        return self._amount("automatic_up_to") or 0

    def clean_two_people_from(self) -> int | None:
        """Return minor units, or None."""
        return self._amount("two_people_from")

    def clean(self) -> dict[str, Any]:
        """Build the rule, which reports contradictions."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            self.rule = Rule(
                shares=tuple(self._shares(cleaned)),
                automatic_up_to=cleaned["automatic_up_to"],
                # Without an amount, nothing is approved automatically.
                automatic_per_year=(cleaned["automatic_per_year"] or 0)
                * bool(cleaned["automatic_up_to"]),
                two_people_from=cleaned["two_people_from"],
            )
        except PolicyError as error:
            raise forms.ValidationError(str(error)) from error
        if self.rule.automatic_up_to and not self.rule.automatic_per_year:
            raise forms.ValidationError(
                "Approved at once: say how often a year, or leave the amount empty."
            )
        return cleaned

    def _shares(self, cleaned: dict[str, Any]) -> list[Share]:
        pairs = [(cleaned[f"days_{step}"], cleaned[f"percent_{step}"]) for step in STEPS]
        given = [pair for pair in pairs if pair != (None, None)]
        if any(None in pair for pair in given):
            raise forms.ValidationError("A step has days and a percentage, or neither.")
        return [Share(days, percent) for days, percent in given]

    def _amount(self, name: str) -> int | None:
        text = self.cleaned_data.get(name)
        if not text:
            return None
        try:
            return parse_money(text, settings.PAYMENT_CURRENCY)
        except AmountError as error:
            raise forms.ValidationError(str(error)) from error


class NoteForm(forms.Form):
    """What changed and why, and which version the author saw."""

    note = WordsField(
        label="What changes, and why",
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text="For other staff and for auditors.",
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput)


class PolicyDraft:
    """The whole form. The reason for the change is required if it `is_final`."""

    def __init__(
        self, based_on: RefundPolicy, data: QueryDict | None = None, *, is_final: bool = False
    ) -> None:
        rules = rules_of(based_on)
        currency = rules.currency
        typed: dict[str, Any] = {"based_on": based_on.version}
        if data:
            typed = {name: data.get(f"version-{name}", "") for name in ("note", "based_on")}
        self.note = NoteForm(data if is_final else None, initial=typed, prefix="version")
        self.rules = {
            kind: RuleForm(data, initial=_initial(rules.rule(kind), currency), prefix=kind.value)
            for kind in KINDS
        }

    @property
    def sections(self) -> list[tuple[str, RuleForm]]:
        """Each kind's name and form."""
        return [(KINDS[kind], form) for kind, form in self.rules.items()]

    def has_rules(self) -> bool:
        """Whether the rules are valid."""
        # Check every form, so each shows its own errors.
        answers = [form.is_valid() for form in self.rules.values()]
        return all(answers)

    def is_complete(self) -> bool:
        """Whether it can be put in force."""
        answers = [self.has_rules(), self.note.is_valid()]
        return all(answers)

    def as_rules(self) -> dict[PaymentKind, Rule]:
        """Return a valid form's rules."""
        return {kind: form.rule for kind, form in self.rules.items()}


def _initial(rule: Rule, currency: str) -> dict[str, Any]:
    """Return a rule as field values."""
    initial: dict[str, Any] = {"automatic_per_year": rule.automatic_per_year or None}
    for step, share in zip(STEPS, rule.shares, strict=False):
        initial |= {f"days_{step}": share.days, f"percent_{step}": share.percent}
    if rule.automatic_up_to:
        initial["automatic_up_to"] = typed_amount(rule.automatic_up_to, currency)
    if rule.two_people_from:
        initial["two_people_from"] = typed_amount(rule.two_people_from, currency)
    return initial
