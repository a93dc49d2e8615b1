"""Do answers have the shape of the SDK's classes, and declarations that of its parameter types?"""

from __future__ import annotations

import importlib
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from stripe._object_classes import OBJECT_CLASSES, get_object_class

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

ONLY_WHEN_ASKED = {
    "balance": {"connect_reserved", "instant_available", "issuing"},
    "charge": {"authorization_code", "level3", "refunds", "transfer"},
    "checkout.session": {"line_items"},
    "coupon": {"applies_to", "currency_options"},
    "customer": {
        "cash_balance",
        "invoice_credit_balance",
        "sources",
        "subscriptions",
        "tax",
        "tax_ids",
    },
    "invoice": {"amount_paid_off_stripe", "confirmation_secret", "payments", "threshold_reason"},
    "payment_intent": {"hooks"},
    "plan": {"tiers"},
    "price": {"currency_options", "tiers"},
    "setup_intent": {"attach_to_self"},
    "subscription_item": {"current_trial"},
    "webhook_endpoint": {"secret"},
}
"""Fields that Stripe leaves out unless they are expanded, or apply to few objects."""

EMPTY = "Literal['']"
_WANTED = {"integer": "int", "boolean": "bool", "metadata": "Dict[str, str]"}
_PLAIN: dict[Any, Any] = {int: int, str: str, bool: bool, float: (int, float)}


def violations(value: Any, path: str = "") -> Iterator[str]:
    """What differs between JSON and the SDK's classes, each with the place where it is."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from violations(entry, f"{path}[{index}]")
    elif isinstance(value, dict):
        kind = value.get("object")
        if isinstance(kind, str) and kind not in OBJECT_CLASSES:
            yield f"{path}: the SDK has no {kind}"
        elif isinstance(kind, str):
            cls = get_object_class("V1", kind)
            yield from _of_object(value, cls, kind, f"{path}<{kind}>")
        for key, entry in value.items():
            if isinstance(entry, (dict, list)):
                yield from violations(entry, f"{path}.{key}")


def _of_object(value: dict[str, Any], cls: Any, kind: str, path: str) -> Iterator[str]:
    if value.get("deleted") is True:
        if set(value) != {"id", "object", "deleted"}:
            yield f"{path}: a deleted object has {sorted(value)}"
        return
    fields = _fields(cls)
    absent = ONLY_WHEN_ASKED.get(kind, set()) | {"deleted"}
    if kind == "payment_method":
        others = _method_types(fields) - {value["type"]}
        absent |= {name for name in others if name not in value}
    if kind == "invoice" and "id" not in value:
        absent = absent | {"id"}  # what `invoice.upcoming` shows
    for missing in sorted(set(fields) - set(value) - absent):
        yield f"{path}.{missing} is missing"
    yield from _of_fields(value, cls, path)


def _method_types(fields: dict[str, Any]) -> set[str]:
    kept = {"allow_redisplay", "billing_details", "created", "customer", "customer_account", "id"}
    return set(fields) - kept - {"livemode", "metadata", "object", "type"}


def _of_fields(value: dict[str, Any], cls: Any, path: str) -> Iterator[str]:
    fields = _fields(cls)
    inner = getattr(cls, "_inner_class_types", {})
    if value.get("object") == "search_result":
        # The SDK's class leaves out what its own pager reads, and that the last page has no next.
        value = {name: one for name, one in value.items() if name != "url"}
        value["next_page"] = value["next_page"] or ""
    for name in sorted(set(value) - set(fields) - {"object", "total_count"}):
        yield f"{path}.{name} is unknown to the SDK"
    for name, annotation in fields.items():
        if name in value:
            yield from _of_value(value[name], annotation, f"{path}.{name}")
            yield from _of_inner(value[name], inner.get(name), f"{path}.{name}")


def _of_inner(value: Any, cls: Any, path: str) -> Iterator[str]:
    if cls is None:
        return
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict) and "object" not in entry:
            for name, annotation in _fields(cls).items():
                if name not in entry and not _is_optional(annotation):
                    yield f"{path}.{name} is missing"
            yield from _of_fields(entry, cls, path)


def _of_value(value: Any, annotation: Any, path: str) -> Iterator[str]:
    if value is None:
        if not _is_optional(annotation):
            yield f"{path} is null"
        return
    wanted = _PLAIN.get(_without_none(annotation))
    if wanted and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        yield f"{path} is {value!r}"
    if typing.get_origin(_without_none(annotation)) is list and not isinstance(value, list):
        yield f"{path} is no list"


def _fields(cls: Any) -> dict[str, Any]:
    own = vars(cls).get("__annotations__", {})
    return {name: kind for name, kind in own.items() if name != "OBJECT_NAME"}


def _is_optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _without_none(annotation: Any) -> Any:
    rest = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
    return rest[0] if _is_optional(annotation) and len(rest) == 1 else annotation


def declaration_violations(endpoint: Endpoint) -> Iterator[str]:
    """What an endpoint declares that the SDK's parameters do not know, or know differently."""
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
    names = re.findall(r"\b\w+Params\w+\b", annotation)
    if not names:
        yield f"{place}: no hash in the SDK ({annotation})"
    for name in names:
        yield from _of_spec(kind, getattr(module, name), module, place)
