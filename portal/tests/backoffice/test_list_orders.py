"""A staff list's newest rows come from an index, however many rows there are."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model

# These have a row for each of a few things that the business set up, not for what happens.
FEW = {
    "billing.IgnoredEvents",  # one of each reason
    "billing.RetentionOffer",
    "billing.UnassignedCustomer",  # until staff say whose it is
    "portal.SavedView",
}


def order_of(model: type[Model]) -> tuple[str, ...]:
    """Return the order of a model's staff list, as the admin has it, with columns' names."""
    model_admin = admin.site.get_model_admin(model)
    names = model_admin.ordering or model._meta.ordering or ["-pk"]
    return tuple(column(model, str(name).removeprefix("-")) for name in names)


def column(model: type[Model], name: str) -> str:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return str(field.column)  # type: ignore[union-attr]


def indexes(model: type[Model]) -> list[list[str]]:
    """Return the columns of a table's indexes that have all of its rows."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        partial = {name for (name,) in cursor.fetchall()}
    return [
        one["columns"]
        for name, one in found.items()
        if (one["index"] or one["unique"]) and name not in partial
    ]


@pytest.mark.django_db
def test_every_list_that_grows_is_read_by_an_index() -> None:
    lists = [model for model in admin.site._registry if model._meta.label not in FEW]
    assert len(lists) > 40
    unordered = []
    for model in lists:
        wanted = order_of(model)
        keys = [[column(model, "pk")], *indexes(model)]
        if not any(tuple(key[: len(wanted)]) == wanted for key in keys):
            unordered.append((model._meta.label, wanted))
    assert unordered == []
