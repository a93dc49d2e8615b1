"""Each kind has one context, and its templates use no name that the context lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from django.template import Engine
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Template,
    TokenType,
    Variable,
)
from django.template.defaulttags import FilterNode, ForNode
from django.template.loader_tags import ExtendsNode
from django.template.smartif import TokenBase
from django.templatetags.i18n import BlockTranslateNode

from common.brand import Palette
from common.context import Brand, Social
from emails import rendering
from emails.catalog import CATALOG, Kind
from emails.contexts import MessageContext, NamedAmount, names_of
from portal.backoffice.message_samples import CONTEXTS

LINES = {"lines", "taxes", "taxes_included", "credits"}
PARTS = {
    "brand": {field.name for field in fields(Brand)},
    "palette": {field.name for field in fields(Palette)},
    "line": {field.name for field in fields(NamedAmount)},
    "social": {field.name for field in fields(Social)},
}


def all_of(parent: type[MessageContext]) -> Iterator[type[MessageContext]]:
    """Yield every context that's the context of a kind."""
    for child in parent.__subclasses__():
        if hasattr(child, "kind"):
            yield child
        yield from all_of(child)


def names_in(template: Template | NodeList) -> set[str]:
    """Return the names that a template asks for, and those of the templates it uses.

    Names that it makes itself, such as a loop's, aren't among them.
    """
    asked: set[str] = set()
    for node in template.nodelist if isinstance(template, Template) else template:
        asked |= _asked_by(node)
    return asked


def _asked_by(node: Node) -> set[str]:
    own = _variables([value for name, value in vars(node).items() if name != "nodelist"])
    if isinstance(node, FilterNode):
        own -= {"var"}  # the text inside
    inside: set[str] = set()
    for name in node.child_nodelists:
        if isinstance(nodes := getattr(node, name, None), NodeList):
            inside |= names_in(nodes)
    if isinstance(node, ForNode):
        inside -= {*node.loopvars, "forloop"} - set(PARTS)
        inside -= {name for name in inside if name.startswith("forloop.")}
    if isinstance(node, BlockTranslateNode):
        parts = [*node.singular, *(node.plural or [])]
        shown = {one.contents for one in parts if one.token_type == TokenType.VAR}
        inside |= shown - set(node.extra_context)
    if isinstance(node, ExtendsNode):
        assert isinstance(node.parent_name, FilterExpression)
        inside |= names_in(Engine.get_default().get_template(str(node.parent_name.var)))
    return own | inside


def _variables(value: Any) -> set[str]:
    match value:
        case FilterExpression():
            arguments = [argument for _, given in value.filters for _, argument in given]
            return _variables([value.var, *arguments])
        case Variable(lookups=(name, *rest)):
            return {".".join([name, *rest])}
        case list() | tuple():
            return set().union(*map(_variables, value))
        case dict():  # the names that a block to translate gives to values
            return _variables([*value.values()])
        case TokenBase():  # an operator of {% if %}, or one of its values
            return _variables([value.first, value.second, getattr(value, "value", None)])
        case _:
            return set()


def templates_of(kind: Kind) -> Iterator[Template]:
    """Yield the templates of a kind for each channel. Its subject is in the text of its email."""
    spec, engine = CATALOG[kind], Engine.get_default()
    if spec.email:
        yield engine.get_template(f"emails/{kind}.mjml")
        yield engine.get_template(f"emails/{kind}.txt")
    if spec.sms:
        yield engine.get_template(f"sms/{kind}.txt")


def test_each_kind_has_one_context() -> None:
    assert sorted(one.kind for one in set(all_of(MessageContext))) == sorted(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_templates_use_only_names_of_the_context(kind: Kind) -> None:
    known = set(names_of(type(CONTEXTS[kind]))) | rendering.SHARED | {"block"}
    unknown = set()
    for template in templates_of(kind):
        for name in names_in(template):
            first, _, second = name.partition(".")
            if second in PARTS.get(first, set()) or (first in known and first not in PARTS):
                continue
            unknown.add(name)
    assert not unknown


@pytest.mark.parametrize("kind", Kind)
def test_each_fact_is_used(kind: Kind) -> None:
    used = set().union(*map(names_in, templates_of(kind)))
    unused = set(names_of(type(CONTEXTS[kind]))) - {name.partition(".")[0] for name in used}
    if kind == Kind.PHONE_CODE:
        unused -= {"minutes"}  # all codes share a context, and a text must be short
    assert not unused
