"""The form that says which column of a bank's file is what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from billing.bank.files.mapped import DayFormat, Mapping
from billing.bank.files.table import LARGEST
from common.fields import WordsField

# What a mapping's fields are called; `day_format` is no column.
FIELDS = {
    "bank": "Bank",
    "day": "Date",
    "description": "Description",
    "amount": "Amount, with a minus for what went out",
    "came_in": "Money in",
    "went_out": "Money out",
    "name": "Who it's from or to",
    "transaction": "The bank's reference number",
    "memo": "Memo",
    "balance": "Balance after the line",
}
COLUMNS = [name for name in FIELDS if name != "bank"]
DAYS = {
    DayFormat.MONTH_FIRST: "03/28/2026",
    DayFormat.MONTH_FIRST_SHORT: "03/28/26",
    DayFormat.ISO: "2026-03-28",
    DayFormat.WORDS: "Mar 28, 2026",
}
# Words in headers that such a column mostly has. The first field that takes one keeps it.
GUESSES = {
    "day": r"\bdate\b|\bposted\b",
    "description": r"description|details|payee|narrative",
    "came_in": r"credit|deposit|money in|paid in",
    "went_out": r"debit|withdrawal|money out|paid out",
    "amount": r"amount",
    "transaction": r"reference|transaction (id|number)|confirmation",
    "memo": r"memo|note|message",
    "balance": r"balance",
}


class SampleForm(forms.Form):
    """A file of the bank's, to read its headers from."""

    file = forms.FileField(
        label="A file of this account",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv,text/plain"}),
        help_text="The CSV that your bank exports. It's only looked at, and nothing is imported.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_file(self) -> Any:
        """Refuse what's too large before reading it."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError("The file is larger than 10 MB. Export fewer months.")
        return file


class ColumnsForm(forms.Form):
    """Which column is what, chosen from a sample's headers. `mapping` is the result."""

    bank = WordsField(
        label="Bank",
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text="What you call it, such as “First Community”.",
    )
    day_format = forms.ChoiceField(
        label="Dates look like",
        choices=[(one.value, example) for one, example in DAYS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    # The first lines of the file, so that nothing has to be kept meanwhile.
    sample = WordsField(widget=forms.Textarea(attrs={"hidden": True}))

    def __init__(self, headers: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Not in the file"), *((one, one) for one in headers)]
        for name in COLUMNS:
            self.fields[name] = forms.ChoiceField(
                label=FIELDS[name],
                choices=choices,
                required=name in {"day", "description"},
                widget=UnfoldAdminSelectWidget,
                error_messages={"required": "Choose the column."},
            )
        self.order_fields(["bank", "day", "day_format", *COLUMNS])
        for name, header in guessed(headers).items():
            self.initial.setdefault(name, header)

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one way to read amounts, and for each column once."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        pair = [cleaned.get("came_in"), cleaned.get("went_out")]
        if cleaned.get("amount") and any(pair):
            raise forms.ValidationError(
                "Choose the amount's column, or those of money in and money out, but not all."
            )
        if not cleaned.get("amount") and not all(pair):
            raise forms.ValidationError(
                "Choose the amount's column, or both of money in and money out."
            )
        chosen = [cleaned[name] for name in COLUMNS if cleaned.get(name)]
        if twice := next((one for one in chosen if chosen.count(one) > 1), None):
            raise forms.ValidationError(f"“{twice}” is chosen twice.")
        return cleaned

    @property
    def as_json(self) -> dict[str, str]:
        """What a valid form chose, as an account keeps it."""
        values = self.cleaned_data
        names = [*FIELDS, "day_format"]
        return {name: values[name] for name in names if values.get(name)}

    @property
    def mapping(self) -> Mapping:
        """What a valid form chose, for reading."""
        values = self.as_json
        form = DayFormat(values.pop("day_format"))
        return Mapping(**values, day_format=form)


def guessed(headers: Sequence[str]) -> dict[str, str]:
    """Return which header is likely what: a form is quicker to check than to fill in."""
    found: dict[str, str] = {}
    for name, words in GUESSES.items():
        free = [one for one in headers if one not in found.values()]
        match = next((one for one in free if re.search(words, one, re.IGNORECASE)), None)
        if match:
            found[name] = match
    if not {"came_in", "went_out"} <= found.keys():
        # One alone is something else, such as a column that says "credit" or "debit".
        found = {name: one for name, one in found.items() if name not in {"came_in", "went_out"}}
    elif "amount" in found:
        del found["amount"]
    return found
