"""A group of settings: its newest version is in force, and the environment fills what's empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import User

from business import versions
from business.kept import Kept
from business.models import Version

Row = TypeVar("Row", bound=Version)


class Group(Generic[Row]):
    """The versions of one table, the newest of which is kept in memory for seconds."""

    def __init__(self, model: type[Row]) -> None:
        self.model = model
        self._kept: Kept[Row] = Kept(self.newest)

    def newest(self) -> Row | None:
        """Return the version in force as the database has it; None if none was saved."""
        return self.model._default_manager.select_related("made_by").first()

    def saved(self) -> Row | None:
        """Return the version in force, as old as `business.kept` allows."""
        return self._kept.get()

    def value(self, name: str) -> Any:
        """Return what was saved for a field; None if the environment's value holds."""
        row = self.saved()
        return getattr(row, name) if row else None

    def save(
        self,
        values: Mapping[str, Any],
        actor: User | None,
        *,
        based_on: int,
        restores: int | None = None,
    ) -> Row:
        """Put a new version in force. Raises Overtaken: another has been saved since."""
        saved = versions.save(self.model, values, actor, based_on=based_on, restores=restores)
        self.forget()
        return saved

    def forget(self) -> None:
        """Read what's in force again: it has changed."""
        self._kept.forget()

    def assume_nothing_saved(self) -> None:
        """Start with the environment's values. For tests."""
        self._kept.assume(None)
