"""Words for the rows that an attempt at an event added, changed, or removed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import BigIntegerField, BooleanField, DateTimeField, Field, JSONField, Model
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator, capfirst

from billing.models import RowChange
from billing.models.event import ChangeAction
from common import days
from common.money import Money

NOTHING = "–"
LONGEST = 200
MOST_SHOWN = 200


@dataclass(frozen=True)
class Value:
    """A column's value before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class NotedChange:
    """A row that changed. `name` is what the row is called now; it's empty once it's gone."""

    table: str
    row: int
    action: str
    what: str
    name: str
    model: str
    values: list[Value]

    @property
    def is_new(self) -> bool:
        """Whether the row was added."""
        return self.action == ChangeAction.INSERT


def noted_changes(attempt: int) -> list[NotedChange]:
    """Return an attempt's changes in their order: a query, and one for each table they're in."""
    changes = list(RowChange.objects.filter(attempt=attempt).order_by("pk")[:MOST_SHOWN])
    pks: dict[str, set[int]] = defaultdict(set)
    for one in changes:
        pks[one.table].add(one.row)
    models = {model._meta.db_table: model for model in apps.get_models() if model._meta.managed}
    rows = {
        table: models[table]._default_manager.in_bulk(list(wanted))
        for table, wanted in pks.items()
        if table in models
    }
    return [
        _worded(one, models[one.table], rows[one.table].get(one.row))
        for one in changes
        if one.table in models
    ]


def _worded(change: RowChange, model: type[Model], row: Model | None) -> NotedChange:
    before, after = change.before or {}, change.after or {}
    currency = str(getattr(row, "currency", "") or after.get("currency") or "")
    fields = [one for one in model._meta.concrete_fields if one.column in {**before, **after}]
    values = [
        Value(
            str(capfirst(str(one.verbose_name))),
            _words(one, before, currency),
            _words(one, after, currency),
        )
        for one in fields
    ]
    return NotedChange(
        table=change.table,
        row=change.row,
        action=change.action,
        what=str(capfirst(str(model._meta.verbose_name))),
        name=str(row) if row else "",
        model=model._meta.label_lower,
        # A new row's empty columns say nothing.
        values=[one for one in values if one.before != one.after],
    )


def _words(field: Field[Any, Any], values: Mapping[str, Any], currency: str) -> str:
    """Return a column's value as staff read it elsewhere."""
    value = values.get(str(field.column))
    if value in (None, "", [], {}):
        return NOTHING
    if field.choices:
        words = str(dict(field.flatchoices).get(value, value))
    elif isinstance(field, BooleanField):
        words = "Yes" if value else "No"
    elif isinstance(field, DateTimeField):
        words = _moment(str(value))
    elif isinstance(field, BigIntegerField) and currency and isinstance(value, int):
        words = str(Money(value, currency))
    elif isinstance(field, JSONField):
        words = json.dumps(value, ensure_ascii=False)
    else:
        words = str(value)
    return Truncator(words).chars(LONGEST)


def _moment(text: str) -> str:
    at = parse_datetime(text)
    if at is None:
        return text
    local = timezone.localtime(at)
    return f"{days.short_with_year(local)}, {local:%H:%M:%S}"
