"""Lets a page fail its test if one of our templates shows a name that isn't defined.

Django shows nothing for it. `string_if_invalid` can show something else, but in every template, and
Django's, allauth's, and Unfold's use undefined names on purpose. So this one looks at who asks.
Conditions may use undefined names, and so may a name with a default.
"""

from __future__ import annotations

import sys
from types import FrameType

from django.conf import settings
from django.template.base import FilterExpression, Node

WITH_A_DEFAULT = {"default", "default_if_none"}


class Undefined(str):
    """An empty text that refuses to be shown by one of our templates."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """Return False. Django asks this before it shows an undefined name."""
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
    """Return the part of a template that asks for a name."""
    while frame is not None:
        if isinstance(node := frame.f_locals.get("self"), Node):
            return node
        frame = frame.f_back
    return None
