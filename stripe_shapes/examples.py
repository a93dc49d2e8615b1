"""Examples of each kind of object, made from its shape: as full or bare as Stripe allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import Any

from stripe_shapes.reading import PINNED, Field, kinds, shape

_MOMENT = 1_781_000_000
_DEEPEST = 3
_SAID = {
    "currency": "usd",
    "country": "US",
    "email": "nina@example.com",
    "unit_amount_decimal": "2900",
    "quantity_decimal": "1",
    "last4": "4242",
}
"""What some fields say, where any text would be strange."""
_MONTHS = {"exp_month": 8, "exp_year": 2034, "interval_count": 1, "quantity": 1}


class Fill(Enum):
    """How full an example is."""

    BARE = "bare"  # null wherever it may be, left out wherever it may be, lists empty
    EMPTY_LISTS = "empty lists"  # everything, but nothing in lists
    FULL = "full"  # everything


def example(
    kind: str,
    fill: Fill,
    version: str = PINNED,
    *,
    expand: Collection[str] = (),
    but: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An object of a kind, with what `expand` names expanded.

    `but` sets values by path (in lists, for each entry), even those that would be null.
    """
    made = _Maker(fill, version, [path.split(".") for path in expand], but or {})
    return made.object(kind, (), 0)


def without_each(
    kind: str,
    version: str = PINNED,
    *,
    expand: Collection[str] = (),
    but: dict[str, Any] | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each optional path with a full example in which just that is null or missing."""
    paths = [path.split(".") for path in expand]
    whole = _Maker(Fill.FULL, version, paths, but or {})
    whole.object(kind, (), 0)
    for path in whole.spared:
        made = _Maker(Fill.FULL, version, paths, but or {}, without=path)
        yield ".".join(path), made.object(kind, (), 0)


def bared(value: Any, version: str = PINNED, *, keep: Collection[str] = ()) -> Any:
    """A sparse answer that Stripe might give: everything nullable is null, or left out.

    `keep` names fields that stay, such as `charge.payment_intent`.
    """
    if isinstance(value, list):
        return [bared(entry, version, keep=keep) for entry in value]
    if not isinstance(value, dict) or value.get("deleted"):
        return value
    kind = value.get("object")
    if kind not in kinds():
        return {name: bared(entry, version, keep=keep) for name, entry in value.items()}
    kept = {name.removeprefix(f"{kind}.") for name in keep if name.startswith(f"{kind}.")}
    return _bared_part(value, shape(kind, version), version, keep, kept)


def _bared_part(
    value: dict[str, Any],
    fields: Mapping[str, Field],
    version: str,
    keep: Collection[str],
    kept: Collection[str],
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, entry in value.items():
        one = fields.get(name)
        is_spared = one is not None and (one.is_nullable or one.is_optional) and name not in kept
        if one is None or entry is None or not is_spared:
            parts = one.parts(version) if one else {}
            is_part = parts and isinstance(entry, dict)
            made[name] = (
                _bared_part(entry, parts, version, keep, ())
                if is_part and name not in kept
                else bared(entry, version, keep=keep)
            )
        elif one.is_nullable:
            made[name] = None
    return made


class _Maker:
    """`spared` collects the optional paths; `without` is the one to leave out."""

    def __init__(
        self,
        fill: Fill,
        version: str,
        expand: list[list[str]],
        but: dict[str, Any],
        without: tuple[str, ...] = (),
    ) -> None:
        self.fill, self.version, self.expand, self.but = fill, version, expand, but
        self.without = without
        self.spared: list[tuple[str, ...]] = []

    def object(self, kind: str, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        if kind not in kinds():
            return {"id": f"{kind}_1", "object": kind}
        made = self.fields(list(shape(kind, self.version).values()), path, depth)
        made["object"] = kind
        return made

    def fields(self, fields: list[Field], path: tuple[str, ...], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for one in fields:
            here = (*path, one.name)
            if one.name == "*":
                continue
            if one.is_nullable or one.is_optional:
                self.spared.append(here)
            if here == self.without:
                made |= {one.name: None} if one.is_nullable else {}
            elif ".".join(here) in self.but:
                made[one.name] = self.but[".".join(here)]
            elif self._is_wanted(one, here, depth):
                made[one.name] = self.value(one, here, depth)
            elif not one.is_optional or one.is_nullable:
                made[one.name] = None
        return made

    def _is_wanted(self, one: Field, path: tuple[str, ...], depth: int) -> bool:
        if not one.is_nullable and not one.is_optional:
            return True
        if self._is_named(path):
            return True
        if one.entry.startswith("list:"):
            # An optional page is there if it's asked for.
            return False
        return self.fill != Fill.BARE and depth < _DEEPEST

    def _is_named(self, path: tuple[str, ...]) -> bool:
        """Whether it or something below it is expanded, or has a given value."""
        below = ".".join(path)
        given = any(name.startswith(f"{below}.") for name in self.but)
        return given or any(keys[: len(path)] == list(path) for keys in self.expand)

    def value(self, one: Field, path: tuple[str, ...], depth: int) -> Any:
        if not one.is_list:
            return self.entry(one, path, depth)
        is_empty = self.fill != Fill.FULL and not self._is_named(path)
        return [] if is_empty else [self.entry(one, path, depth)]

    def entry(self, one: Field, path: tuple[str, ...], depth: int) -> Any:
        kind = one.entry
        if kind.startswith("list:"):
            return self.page(kind.removeprefix("list:"), path, depth)
        if kind.startswith("{"):
            return self.object(kind.strip("{}"), path, depth + 1)
        if kind.startswith(">"):
            named = kind[1:].split("|")[0]
            is_expanded = any(keys[: len(path)] == list(path) for keys in self.expand)
            return self.object(named, path, depth + 1) if is_expanded else f"{named}_1"
        if one.parts(self.version):
            return self.fields(list(one.parts(self.version).values()), path, depth)
        return _plain(one, path)

    def page(self, kind: str, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        is_empty = self.fill != Fill.FULL and not self._is_named((*path, "data"))
        is_empty = is_empty or kind not in kinds()
        entries = [] if is_empty else [self.object(kind, (*path, "data"), depth + 1)]
        return {"object": "list", "data": entries, "has_more": False, "url": f"/v1/{kind}s"}


def _plain(one: Field, path: tuple[str, ...]) -> Any:
    if one.words:
        return one.words[0]
    simple: dict[str, Any] = {
        "any": {},
        "boolean": True,
        "integer": _MONTHS.get(one.name, 100),
        "number": 12.5,
        "texts": {"note": "a note"},
        "time": _MOMENT,
    }
    if one.entry in simple:
        return simple[one.entry]
    return _SAID.get(one.name, f"{path[-2] if len(path) > 1 else 'the'} {one.name}")
