"""Form fields for what people type: words that can be shown everywhere, and email addresses."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.db import models

from common import addresses, characters

CLEANED_COLUMNS = (models.CharField, models.TextField)


class CleansWords:
    """A text field that cleans its input first: to one line, unless it has a text area."""

    widget: Any

    def to_python(self, value: Any) -> Any:
        """Clean the input, then parse it as the field itself does."""
        if isinstance(value, str):
            many_lines = isinstance(self.widget, forms.Textarea)
            value = characters.words(value) if many_lines else characters.line(value)
        return super().to_python(value)  # type: ignore[misc]


class WordsField(CleansWords, forms.CharField):
    """Words of a member or of staff."""


class WordsOfStaff:
    """An admin whose text columns are cleaned."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Give plain text columns a field that cleans; addresses and the like have their own."""
        if type(db_field) in CLEANED_COLUMNS and not db_field.choices:
            kwargs.setdefault("form_class", WordsField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class MailboxField(CleansWords, forms.EmailField):
    """An email address in any script; cleans to the one spelling of its mailbox."""

    default_validators = [addresses.check]

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", addresses.LONGEST)
        super().__init__(**kwargs)
        as_mailbox(self.widget)

    def to_python(self, value: Any) -> Any:
        """Return the one spelling, without invisible marks from pasting."""
        text = super().to_python(value)
        seen = (one for one in text if unicodedata.category(one) != "Cf")
        return addresses.canonical("".join(seen))


def as_mailbox(widget: Any) -> None:
    """Set up a text input for any address: a browser's email input refuses ü before the @."""
    widget.input_type = "text"
    widget.attrs |= {
        "inputmode": "email",
        "autocapitalize": "none",
        "autocorrect": "off",
        "spellcheck": "false",
    }
