"""Reads the shape files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_INDENT = 2
PINNED = "2026-10-28.endive"
VERSIONS = ("2020-08-27", "2024-06-20", "2025-03-31.basil", "2025-09-30.clover", PINNED)
"""One version of each family: between two of them no field was taken away or moved."""


@dataclass
class Field:
    """One field of a resource, or of a part of it."""

    name: str
    type: str = ""
    is_nullable: bool = False
    is_optional: bool = False
    since: str = ""
    until: str = ""
    fields: list[Field] = field(default_factory=list)

    def is_in(self, version: str) -> bool:
        """Whether this API version has the field. Its date decides, not the name after it."""
        day = version[:10]
        return self.since <= day and (not self.until or day < self.until)

    @property
    def is_list(self) -> bool:
        return self.type.startswith("[")

    @property
    def entry(self) -> str:
        """The type of a list's entries, or its own type."""
        return self.type[1:-1] if self.is_list else self.type

    @property
    def words(self) -> list[str]:
        """The words it must be one of, if it's limited to some."""
        if self.entry.startswith("'"):
            return [self.entry.strip("'")]
        is_open = self.entry.startswith((">", "{", ":", "list:"))
        return self.entry.split("|") if "|" in self.entry and not is_open else []

    def parts(self, version: str) -> dict[str, Field]:
        """The fields below it in a version, including those of a shared part."""
        fields = _part(self.entry[1:]) if self.entry.startswith(":") else self.fields
        return {one.name: one for one in fields if one.is_in(version)}


def kinds() -> list[str]:
    """Every kind of object that's described."""
    return sorted(path.stem for path in (_HERE / "resources").glob("*.txt"))


@cache
def shape(kind: str, version: str) -> dict[str, Field]:
    """The fields of a kind of object in an API version.

    Raises:
        LookupError: it isn't described.
    """
    return {one.name: one for one in _resource(kind) if one.is_in(version)}


@cache
def _resource(kind: str) -> list[Field]:
    path = _HERE / "resources" / f"{kind}.txt"
    if not path.exists():
        raise LookupError(f"{kind} is not described.")
    return _read(path)


@cache
def _part(name: str) -> list[Field]:
    return _read(_HERE / "parts" / f"{name}.txt")


def _read(path: Path) -> list[Field]:
    root = Field("")
    open_parts = [root]
    for indent, one in _lines(path):
        del open_parts[indent + 1 :]
        open_parts[indent].fields.append(one)
        open_parts.append(one)
    return root.fields


def _lines(path: Path) -> Iterator[tuple[int, Field]]:
    for line in path.read_text().splitlines():
        text = re.sub(r"\s*#.*", "", line)
        if text:
            yield (len(text) - len(text.lstrip())) // _INDENT, _field(text.split())


def _field(words: list[str]) -> Field:
    made = Field(words[0])
    for word in words[1:]:
        name, _, value = word.partition(":")
        if word == "?":
            made.is_nullable = True
        elif word == "optional":
            made.is_optional = True
        elif name == "since":
            made.since = value
        elif name == "until":
            made.until = value
        else:
            made.type = word
    return made
