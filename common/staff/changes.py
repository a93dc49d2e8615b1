"""What staff changed with a form, from what to what, in Django's own log of staff's actions.

An entry's message is Django's JSON, with `values` beside the names of the fields. They're dropped
when the member whom they're about leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.forms import BaseForm, Field, ModelChoiceField

EMPTY, YES, NO = "empty", "yes", "no"
LONGEST = 200
# How many a row's page shows; its history has them all.
SHOWN = 10
Change = tuple[str, str, str]


def add_values(message: list[dict[str, Any]], form: BaseForm, formsets: Iterable[Any]) -> None:
    """Add to Django's message of a changed form what each field was and is."""
    forms = [form, *(one for formset in formsets for one in formset.initial_forms)]
    found = [list(_changes(one)) for one in forms if one.has_changed()]
    changed = [one["changed"] for one in message if "changed" in one]
    for entry, values in zip(changed, found, strict=True):
        entry["values"] = values


def said(entry: LogEntry) -> str:
    """Return what was done, in words: "Price: $29.00 → $35.00."."""
    changes = [
        change
        for one in _parsed(entry.change_message)
        for change in one.get("changed", {}).get("values", ())
    ]
    if not changes:
        return entry.get_change_message()
    return " ".join(f"{label}: {before} → {after}." for label, before, after in changes)


def without_values(message: str) -> str:
    """Return a message that only names the fields that were changed."""
    parsed = _parsed(message)
    for one in parsed:
        one.get("changed", {}).pop("values", None)
    return json.dumps(parsed) if parsed else message


def of_row(row: Model) -> QuerySet[LogEntry]:
    """Return what staff did to a row, newest first."""
    kind = ContentType.objects.get_for_model(row)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk))
    return entries.select_related("user").order_by("-action_time", "-pk")


def _parsed(message: str) -> list[dict[str, Any]]:
    """Return a message's parts; none if it's a sentence."""
    if not message.startswith("["):
        return []
    try:
        parsed = json.loads(message)
    except ValueError:
        # Somebody's words may begin like that.
        return []
    return [one for one in parsed if isinstance(one, dict)]


def _changes(form: BaseForm) -> Iterator[Change]:
    for name in form.changed_data:
        field = form.fields[name]
        label = str(field.label or name.replace("_", " ").capitalize())
        before = _words(field, form.get_initial_for_field(field, name))
        yield label, before, _words(field, form.cleaned_data.get(name))


def _words(field: Field, value: Any) -> str:
    """Return a field's value as people read it."""
    if value is True or value is False:
        return YES if value else NO
    if value is None or value == "":
        return EMPTY
    if isinstance(value, str | bytes | int | float) or not isinstance(value, Iterable):
        text = _one(field, value)
    else:
        text = ", ".join(sorted(_one(field, one) for one in value)) or EMPTY
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _one(field: Field, value: Any) -> str:
    if isinstance(field, ModelChoiceField):
        if isinstance(value, Model) or field.queryset is None:
            return str(value)
        return str(field.queryset.filter(pk=value).first() or value)
    choices = getattr(field, "choices", None)
    if choices is not None and not callable(choices):
        flat = {str(key): str(words) for key, words in choices if not isinstance(words, list)}
        return flat.get(str(value), str(value))
    return str(value)
