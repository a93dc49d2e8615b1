"""`{{ parts|place }}`: the sidebar's heading over the list that a breadcrumb leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from portal.backoffice.navigation import place_of

register = template.Library()


@register.filter
def place(parts: Sequence[dict[str, Any]]) -> str:
    """Return the heading, or an empty string for a list that isn't in the sidebar."""
    return place_of(str(parts[1].get("link", ""))) if len(parts) > 1 else ""
