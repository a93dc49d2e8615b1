"""The form field of people's words: what can't be shown everywhere is left out as it comes in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models

from portal import characters

CLEANED_COLUMNS = (models.CharField, models.TextField)


class CleansWords:
    """A field of text whose words are cleaned first: on one line, unless it has a text area."""

    widget: Any

    def to_python(self, value: Any) -> Any:
        """Clean, then read it as the field itself does."""
        if isinstance(value, str):
            many_lines = isinstance(self.widget, forms.Textarea)
            value = characters.words(value) if many_lines else characters.line(value)
        return super().to_python(value)  # type: ignore[misc]


class WordsField(CleansWords, forms.CharField):
    """Words of a member or of staff."""


class WordsOfStaff:
    """An admin whose own columns of text are cleaned."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Give plain columns of text a field that cleans; addresses and the like have their own."""
        if type(db_field) in CLEANED_COLUMNS and not db_field.choices:
            kwargs.setdefault("form_class", WordsField)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
