"""The rows of a mail's tables.

Mail programs ignore much of a stylesheet, so each cell carries its own look; a tag and not an
include, because a mail has many rows and an include costs more than all else in it.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

CELL = "padding:10px 0;border-bottom:1px solid #e6e2dc;vertical-align:top"
BREAKS = "word-break:break-word;overflow-wrap:anywhere"
SOFT = "color:#6b665e"
FACT = (
    f'<tr><td class="fact label" style="{CELL};padding-right:16px;white-space:nowrap;{SOFT}">'
    f'{{}}</td><td class="fact" align="right" style="{CELL};{BREAKS}">{{}}</td></tr>'
)
AMOUNT = (
    f'<tr><td class="fact{{}}" style="{CELL};padding-right:16px;{BREAKS};{{}}">{{}}</td>'
    f'<td class="fact" align="right" style="{CELL};white-space:nowrap;'
    'font-variant-numeric:tabular-nums;{}">{}</td></tr>'
)
BOLD = "font-weight:600"


@register.simple_tag
def fact(label: str, value: str) -> SafeString | str:
    """Show a fact under its name; nothing where there is none."""
    return format_html(FACT, label, value) if value else ""


@register.simple_tag
def amount(label: str, money: str) -> SafeString:
    """Show what was sold, and for how much."""
    return format_html(AMOUNT, "", "", label, "", money)


@register.simple_tag
def adjustment(label: str, money: str) -> SafeString | str:
    """Show a discount or a tax; nothing where there is none."""
    return format_html(AMOUNT, " label", SOFT, label, "", money) if money else ""


@register.simple_tag
def total(label: str, money: str) -> SafeString:
    """Show the sum."""
    return format_html(AMOUNT, "", BOLD, label, BOLD, money)
