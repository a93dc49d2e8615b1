"""Checks that JSON has the shape of an API version: no field extra, missing, or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stripe_shapes.reading import PINNED, Field, kinds, shape

Json = Mapping[str, Any]

_PLAIN: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "time": (int,),
}
_PROBLEM = Field("error", ":problem")
_DELETED = {"id", "object", "deleted"}
_PAGE = {"object", "data", "has_more", "url"}


def violations(value: Any, version: str = PINNED, path: str = "") -> Iterator[str]:
    """Return every difference from the shapes with its path; handles lists and pages too."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from violations(entry, version, f"{path}[{index}]")
    elif isinstance(value, dict):
        kind = value.get("object")
        if isinstance(kind, str):
            yield from _of_object(value, kind, version, f"{path}<{kind}>")
        elif set(value) == {"error"} and isinstance(value["error"], dict):
            yield from _of_fields(value["error"], _PROBLEM.parts(version), version, f"{path}.error")
        else:
            for name, entry in value.items():
                yield from violations(entry, version, f"{path}.{name}")


def _of_object(value: Json, kind: str, version: str, path: str) -> Iterator[str]:
    if kind in ("list", "search_result"):
        yield from _of_page(value, kind, version, path)
    elif value.get("deleted") is True and kind != "discount":
        if set(value) != _DELETED:
            yield f"{path}: a deleted object has {sorted(value)}"
    elif kind not in kinds():
        yield f"{path}: nothing is known of {kind}"
    else:
        if kind == "event":
            # An event keeps the version under which it was made, whoever reads it later.
            version = value.get("api_version") or version
        kept = {name: entry for name, entry in value.items() if name != "deleted"}
        yield from _of_fields(kept, shape(kind, version), version, path)


def _of_page(value: Json, kind: str, version: str, path: str) -> Iterator[str]:
    wanted = _PAGE | ({"next_page"} if kind == "search_result" else set())
    for name in sorted(set(value) ^ wanted - {"total_count"}):
        if name != "total_count":
            yield f"{path}.{name} is {'missing' if name in wanted else 'unknown'}"
    yield from violations(value["data"], version, f"{path}.data")


def _of_fields(value: Json, fields: Mapping[str, Field], version: str, path: str) -> Iterator[str]:
    for name in sorted(set(value) - set(fields)):
        if "*" not in fields:
            yield f"{path}.{name} is unknown"
    for name, one in fields.items():
        if name in value:
            yield from _of_value(value[name], one, version, f"{path}.{name}")
        elif not one.is_optional:
            yield f"{path}.{name} is missing"


def _of_value(value: Any, one: Field, version: str, path: str) -> Iterator[str]:
    if value is None:
        if not one.is_nullable:
            yield f"{path} is null"
    elif one.is_list:
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for index, entry in enumerate(value):
            yield from _of_entry(entry, one, version, f"{path}[{index}]")
    else:
        yield from _of_entry(value, one, version, path)


def _of_entry(value: Any, one: Field, version: str, path: str) -> Iterator[str]:
    kind = one.entry
    if kind == "any":
        yield from violations(value, version, path)
    elif kind == "texts":
        yield from _of_texts(value, path)
    elif one.words:
        if value not in one.words:
            yield f"{path} is {value!r}"
    elif kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) != (kind == "boolean")):
            yield f"{path} is {value!r}"
    elif kind.startswith((">", "{", "list:")):
        yield from _of_named(value, kind, version, path)
    elif not isinstance(value, dict) or isinstance(value.get("object"), str):
        yield f"{path} is no part: {value!r}"
    else:
        yield from _of_fields(value, one.parts(version), version, path)


def _of_texts(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        yield f"{path} is {value!r}"


def _of_named(value: Any, kind: str, version: str, path: str) -> Iterator[str]:
    """An object, an expandable ID, or a page of objects."""
    if kind.startswith(">") and isinstance(value, str):
        return
    wanted = kind.removeprefix("list:").strip(">{}").split("|")
    entries = value["data"] if kind.startswith("list:") else [value]
    objects = {one.get("object") if isinstance(one, dict) else one for one in entries}
    if "other" not in wanted and objects - set(wanted):
        yield f"{path} is {objects}, not {wanted}"
    yield from violations(value, version, path)
