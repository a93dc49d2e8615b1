"""The brand's history in words: who saved what, when, and what changed from what to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from business import versions
from business.models import BrandVersion, Picture
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


def entries(before: int | None = None) -> tuple[list[Entry], int | None]:
    """Return the newest versions (older than `before`), and where the next page begins."""
    rows = BrandVersion.objects.select_related("logo", "cover", "made_by")
    if before:
        rows = rows.filter(version__lt=before)
    found = list(rows[: SHOWN + 1])
    shown, rest = found[:SHOWN], found[SHOWN:]
    # The one after the last on this page is what that's compared with.
    earlier: list[BrandVersion | None] = [*found[1:], None][: len(shown)]
    pairs = zip(shown, earlier, strict=True)
    return [_entry(row, earlier) for row, earlier in pairs], shown[-1].version if rest else None


def _entry(row: BrandVersion, earlier: BrandVersion | None) -> Entry:
    return Entry(
        version=row.version,
        url=show.page_of(row),
        at=show.moment(row.made_at),
        by=show.name_of(row.made_by) if row.made_by else _("The portal"),
        restores=row.restores,
        changes=in_words(versions.changes(earlier, row)),
    )


def between(old: int, new: BrandVersion) -> list[Changed]:
    """Return what changed since an earlier version, which may be none (0)."""
    rows = BrandVersion.objects.select_related("logo", "cover")
    return in_words(versions.changes(rows.filter(version=old).first(), new))


def in_words(changes: Iterable[versions.Change]) -> list[Changed]:
    """Return changes as people read them."""
    return [Changed(one.label, words(one.before), words(one.after)) for one in changes]


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
