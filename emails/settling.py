"""Settle what's the same in every email of a kind once, when its template is made.

Most of what an email's template asks for is the letterhead: the brand, its addresses, the reason in
the footer. It's filled in here, and what depends on nothing else is decided, so each mail asks only
for its own facts, by a Python function (`emails.as_python`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.template import Context, Node, NodeList, Template
from django.template.base import FilterExpression, TextNode, Variable, VariableNode
from django.template.defaultfilters import escapejs_filter
from django.template.defaulttags import FilterNode, ForNode, IfNode, WithNode

from emails.as_python import PythonNode

# Filters whose result depends on nothing but the value.
PURE = frozenset({escapejs_filter})

Names = frozenset[str]


def settle(template: Template, known: Mapping[str, Any], *, autoescape: bool) -> None:
    """Fill in what's known, and decide what depends on nothing else."""
    context = Context(dict(known), autoescape=autoescape)
    with context.bind_template(template):
        nodes = _settled(template.nodelist, context, frozenset(known))
    if not all(isinstance(node, TextNode) for node in nodes):
        name = template.name or "template"
        nodes = NodeList([PythonNode(nodes, name, autoescape=autoescape)])
    template.nodelist = nodes


def _settled(nodes: Iterable[Node], context: Context, names: Names) -> NodeList:
    """Return nodes with what's known filled in, as few as possible."""
    found = NodeList()
    for node in nodes:
        for one in _replaced(node, context, names):
            if isinstance(one, TextNode) and found and isinstance(found[-1], TextNode):
                found[-1] = TextNode(found[-1].s + one.s)
            else:
                found.append(one)
    return found


def _replaced(node: Node, context: Context, names: Names) -> Iterable[Node]:
    if _is_settled(node, names):
        return [node if isinstance(node, TextNode) else TextNode(str(node.render(context)))]
    if isinstance(node, IfNode):
        return _branches(node, context, names)
    inner = names - _own_names(node)
    for name in node.child_nodelists:
        if nodes := getattr(node, name, None):
            setattr(node, name, _settled(nodes, context, inner))
    return [node]


def _branches(node: IfNode, context: Context, names: Names) -> Iterable[Node]:
    """Return an `{% if %}` with the branches that can still be taken, or the one that's taken."""
    left: list[tuple[Any, NodeList]] = []
    branches: list[tuple[Any, NodeList]] = node.conditions_nodelists
    for condition, nodes in branches:
        if condition is None or not _is_decided(condition, names):
            left.append((condition, _settled(nodes, context, names)))
        elif condition.eval(context):
            left.append((None, _settled(nodes, context, names)))
            break
    if not left:
        return []
    if left[0][0] is None:
        return left[0][1]
    node.conditions_nodelists = left
    return [node]


def _is_settled(node: Node, names: Names) -> bool:
    """Whether a node comes out the same in every mail."""
    if isinstance(node, TextNode):
        return True
    if isinstance(node, VariableNode):
        return _is_known(node.filter_expression, names)
    if isinstance(node, FilterNode):
        is_text = all(isinstance(one, TextNode) for one in node.nodelist)
        return is_text and _is_pure(node.filter_expr)
    if isinstance(node, ForNode):
        inner = names | _own_names(node)
        parts = [*node.nodelist_loop, *node.nodelist_empty]
        return _is_known(node.sequence, names) and all(_is_settled(one, inner) for one in parts)
    return False


def _is_decided(condition: Any, names: Names) -> bool:
    """Whether a condition of an `{% if %}`, or a part of one, is the same in every mail."""
    parts = [part for part in (condition.first, condition.second) if part is not None]
    if parts:
        return all(_is_decided(part, names) for part in parts)
    return _is_known(condition.value, names)


def _is_known(asked: FilterExpression | str, names: Names) -> bool:
    if isinstance(asked, str):
        return True
    if not _is_pure(asked):
        return False
    if not isinstance(asked.var, Variable):
        return True
    return asked.var.lookups is None or asked.var.lookups[0] in names


def _is_pure(asked: FilterExpression) -> bool:
    return all(use in PURE and not arguments for use, arguments in asked.filters)


def _own_names(node: Node) -> Names:
    """Return the names that mean something else inside of a node."""
    if isinstance(node, ForNode):
        return frozenset({*node.loopvars, "forloop"})
    if isinstance(node, WithNode):
        return frozenset(node.extra_context)
    return frozenset()
