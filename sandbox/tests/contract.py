"""Checks the sandbox's declarations against the SDK's parameter types."""

from __future__ import annotations

import importlib
import re
import types
from collections.abc import Iterator
from typing import Any

from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.params import (
    Either,
    Emptyable,
    Hash,
    Kind,
    Leaf,
    ListOf,
    Required,
)

OLDER_NAMES = {"payment_method_types"}
"""Parameters that the API still takes from integrations of older versions."""

EMPTY = "Literal['']"
_WANTED = {"integer": "int", "boolean": "bool", "metadata": "Dict[str, str]"}


def declaration_violations(endpoint: Endpoint) -> Iterator[str]:
    """What an endpoint declares that the SDK's parameters lack, or define differently."""
    module, params = _params_class(endpoint.sdk)
    place = f"{endpoint.method} {endpoint.path}"
    yield from _of_spec(Hash(endpoint.accepted), params, module, place)


def _params_class(name: str) -> tuple[types.ModuleType, Any]:
    package, _, operation = name.rpartition(".")
    module = importlib.import_module(
        ".".join(filter(None, ["stripe.params", package, f"_{operation}_params"]))
    )
    cls = "".join(part.capitalize() for part in operation.split("_")) + "Params"
    return module, getattr(module, cls)


def _of_spec(spec: Hash, params: Any, module: types.ModuleType, place: str) -> Iterator[str]:
    known = params.__annotations__
    for name, kind in spec.fields.items():
        if name not in known:
            if name not in OLDER_NAMES:
                yield f"{place}: the SDK has no {name}"
        else:
            yield from _of_kind(kind, str(known[name]), module, f"{place} {name}")
    for name, annotation in known.items():
        if "NotRequired" not in str(annotation) and name not in spec.fields:
            yield f"{place}: {name} is required by the SDK and not accepted"


def _of_kind(kind: Kind, annotation: str, module: types.ModuleType, place: str) -> Iterator[str]:
    inner = kind.kind if isinstance(kind, Required) else kind
    if (EMPTY in annotation) != isinstance(inner, Emptyable) and not _is_text(inner):
        yield f"{place}: Emptyable exactly where the SDK has {EMPTY} ({annotation})"
    if isinstance(kind, Required | Emptyable):
        yield from _of_kind(kind.kind, annotation.replace(EMPTY, ""), module, place)
    elif isinstance(kind, Either):
        yield from _of_kind(kind.leaf, annotation, module, place)
        yield from _of_kind(kind.hash, annotation, module, place)
    elif isinstance(kind, ListOf):
        if "List[" not in annotation:
            yield f"{place}: no list in the SDK ({annotation})"
        yield from _of_kind(kind.kind, annotation, module, place)
    elif isinstance(kind, Hash):
        yield from _of_hash(kind, annotation, module, place)
    else:
        wanted = _WANTED.get(kind.name)
        if wanted and wanted not in annotation:
            yield f"{place}: {kind.name} where the SDK has {annotation}"


def _is_text(kind: Kind) -> bool:
    return isinstance(kind, Leaf) and kind.is_text


def _of_hash(kind: Hash, annotation: str, module: types.ModuleType, place: str) -> Iterator[str]:
    if annotation in ("Any", "typing.Any"):
        # A file: a part of the form, which the sandbox reads as a name and a content.
        return
    names = re.findall(r"\b\w+Params\w+\b", annotation)
    if not names:
        yield f"{place}: no hash in the SDK ({annotation})"
    for name in names:
        yield from _of_spec(kind, getattr(module, name), module, place)
