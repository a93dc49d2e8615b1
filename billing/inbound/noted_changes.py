"""Words for the rows that an attempt at an event added, changed, or removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Field, Model
from django.utils.text import Truncator, capfirst

from billing.models import RowChange
from billing.models.event import ChangeAction
from common.staff import show
from common.staff.values import in_words

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
    """Return an attempt's changes in their order: a query, and one for each table they name."""
    changes = list(RowChange.objects.filter(attempt=attempt).order_by("pk")[:MOST_SHOWN])
    models = {model._meta.db_table: model for model in apps.get_models() if model._meta.managed}
    known = [(one, models[one.table]) for one in changes if one.table in models]
    named = _Named()
    for one, model in known:
        named.want(model, one.row)
        for values in (one.before or {}, one.after or {}):
            for field in _links(model, values):
                named.want(field.related_model, values[str(field.column)])
    named.read()
    return [_worded(one, model, named) for one, model in known]


class _Named:
    """Rows that changes name, read once for each table."""

    def __init__(self) -> None:
        self._wanted: dict[type[Model], set[Any]] = defaultdict(set)
        self._rows: dict[type[Model], dict[Any, Model]] = {}

    def want(self, model: type[Model], pk: Any) -> None:
        """Ask for a row."""
        if pk is not None:
            self._wanted[model].add(pk)

    def read(self) -> None:
        """Read all that was asked for."""
        self._rows = {
            model: model._default_manager.in_bulk(list(pks)) for model, pks in self._wanted.items()
        }

    def get(self, model: type[Model], pk: Any) -> Model | None:
        """Return a row, or None if it's gone, or nothing was named."""
        return self._rows.get(model, {}).get(pk)


def _links(model: type[Model], values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the columns that lead to other rows."""
    for field in model._meta.concrete_fields:
        if field.is_relation and values.get(str(field.column)) is not None:
            yield field


def _worded(change: RowChange, model: type[Model], named: _Named) -> NotedChange:
    row = named.get(model, change.row)
    before, after = change.before or {}, change.after or {}
    currency = str(getattr(row, "currency", "") or after.get("currency") or "")
    fields = [one for one in model._meta.concrete_fields if one.column in {**before, **after}]
    values = [
        Value(
            str(capfirst(str(one.verbose_name))),
            _words(one, before, currency, named),
            _words(one, after, currency, named),
        )
        for one in fields
    ]
    return NotedChange(
        table=change.table,
        row=change.row,
        action=change.action,
        what=str(capfirst(str(model._meta.verbose_name))),
        name=_name(row),
        model=model._meta.label_lower,
        # A new row's empty columns say nothing.
        values=[one for one in values if one.before != one.after],
    )


def _words(field: Field[Any, Any], values: Mapping[str, Any], currency: str, named: _Named) -> str:
    """Return a column's value in words; of a row that it leads to, its name."""
    value = values.get(str(field.column))
    row = named.get(cast("type[Model]", field.related_model), value) if field.is_relation else None
    return Truncator(_name(row) or in_words(field, value, currency)).chars(LONGEST)


def _name(row: Model | None) -> str:
    if row is None:
        return ""
    return show.name_of(row) if isinstance(row, User) else str(row)
