"""The shapes agree with the SDK for the pinned version, and their examples match them."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import pytest
from stripe._object_classes import get_object_class

from stripe_shapes import PINNED, VERSIONS, Field, Fill, example, kinds, shape, violations

PLAIN: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "text"}
LONGEST = 24
"""A list of more words is not written down where nothing here relies on them."""


@pytest.mark.parametrize("kind", kinds())
def test_the_pinned_version_is_that_of_the_sdk(kind: str) -> None:
    cls = get_object_class("V1", kind)
    fields = {**shape(kind, PINNED)}
    if kind == "invoice":
        # The SDK's class lets out that an invoice which is only foreseen has no id.
        fields["id"] = Field("id", "text")
    assert not list(differences(cls, fields, kind))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", kinds())
def test_an_example_has_its_shape(kind: str, version: str) -> None:
    for fill in Fill:
        assert not list(violations(example(kind, fill, version), version))


def test_what_differs_is_noticed() -> None:
    good = example("refund", Fill.FULL)
    wrong: list[dict[str, Any]] = [
        {"color": "red"},
        {"amount": "5"},
        {"amount": True},
        {"amount": None},
        {"reason": "because"},
        {"metadata": {"number": 1}},
        {"payment_intent": {"object": "charge", "id": "ch_1", "deleted": True}},
        {"destination_details": []},
    ]
    for change in wrong:
        assert list(violations(good | change)), change
    assert list(violations({name: good[name] for name in good if name != "created"}))


def test_an_error_has_a_shape_too() -> None:
    assert not list(violations({"error": {"type": "api_error", "message": "Sorry"}}))
    for wrong in ({"message": "Sorry"}, {"type": "sorry"}, {"type": "api_error", "color": "red"}):
        assert list(violations({"error": wrong}))


def test_a_field_belongs_to_its_versions() -> None:
    old, new = "2024-06-20", PINNED
    assert not {"parent", "payments"} & set(shape("invoice", old))
    assert not {"subscription", "paid", "tax"} & set(shape("invoice", new))
    assert "current_period_end" in shape("subscription", old)
    assert "current_period_end" in shape("subscription_item", new)
    assert "coupon" in shape("discount", "2025-08-27.basil")
    assert "source" in shape("discount", "2025-09-30.clover")


def differences(cls: Any, fields: dict[str, Field], path: str) -> Iterator[str]:
    """What the SDK's class of an object, or of a part of one, says otherwise."""
    known = {**vars(cls)["__annotations__"]}
    known.pop("OBJECT_NAME", None)
    for name in sorted(set(fields) - set(known) - {"*", "deleted"}):
        yield f"{path}.{name} is unknown to the SDK"
    for name in sorted(set(known) - set(fields) - {"deleted"}):
        if "*" not in fields:
            yield f"{path}.{name} is missing"
    inner = getattr(cls, "_inner_class_types", {})
    for name in sorted(set(known) & set(fields)):
        yield from _of_field(known[name], inner.get(name), fields[name], f"{path}.{name}")


def _of_field(annotation: Any, inner: Any, one: Field, path: str) -> Iterator[str]:
    kind = _without_none(annotation)
    if (kind is not annotation) != (one.is_nullable or one.is_optional):
        yield f"{path}: may it be null or left out? {annotation}"
    if typing.get_origin(kind) is list:
        kind = typing.get_args(kind)[0]
        if not one.is_list:
            yield f"{path} is a list"
    if one.entry == "any":
        return
    words = _words(kind)
    if words and words != set(one.words) and not (one.entry == "text" and len(words) > LONGEST):
        yield f"{path} is one of {'|'.join(sorted(words))}"
    wanted = PLAIN.get(kind)
    if wanted and one.entry.replace("time", "integer") != wanted and not one.words:
        yield f"{path} is {wanted}, not {one.entry}"
    parts = one.parts(PINNED)
    if parts and inner is not None:
        yield from differences(inner, parts, path)


def _without_none(annotation: Any) -> Any:
    rest = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
    if len(rest) == len(typing.get_args(annotation)):
        return annotation
    return rest[0] if len(rest) == 1 else typing.Union[tuple(rest)]  # noqa: UP007  (made here)


def _words(kind: Any) -> set[str]:
    """The words of a `Literal`, which may be one of several in a `Union`."""
    if typing.get_origin(kind) is typing.Literal:
        return set(typing.get_args(kind))
    return set().union(*(_words(one) for one in typing.get_args(kind)))
