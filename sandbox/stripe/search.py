"""The supported part of Stripe's search query language (documentation, "Search query language").

Clauses `field:value`, `field~value`, `field<value`, and so on, joined by AND or OR, negated by a
minus, over the fields that Stripe allows for each kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.stripe.endpoint import Call
from sandbox.stripe.errors import invalid
from sandbox.world import Json

# Stripe documentation, "Query fields for ...": metadata can be searched for all kinds.
FIELDS = {
    "charge": {
        *("amount", "billing_details.address.postal_code", "created", "currency", "customer"),
        *("disputed", "payment_method_details.card.last4", "refunded", "status"),
    },
    "customer": {"created", "email", "name", "phone"},
    "invoice": {
        *("created", "currency", "customer", "last_finalization_error_code", "number"),
        *("receipt_number", "status", "subscription", "total"),
    },
    "payment_intent": {"amount", "created", "currency", "customer", "status"},
    "price": {"active", "currency", "lookup_key", "product", "type"},
    "product": {"active", "description", "name", "shippable", "url"},
    "subscription": {"canceled_at", "created", "status"},
}
_CLAUSE = re.compile(
    r"""\s*(?P<minus>-?)(?P<field>[a-z_.]+)(\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\])?"""
    r"""\s*(?P<operator>:|~|<=|>=|<|>)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s]+)\s*"""
)
_JOINT = re.compile(r"(AND|OR)\b", re.IGNORECASE)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_MOST_CLAUSES = 10


@dataclass(frozen=True)
class _Clause:
    is_negated: bool
    field: str
    key: str | None
    operator: str
    value: str

    def holds(self, obj: Json) -> bool:
        return self._fits(obj) is not self.is_negated

    def _fits(self, obj: Json) -> bool:
        actual = _value(obj, self.field, self.key)
        if self.operator == ":":
            return _plain(actual) == self.value.casefold()
        if self.operator == "~":
            return self.value.casefold() in _plain(actual)
        return actual is not None and _COMPARE[self.operator](float(actual), float(self.value))


def search(call: Call, kind: str, url: str) -> Json:
    """A page of matches for `query`, newest first; `page` is the previous page's token."""
    clauses, joint = _parse(call.params["query"], kind)
    combine = any if joint == "OR" else all
    matches = [
        obj
        for obj in call.world.objects.list(kind)
        if not obj.get("deleted") and combine(clause.holds(obj) for clause in clauses)
    ]
    limit, start = call.params.get("limit", 10), _start(call.params.get("page"))
    more = start + limit < len(matches)
    return {
        "object": "search_result",
        "data": matches[start : start + limit],
        "has_more": more,
        "next_page": f"after_{start + limit}" if more else None,
        "url": url,
    }


def _start(page: str | None) -> int:
    if page is None:
        return 0
    number = page.removeprefix("after_")
    if not number.isdecimal():
        raise invalid(f"Invalid page: {page}", param="page")
    return int(number)


def _parse(query: str, kind: str) -> tuple[list[_Clause], str]:
    clauses: list[_Clause] = []
    joints: set[str] = set()
    place = 0
    while match := _CLAUSE.match(query, place):
        clauses.append(_clause(match, kind))
        place = match.end()
        if joint := _JOINT.match(query, place):
            joints.add(joint[1].upper())
            place = joint.end()
    if not clauses or query[place:].strip():
        raise _refused("We were unable to parse your search query.")
    if len(joints) > 1:
        raise _refused("You can't combine AND and OR in a search query.")
    if len(clauses) > _MOST_CLAUSES:
        raise _refused(f"A search query can have at most {_MOST_CLAUSES} clauses.")
    return clauses, joints.pop() if joints else "AND"


def _clause(match: re.Match[str], kind: str) -> _Clause:
    field, value = match["field"], match["value"]
    if field not in FIELDS[kind] | {"metadata"} or (field == "metadata") is not bool(match["key"]):
        raise _refused(f"Field `{field}` is an unsupported search field for resource `{kind}s`.")
    quoted = value[:1] in ("'", '"')
    plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
    if match["operator"] in _COMPARE and not re.fullmatch(r"-?\d+(\.\d+)?", plain):
        raise _refused(f"Field `{field}` can only be compared with a number.")
    return _Clause(bool(match["minus"]), field, match["key"], match["operator"], plain)


def _refused(message: str) -> Exception:
    return invalid(
        f"{message} See https://stripe.com/docs/search for supported queries.", param="query"
    )


def _value(obj: Json, field: str, key: str | None) -> Any:
    if field == "subscription":
        details = (obj.get("parent") or {}).get("subscription_details") or {}
        return details.get("subscription")
    part: Any = obj
    for name in field.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return (part or {}).get(key) if key else part


def _plain(value: Any) -> str:
    """A value as queries write it: None is `null`."""
    if value is None:
        return "null"
    return str(value).casefold()
