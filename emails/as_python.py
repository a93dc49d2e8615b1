"""Turn a settled template into one Python function, which is compiled once.

Django walks through a template's nodes in each mail. At each it looks for methods and safe strings,
translates, and localizes. A mail's facts come from JSON, and most are plain text, which has to be
escaped and nothing else. So the function has a line for each node that does this for plain values.
Whatever else comes up, such as a number, a missing fact, or an unusual tag, is left to Django's own
node at the same place, so that both always say the same.

Nothing of a template or a mail is put into the code but by `repr`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from html import escape
from types import NoneType
from typing import Any

from django.template import Context, Node, NodeList
from django.template.base import FilterExpression, TextNode, Variable, VariableNode
from django.template.base import render_value_in_context as in_context
from django.template.defaultfilters import escapejs_filter
from django.template.defaulttags import ForNode, IfNode, LoadNode, TemplateLiteral
from django.utils.html import escapejs
from django.utils.safestring import SafeString

# What an `{% if %}` may doubt as it is. Other values may have a mind of their own.
PLAIN = frozenset({str, bool, int, float, list, dict, NoneType})
MISSING = object()
# How Django marks a filter that asks for more than its value.
ASKS_FOR_MORE = ("needs_autoescape", "expects_localtime")
# Filters by what they do with plain text, without Django's care for all else.
QUICK: Mapping[Any, Any] = {escapejs_filter: inspect.unwrap(escapejs)}

# The Python variables of the loops around a node, by their names in the template.
Scope = Mapping[str, str]
Filter = Callable[[str], Any]


class Filtered(dict[tuple[Filter, str], Any]):
    """What filters make of plain text, each asked once."""

    def __missing__(self, asked: tuple[Filter, str]) -> Any:
        use, text = asked
        made = self[asked] = use(text)
        return made


Function = Callable[[Mapping[str, Any], Context, Filtered], str]


class NotPlainError(Exception):
    """A part of a template that's left to Django."""


class PythonNode(Node):
    """All nodes of a template in one function."""

    child_nodelists = ()

    def __init__(self, nodes: Iterable[Node], name: str, *, autoescape: bool) -> None:
        self.source, self.fill = _compiled(nodes, name, autoescape=autoescape)

    def render(self, context: Context) -> str:
        """Return the template filled with the facts of a mail."""
        layers: list[Any] = context.dicts
        # Django's own names, and the facts.
        facts: Any = layers[1] if len(layers) == 2 else context.flatten()
        filtered = getattr(context, "filtered", None)
        return self.fill(facts, context, Filtered() if filtered is None else filtered)


def _compiled(nodes: Iterable[Node], name: str, *, autoescape: bool) -> tuple[str, Function]:
    writer = _Writer(autoescape=autoescape)
    writer.body(nodes, {})
    source = "\n".join(
        [
            "def fill(facts, context, filtered):",
            "    get, parts = facts.get, []",
            "    add = parts.append",
            *(f"    {line}" for line in writer.lines),
            "    return ''.join(parts)",
        ]
    )
    known = {**writer.known, **TOOLS}
    exec(compile(source, f"<{name}>", "exec"), known)  # noqa: S102  (see above)
    return source, known["fill"]


