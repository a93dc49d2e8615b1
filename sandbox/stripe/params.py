"""Form-encoded parameters: decoding, and checking against an endpoint's declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sandbox.stripe import values
from sandbox.stripe.errors import ApiError, invalid
from sandbox.stripe.values import (
    BOOLEAN,
    COUNT,
    CURRENCY,
    DECIMAL,
    DESCRIPTOR,
    EMAIL,
    INTEGER,
    NOT_NEGATIVE,
    PROMOTION_CODE,
    TEXT,
    URL,
    Leaf,
    Refused,
    integer,
    one_of,
    text,
)
from sandbox.world import Json

__all__ = [
    "ADDRESS",
    "BOOLEAN",
    "COUNT",
    "CREATED",
    "CURRENCY",
    "DECIMAL",
    "DESCRIPTOR",
    "EMAIL",
    "INTEGER",
    "METADATA",
    "NOT_NEGATIVE",
    "PROMOTION_CODE",
    "TEXT",
    "TEXTS",
    "URL",
    "Either",
    "Emptyable",
    "Hash",
    "Kind",
    "Leaf",
    "ListOf",
    "Refused",
    "Required",
    "Spec",
    "check",
    "decode",
    "integer",
    "merge_metadata",
    "missing_parameter",
    "new_metadata",
    "one_of",
    "text",
]

MOST_METADATA = 50
_LONGEST_KEY = 40
_LONGEST_VALUE = 500


@dataclass(frozen=True)
class Hash:
    """Named parameters nested under one name."""

    fields: Mapping[str, Kind]


@dataclass(frozen=True)
class ListOf:
    """A list of one kind, with at most `most` entries."""

    kind: Kind
    most: int | None = None


@dataclass(frozen=True)
class Either:
    """A plain value or a hash, as in `created=5` and `created[gte]=5`."""

    leaf: Leaf
    hash: Hash


@dataclass(frozen=True)
class Required:
    kind: Kind


@dataclass(frozen=True)
class Emptyable:
    """A value that an empty string unsets. Texts always can be."""

    kind: Kind


Kind = Leaf | Hash | ListOf | Either | Required | Emptyable
Spec = Mapping[str, Kind]


METADATA = Leaf(str, "metadata", is_text=True)
TEXTS = ListOf(TEXT)
CREATED = Either(INTEGER, Hash({"gt": INTEGER, "gte": INTEGER, "lt": INTEGER, "lte": INTEGER}))
ADDRESS = Hash(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), TEXT))


def decode(pairs: Sequence[tuple[str, str]]) -> Json:
    """Nest bracketed names: `a[b][0]=c` becomes {"a": {"b": {"0": "c"}}}."""
    decoded: Json = {}
    for name, value in pairs:
        if not re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])*", name):
            raise invalid(f"Invalid parameter name: {name}")
        first, *rest = re.findall(r"[^\[\]]+|\[\]", name)
        _set(decoded, [first, *rest], value, name)
    return decoded


def _set(decoded: Json, keys: Sequence[str], value: str, name: str) -> None:
    place = decoded
    for key, following in pairwise(keys):
        place = place.setdefault(_index(place, key, following), {})
        if not isinstance(place, dict):
            raise invalid(f"Invalid parameter: {name}", param=name)
    place[_index(place, keys[-1], "")] = value


def _index(place: Json, key: str, following: str) -> str:
    """The key itself, or the list index that `[]` means.

    That's a new entry, unless the last one still lacks what follows: `items[][price]` and then
    `items[][quantity]` are one item.
    """
    if key != "[]":
        return key
    last = place.get(str(len(place) - 1))
    is_same = following and isinstance(last, dict) and following not in last
    return str(len(place) - 1 if is_same else len(place))


def check(raw: Json, spec: Spec) -> Json:
    """Return typed parameters, or raise the error that Stripe would answer with."""
    return _check_hash(raw, spec, "")


def _check_hash(raw: Json, spec: Spec, path: str) -> Json:
    unknown = [_join(path, name) for name in raw if name not in spec]
    if len(unknown) == 1:
        raise invalid(
            f"Received unknown parameter: {unknown[0]}", param=unknown[0], code="parameter_unknown"
        )
    if unknown:
        listed = ", ".join(unknown)
        raise invalid(
            f"Received unknown parameters: {listed}", param=unknown[0], code="parameter_unknown"
        )
    for name, kind in spec.items():
        if isinstance(kind, Required) and name not in raw:
            raise missing_parameter(_join(path, name))
    return {name: _check_value(value, spec[name], _join(path, name)) for name, value in raw.items()}


def missing_parameter(param: str) -> ApiError:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def _check_value(value: Any, kind: Kind, path: str) -> Any:
    if value == "":
        if not _is_emptyable(kind):
            raise _cannot_be_unset(path)
        return None
    if isinstance(kind, Required | Emptyable):
        return _check_value(value, kind.kind, path)
    if isinstance(kind, Either):
        return _check_value(value, kind.hash if isinstance(value, dict) else kind.leaf, path)
    if isinstance(kind, Hash):
        return _check_hash(_expect_hash(value, path), kind.fields, path)
    if isinstance(kind, ListOf):
        return _check_list(value, kind, path)
    return _check_leaf(value, kind, path)


def _is_emptyable(kind: Kind) -> bool:
    return isinstance(kind, Emptyable) or (isinstance(kind, Leaf) and kind.is_text)


def _cannot_be_unset(path: str) -> ApiError:
    message = (
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset "
        f"a parameter; however '{path}' cannot be unset. You should remove '{path}' from your "
        "request or supply a non-empty value."
    )
    return invalid(message, param=path, code="parameter_invalid_empty")


def _expect_hash(value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=path)
    return value


def _check_list(value: Any, kind: ListOf, path: str) -> list[Any]:
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid("Invalid array", param=path)
    if kind.most is not None and len(value) > kind.most:
        message = f"Array {path} exceeded maximum {kind.most} allowed elements."
        raise invalid(message, param=path)
    ordered = sorted(value.items(), key=lambda entry: int(entry[0]))
    return [_check_value(entry, kind.kind, f"{path}[{key}]") for key, entry in ordered]


def _check_leaf(value: Any, leaf: Leaf, path: str) -> Any:
    if leaf is METADATA:
        return _check_metadata(value, path)
    try:
        return values.of(value, leaf)
    except Refused as error:
        message = f"Invalid {path}: {error}" if leaf.name == "choice" else str(error)
        raise invalid(message, param=path, code=error.code) from error


def _check_metadata(value: Any, path: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=path)
    for name, entry in value.items():
        if not isinstance(entry, str):
            raise invalid(f"Invalid string: {json.dumps(entry)}", param=f"{path}[{name}]")
        if len(name) > _LONGEST_KEY:
            raise invalid(
                f"Metadata keys can have up to {_LONGEST_KEY} characters, but you passed in a key "
                f"that is {len(name)} characters. Invalid key: {name}",
                param=path,
            )
        if len(entry) > _LONGEST_VALUE:
            raise invalid(
                f"Metadata values can have up to {_LONGEST_VALUE} characters, but you passed in a "
                f"value that is {len(entry)} characters. Invalid value: {entry}",
                param=path,
            )
    _check_count(value)
    return value


def _check_count(metadata: Json) -> None:
    if len(metadata) > MOST_METADATA:
        raise invalid(
            f"Metadata can have up to {MOST_METADATA} keys, but there would be {len(metadata)}.",
            param="metadata",
        )


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def new_metadata(params: Json) -> Json:
    """Metadata for a new object: names without a value are left out."""
    return merge_metadata({}, params.get("metadata") or {})


def merge_metadata(current: Json, change: Json | None) -> Json:
    """Stripe's rule: given names are set, an empty value removes one, empty metadata all."""
    if change is None:
        return {}
    merged = {name: value for name, value in {**current, **change}.items() if value != ""}
    _check_count(merged)
    return merged
