"""Saves versions of settings, one after the other, and says what changed between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Field
from django.utils.text import capfirst

from business.models import Version

# Of the version itself, not of what it says.
ABOUT = frozenset({"id", "version", "made_at", "made_by", "restores"})

Row = TypeVar("Row", bound=Version)


class Overtaken(Exception):
    """Somebody saved a newer version than the one that was edited."""

    def __init__(self, newest: int) -> None:
        super().__init__(f"Version {newest} is newer.")
        self.newest = newest


@dataclass(frozen=True)
class Change:
    """A field whose value differs between two versions."""

    name: str
    label: str
    before: Any
    after: Any


def newest_number(model: type[Version]) -> int:
    """Return the number of the version in force; 0 if none was saved."""
    found = model._default_manager.values_list("version", flat=True).first()
    return found or 0


def save(
    model: type[Row],
    values: Mapping[str, Any],
    actor: User | None,
    *,
    based_on: int,
    restores: int | None = None,
) -> Row:
    """Put a new version in force. `based_on` is the version that its author saw.

    Raises:
        Overtaken: another version has been saved since.
    """
    newest = newest_number(model)
    if newest != based_on:
        raise Overtaken(newest)
    try:
        # Of two authors who save at the same moment, one gets the number.
        with transaction.atomic():
            return model._default_manager.create(
                version=based_on + 1, made_by=actor, restores=restores, **values
            )
    except IntegrityError as error:
        newest = newest_number(model)
        if newest == based_on:
            raise
        raise Overtaken(newest) from error


def fields_of(model: type[Version]) -> list[Field[Any, Any]]:
    """Return what versions of this model say, in order."""
    return [one for one in model._meta.concrete_fields if one.name not in ABOUT]


def values_of(row: Version) -> dict[str, Any]:
    """Return what a version says, ready for the next one."""
    return {field.name: getattr(row, field.name) for field in fields_of(type(row))}


def changes(before: Row | None, after: Row) -> list[Change]:
    """Return what differs, by field; nothing comes before the first version."""
    old = before or type(after)()
    return [
        Change(
            field.name,
            capfirst(str(field.verbose_name)),
            getattr(old, field.name),
            getattr(after, field.name),
        )
        for field in fields_of(type(after))
        if getattr(old, field.name) != getattr(after, field.name)
    ]