class _Writer:
    """Writes the lines of the function, and keeps what they name."""

    def __init__(self, *, autoescape: bool) -> None:
        self.lines: list[str] = []
        self.known: dict[str, Any] = {}
        self._plain = "escape(value)" if autoescape else "value"
        self._filtered = "escaped" if autoescape else "in_context"
        self._indent = ""
        self._loops = 0

    def body(self, nodes: Iterable[Node], scope: Scope) -> None:
        """Write what a list of nodes says."""
        for node in nodes:
            if isinstance(node, TextNode):
                self._line(f"add({node.s!r})")
            elif isinstance(node, IfNode):
                self._if(node, scope)
            elif isinstance(node, ForNode) and _is_simple(node):
                self._for(node, scope)
            elif isinstance(node, VariableNode):
                self._line(f"add({self._shown(node, scope)})")
            elif not isinstance(node, LoadNode):
                self._line(f"add({self._by_django(node.render_annotated, scope)})")

    def _shown(self, node: VariableNode, scope: Scope) -> str:
        asked, otherwise = node.filter_expression, self._by_django(node.render_annotated, scope)
        try:
            value, plain = _value(asked, scope), self._plain
            if asked.filters:
                made = f"filtered[{self._name(_plain_filter(asked))}, value]"
                plain = f"{self._filtered}({made}, context)"
        except NotPlainError:
            return otherwise
        return f"{plain} if type(value := {value}) is str else {otherwise}"

    def _if(self, node: IfNode, scope: Scope) -> None:
        word = "if"
        for condition, nodes in node.conditions_nodelists:
            if condition is None:
                self._line("else:")
            else:
                self._line(f"{word} {self._condition(condition, scope)}:")
            word = "elif"
            self._block(nodes, scope)

    def _condition(self, condition: Any, scope: Scope) -> str:
        otherwise = self._by_django(_judged(condition), scope)
        asked: list[str] = []
        try:
            said = _said(condition, scope, asked)
        except NotPlainError:
            return otherwise
        are_plain = " and ".join(
            f"type(value{at} := {value}) in PLAIN" for at, value in enumerate(asked)
        )
        return f"({said}) if {are_plain} else {otherwise}"

    def _for(self, node: ForNode, scope: Scope) -> None:
        otherwise = self._by_django(node.render_annotated, scope)
        loop, empty = _nodes(node.nodelist_loop), _nodes(node.nodelist_empty)
        try:
            rows = _value(node.sequence, scope)
        except NotPlainError:
            self._line(f"add({otherwise})")
            return
        self._loops += 1
        one = f"one{self._loops}"
        self._line(f"if type(rows := {rows}) is not list:")
        self._line(f"    add({otherwise})")
        self._line("elif rows:")
        self._line(f"    for {one} in rows:")
        self._block(loop, {**scope, node.loopvars[0]: one}, "        ")
        if empty:
            self._line("else:")
            self._block(empty, scope)

    def _block(self, nodes: Iterable[Node], scope: Scope, indent: str = "    ") -> None:
        before, self._indent = self._indent, self._indent + indent
        self._line("pass")
        self.body(nodes, scope)
        self._indent = before

    def _by_django(self, render: Callable[[Context], Any], scope: Scope) -> str:
        name = self._name(render)
        if not scope:
            return f"{name}(context)"
        values = ", ".join(f"{key!r}: {value}" for key, value in scope.items())
        return f"inside({name}, context, {{{values}}})"

    def _name(self, thing: Any) -> str:
        name = f"own{len(self.known)}"
        self.known[name] = thing
        return name

    def _line(self, text: str) -> None:
        self.lines.append(f"{self._indent}{text}")


def _nodes(listed: Iterable[Any]) -> list[Node]:
    return list(listed)


def _is_simple(node: ForNode) -> bool:
    """Whether a loop counts nothing and has nothing in it that may ask how far it is."""
    is_plain = len(node.loopvars) == 1 and not node.is_reversed
    return is_plain and all(map(_asks_no_loop, _nodes(node.nodelist_loop)))


def _asks_no_loop(node: Node) -> bool:
    if isinstance(node, TextNode):
        return True
    if isinstance(node, VariableNode):
        var = node.filter_expression.var
        return not isinstance(var, Variable) or (var.lookups or ("",))[0] != "forloop"
    return False


def _value(asked: FilterExpression | str, scope: Scope) -> str:
    """Return the code of a fact's value before its filters."""
    var = None if isinstance(asked, str) else asked.var
    if not isinstance(var, Variable) or var.translate or not var.lookups:
        raise NotPlainError
    first, *inner = var.lookups
    code = scope.get(first) or f"get({first!r}, MISSING)"
    for name in inner:
        code = f"entry({code}, {name!r})"
    return code


def _plain_filter(asked: FilterExpression) -> Any:
    """Return the filter of a fact, if it's one that needs nothing but plain text."""
    if len(asked.filters) != 1:
        raise NotPlainError
    [(use, arguments)] = asked.filters
    if arguments or any(getattr(use, more, False) for more in ASKS_FOR_MORE):
        raise NotPlainError
    return QUICK.get(use, use)


def _said(condition: Any, scope: Scope, asked: list[str]) -> str:
    """Return the code of a condition, and note the facts that it asks for."""
    if isinstance(condition, TemplateLiteral):
        expression: Any = condition.value
        if not isinstance(expression, FilterExpression) or expression.filters:
            raise NotPlainError
        asked.append(_value(expression, scope))
        return f"value{len(asked) - 1}"
    first = _said(condition.first, scope, asked)
    if condition.id == "not":
        return f"(not {first})"
    if condition.id not in {"and", "or"}:
        raise NotPlainError
    return f"({first} {condition.id} {_said(condition.second, scope, asked)})"


def _judged(condition: Any) -> Callable[[Context], bool]:
    """Return how Django decides on a condition of an `{% if %}`."""
    probe = IfNode([(condition, NodeList([TextNode("1")]))])
    return lambda context: bool(probe.render(context))


def _entry(value: Any, name: str) -> Any:
    return value.get(name, MISSING) if type(value) is dict else MISSING


def _inside(render: Callable[[Context], Any], context: Context, values: dict[str, Any]) -> Any:
    """Return what Django says inside of a loop."""
    with context.push(values):
        return render(context)


def _escaped(value: Any, context: Context) -> str:
    """Return what a filter made, as Django puts it into HTML."""
    kind = type(value)
    if kind is SafeString:
        return str(value)
    return escape(value) if kind is str else str(in_context(value, context))


TOOLS: Mapping[str, Any] = {
    "MISSING": MISSING,
    "PLAIN": PLAIN,
    "entry": _entry,
    "escape": escape,
    "escaped": _escaped,
    "in_context": in_context,
    "inside": _inside,
}
