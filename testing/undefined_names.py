"""Fails a page's test if one of our templates shows an undefined name.

Django shows nothing instead. `string_if_invalid` can show a text, but does so in all templates, and
those of Django, allauth, and Unfold use undefined names on purpose. So `Undefined` checks which
template asks. Conditions may use undefined names, and so may names with a default.
"""

from __future__ import annotations

import sys
from types import FrameType

from django.conf import settings
from django.template.base import FilterExpression, Node

WITH_A_DEFAULT = {"default", "default_if_none"}


class Undefined(str):
    """An empty text that raises an error if one of our templates shows it."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Return False. Django asks for this before it shows an undefined name."""
        frame = sys._getframe(1)
        if frame.f_code is FilterExpression.resolve.__code__:
            _check(frame.f_locals["self"], frame)
        return False


def _check(expression: FilterExpression, frame: FrameType) -> None:
    has_default = any(filter_.__name__ in WITH_A_DEFAULT for filter_, _ in expression.filters)
    node = _node(frame)
    if node is None or has_default:
        return
    if str(getattr(node.origin, "name", "")).startswith(f"{settings.BASE_DIR / 'templates'}/"):
        raise AssertionError(f"{node.origin.name} shows an undefined name: {expression}")


def _node(frame: FrameType | None) -> Node | None:
    """Return the template node that asks for a name."""
    while frame is not None:
        if isinstance(node := frame.f_locals.get("self"), Node):
            return node
        frame = frame.f_back
    return None
