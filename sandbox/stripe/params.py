"""Form-encoded parameters: decoding, and checking against what an endpoint declares as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe.errors import ApiError, invalid
from sandbox.world import Json


@dataclass(frozen=True)
class Leaf:
    """A plain value. `parse` raises ValueError with (code, message)."""

    parse: Callable[[str], Any]
    name: str


@dataclass(frozen=True)
class Hash:
    """Named parameters below one name."""

    fields: Mapping[str, Kind]


@dataclass(frozen=True)
class ListOf:
    kind: Kind


@dataclass(frozen=True)
class Either:
    """A plain value or a hash, as in `created=5` and `created[gte]=5`."""

    leaf: Leaf
    hash: Hash


@dataclass(frozen=True)
class Required:
    kind: Kind


Kind = Leaf | Hash | ListOf | Either | Required
Spec = Mapping[str, Kind]


class _Invalid(ValueError):
    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,15}", text):
        raise _Invalid("parameter_invalid_integer", f"Invalid integer: {text}")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise _Invalid(None, f"Invalid boolean: {text}")
    return text == "true"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise _Invalid("parameter_invalid_decimal", f"Invalid decimal: {text}") from error


def _text(text: str) -> str:
    if len(text) > 5000:
        raise _Invalid(
            "parameter_invalid_string_too_long", "Invalid string: must be at most 5000 characters"
        )
    return text


def _url(text: str) -> str:
    address = urlsplit(text)
    if address.scheme not in ("http", "https") or not address.hostname:
        message = "Not a valid URL: an explicit scheme (such as https) must be provided."
        raise _Invalid("url_invalid", message)
    return text


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+|[^@\s]+@localhost", text):
        raise _Invalid("email_invalid", f"Invalid email address: {text}")
    return text


TEXT = Leaf(_text, "text")
URL = Leaf(_url, "URL")
EMAIL = Leaf(_email, "email address")
INTEGER = Leaf(_integer, "integer")
BOOLEAN = Leaf(_boolean, "boolean")
DECIMAL = Leaf(_decimal, "decimal")
METADATA = Leaf(_text, "metadata")
TEXTS = ListOf(TEXT)
CREATED = Either(INTEGER, Hash({"gt": INTEGER, "gte": INTEGER, "lt": INTEGER, "lte": INTEGER}))
ADDRESS = Hash(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), TEXT))


def one_of(*choices: str) -> Leaf:
    def parse(text: str) -> str:
        if text not in choices:
            listed = (
                f"{', '.join(choices[:-1])}, or {choices[-1]}" if len(choices) > 1 else choices[0]
            )
            raise _Invalid(None, f"must be one of {listed}")
        return text

    return Leaf(parse, "choice")


def decode(pairs: Sequence[tuple[str, str]]) -> Json:
    """Nested values of bracketed names: `a[b][0]=c` becomes {"a": {"b": {"0": "c"}}}."""
    decoded: Json = {}
    for name, value in pairs:
        keys = re.findall(r"[^\[\]]+", name)
        if not keys:
            raise invalid(f"Invalid parameter name: {name}")
        if name.endswith("[]"):
            keys.append(_next_index(decoded, keys))
        _set(decoded, keys, value, name)
    return decoded


def _next_index(decoded: Json, keys: list[str]) -> str:
    place: Any = decoded
    for key in keys:
        place = place.get(key, {}) if isinstance(place, dict) else {}
    return str(len(place))


def _set(decoded: Json, keys: list[str], value: str, name: str) -> None:
    place = decoded
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise invalid(f"Invalid parameter: {name}", param=name)
    place[keys[-1]] = value


def check(raw: Json, spec: Spec) -> Json:
    """The parameters with their types; raises the error that Stripe would answer."""
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
    if isinstance(kind, Required):
        if value == "":
            message = (
                f"You passed an empty string for '{path}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{path}' cannot be unset."
            )
            raise invalid(message, param=path, code="parameter_invalid_empty")
        return _check_value(value, kind.kind, path)
    if value == "":
        return None
    if isinstance(kind, Either):
        return _check_value(value, kind.hash if isinstance(value, dict) else kind.leaf, path)
    if isinstance(kind, Hash):
        return _check_hash(_expect_hash(value, path), kind.fields, path)
    if isinstance(kind, ListOf):
        return _check_list(value, kind.kind, path)
    return _check_leaf(value, kind, path)


def _expect_hash(value: Any, path: str) -> Json:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=path)
    return value


def _check_list(value: Any, kind: Kind, path: str) -> list[Any]:
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid("Invalid array", param=path)
    ordered = sorted(value.items(), key=lambda entry: int(entry[0]))
    return [_check_value(entry, kind, f"{path}[{key}]") for key, entry in ordered]


def _check_leaf(value: Any, leaf: Leaf, path: str) -> Any:
    if leaf is METADATA:
        return _check_metadata(value, path)
    if not isinstance(value, str):
        raise invalid(f"Invalid {leaf.name}: {path}", param=path)
    try:
        return leaf.parse(value)
    except _Invalid as error:
        message = f"Invalid {path}: {error}" if leaf.name == "choice" else str(error)
        raise invalid(message, param=path, code=error.code) from error


def _check_metadata(value: Any, path: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise invalid("Metadata must be a hash of names and strings.", param=path)
    if len(value) > 50:
        raise invalid("You can have up to 50 metadata keys.", param=path)
    for name, text in value.items():
        if len(name) > 40 or len(text) > 500:
            raise invalid(
                "Metadata names have up to 40 characters and values up to 500.",
                param=f"{path}[{name}]",
            )
    return value


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def merge_metadata(current: Json, change: Json | None) -> Json:
    """Stripe's rule: names given are set, an empty value removes one, empty metadata all."""
    if change is None:
        return {}
    merged = {**current, **change}
    return {name: value for name, value in merged.items() if value != ""}
