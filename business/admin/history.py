"""A group's history in words: who saved what, when, and what changed from what to what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from business import versions
from business.models import Picture, Version
from common.staff import show

SHOWN = 20
LONGEST = 160


@dataclass(frozen=True)
class Changed:
    """A field, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """A version in the history."""

    version: int
    url: str
    at: str
    by: str
    restores: int | None
    changes: list[Changed]


def words_of_any(_name: str, value: Any) -> str:
    """Return a field's value in words, whichever field it is."""
    return words(value)


# Returns a value in words, by the name of its field.
Words = Callable[[str, Any], str]


def entries(
    rows: QuerySet[Any], before: int | None = None, in_words: Words = words_of_any
) -> tuple[list[Entry], int | None]:
    """Return the newest versions (older than `before`), and where the next page begins."""
    rows = rows.select_related("made_by")
    if before:
        rows = rows.filter(version__lt=before)
    found = list(rows[: SHOWN + 1])
    shown, rest = found[:SHOWN], found[SHOWN:]
    # The one after the last on this page is what that's compared with.
    earlier: list[Version | None] = [*found[1:], None][: len(shown)]
    pairs = zip(shown, earlier, strict=True)
    listed = [_entry(row, earlier, in_words) for row, earlier in pairs]
    return listed, shown[-1].version if rest else None


def _entry(row: Version, earlier: Version | None, in_words: Words) -> Entry:
    return Entry(
        version=row.version,
        url=show.page_of(row),
        at=show.moment(row.made_at),
        by=show.name_of(row.made_by) if row.made_by else _("The portal"),
        restores=row.restores,
        changes=changed(versions.changes(earlier, row), in_words),
    )


def between(
    rows: QuerySet[Any], old: int, new: Version, in_words: Words = words_of_any
) -> list[Changed]:
    """Return what changed since an earlier version, which may be none (0)."""
    return changed(versions.changes(rows.filter(version=old).first(), new), in_words)


def changed(changes: Iterable[versions.Change], in_words: Words) -> list[Changed]:
    """Return changes as people read them."""
    return [
        Changed(one.label, in_words(one.name, one.before), in_words(one.name, one.after))
        for one in changes
    ]


def words(value: Any) -> str:
    """Return a field's value in words."""
    if isinstance(value, Picture):
        return f"{value} ({value.file[:8]})"
    if isinstance(value, list):
        return _shortened("; ".join(_of_row(one) for one in value))
    return _shortened(str(value or ""))


def _of_row(entry: dict[str, str]) -> str:
    first = entry.get("text") or entry.get("name") or ""
    return f"{first} ({entry['url']})" if entry.get("url") else first


def _shortened(text: str) -> str:
    if not text:
        return _("empty")
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()}…"
