"""Nodes of a template that show a fact, or ask for one, in one step if it's plain text.

Django's own look for methods and safe strings, translate, and localize at each name. Facts come
from JSON: most are text, which needs to be escaped and nothing else. The rest goes Django's way.
"""

from __future__ import annotations

from html import escape
from typing import Any

from django.template import Context
from django.template.base import FilterExpression, Node, Variable, VariableNode
from django.template.defaulttags import TemplateLiteral

# What an `{% if %}` may compare or doubt as it is.
PLAIN = frozenset({str, bool, int, list})


def names_of(asked: object) -> tuple[str, ...]:
    """Return the name that's asked for, and those inside of it; none if there's more to do."""
    if not isinstance(asked, FilterExpression) or asked.filters:
        return ()
    if not isinstance(asked.var, Variable) or asked.var.translate:
        return ()
    return tuple(asked.var.lookups or ())


def _found(context: Context, names: tuple[str, ...]) -> Any:
    """Return a fact; None if it's missing, or something else than JSON has to be asked."""
    try:
        value = context[names[0]]
    except KeyError:
        return None
    for name in names[1:]:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


class FactNode(Node):
    """A fact that's shown as it is."""

    child_nodelists = ()

    def __init__(self, node: VariableNode) -> None:
        self.node = node
        self.names = names_of(node.filter_expression)

    def render_annotated(self, context: Context) -> Any:
        """Return the fact as text. Nothing can break here that would need a note."""
        value = _found(context, self.names)
        if type(value) is str:
            return escape(value) if context.autoescape else value
        return self.node.render_annotated(context)


class FactLiteral(TemplateLiteral):
    """A fact in the condition of an `{% if %}`."""

    def __init__(self, literal: TemplateLiteral) -> None:
        value: Any = literal.value
        super().__init__(value, literal.text)
        self.names = names_of(value)

    def eval(self, context: Any) -> Any:
        """Return the fact, or what Django makes of it."""
        value = _found(context, self.names)
        return value if type(value) in PLAIN else super().eval(context)


def quick(node: Node) -> Node:
    """Return a node that does the same, in one step if that can be."""
    if isinstance(node, VariableNode) and names_of(node.filter_expression):
        return FactNode(node)
    return node


def quick_condition(condition: Any) -> Any:
    """Return a condition that comes out the same, with quick parts."""
    if isinstance(condition, TemplateLiteral):
        return FactLiteral(condition) if names_of(condition.value) else condition
    for part in ("first", "second"):
        if (inner := getattr(condition, part, None)) is not None:
            setattr(condition, part, quick_condition(inner))
    return condition
