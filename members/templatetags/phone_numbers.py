"""Phone numbers as people read them."""

from __future__ import annotations

from django import template

from members import phones

register = template.Library()


@register.filter
def international(phone: str) -> str:
    """Return an E.164 number with its groups: "+1 415-555-2671"."""
    return phones.international(str(phone)) if phone else ""
