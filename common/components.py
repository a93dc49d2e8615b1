"""The smallest components as template tags: icon, pictures, badge, date, address.

A page has dozens of them, and including a template takes ten times as long as a tag.
"""

from __future__ import annotations

import re
from datetime import date as date_type
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.template import Context, Library, Node, defaulttags
from django.template.base import FilterExpression, Parser, Token
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from common import days

register = Library()
# A process makes the same few hundred icons and badges all the time. By type, because a safe string
# equals a plain one, which must be escaped.
KEPT = 500
CARD_PICTURES = frozenset(
    [
        *("amex", "apple_pay", "cartes_bancaires", "diners", "discover", "eftpos_au"),
        *("google_pay", "jcb", "mastercard", "unionpay", "visa"),
    ]
)
# Stripe's names of payment methods that move money from bank account to bank account.
BANK_METHOD = re.compile(r"debit|bank|zelle|customer_balance")
NO_DATE = '<time datetime="" title=""></time>'


@register.simple_tag
@lru_cache(KEPT, typed=True)
def icon(name: str) -> SafeString:
    """Show an icon of `static/icons.svg`: `{% icon "check" %}`."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>\n',
        _icons(),
        name,
    )


@register.simple_tag
@lru_cache(KEPT, typed=True)
def card_picture(method: str) -> SafeString:
    """Show what was paid with as a picture of `static/cards/`: `{% card_picture "visa" %}`.

    `method`: a card's brand, a wallet, or a payment method's type in Stripe's words. A bank account
    of any kind gets the bank's picture, and anything unknown a plain card. Its name is in the text
    beside it, so the picture has none. Nothing is shown for "".
    """
    if not method:
        return SafeString("")
    address = static(f"cards/{_picture_name(method)}.svg")
    return format_html('<img class="card-picture" src="{}" alt="" width="38" height="24">', address)


@register.simple_tag
@lru_cache(KEPT, typed=True)
def picture(name: str) -> SafeString:
    """Show a drawing of `static/pictures.svg`, in the color of the text: `{% picture "lost" %}`."""
    return format_html(
        '<svg class="picture" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>\n',
        static("pictures.svg"),
        name,
    )


@register.simple_tag
def in_place(address: str) -> SafeString:
    """Post a form by HTMX: `<form {% in_place url %}>`, with `{% says %}` where its buttons are.

    What's answered is said there, unless it leads to another page. Without scripts it's a form like
    any other. Nothing is sent twice while an answer is on its way.
    """
    return format_html(
        'method="post" action="{0}" hx-post="{0}" hx-target="find .says" hx-swap="innerHTML"'
        ' hx-disabled-elt="find button" hx-sync="this:drop"',
        address,
    )


@register.simple_tag
def says() -> SafeString:
    """Leave room in a form for what it's answered with, or why it couldn't be sent."""
    return SafeString('<div class="says"></div>')


def _picture_name(method: str) -> str:
    if method in CARD_PICTURES:
        return method
    return "bank" if BANK_METHOD.search(method) else "card"


@register.simple_tag
@lru_cache(KEPT, typed=True)
def badge(tone: str, label: str) -> SafeString:
    """Show a state: `{% badge "good" "Active" %}`. Tones: good, wait, bad, info, or plain."""
    return format_html('\n<span class="badge is-{}">{}{}</span>\n', tone, icon(tone or ""), label)


@register.simple_tag
def date(at: datetime | None, short: bool = False) -> SafeString:
    """Show a day as "Friday, December 4", or with its year unless it's the current one.

    The owner's locale decides on the order.

    `short` shows "Dec 4, 2026". The exact time is in a tooltip, in the reader's time zone. There's
    no white space around it, so that a comma or period can follow: `{% date at as day %}`.
    """
    if not at:
        return SafeString(NO_DATE)
    local = timezone.localtime(at)
    if short:
        shown = days.short_with_year(local)
    elif local.year == timezone.localtime().year:
        shown = days.weekday_and_day(local)
    else:
        shown = days.long(local)
    exact = days.to_the_minute(local)
    # Nothing in it needs escaping: numbers, CLDR's names of days, and a zone's abbreviation.
    return SafeString(f'<time datetime="{local.isoformat()}" title="{exact}">{shown}</time>')


@register.filter
def on_day(at: datetime | None) -> str:
    """Return "December 4, 2026" for a sentence that needs a plain text: `{{ at|on_day }}`."""
    return days.long(timezone.localtime(at)) if at else ""


@register.filter
def on_day_of_year(at: datetime | None) -> str:
    """Return "December 4": `{{ at|on_day_of_year }}`."""
    return days.plain(timezone.localtime(at)) if at else ""


@register.filter
def short_day_of(day: date_type | None) -> str:
    """Return "Dec 4, 2026" for a day without a time: `{{ day|short_day_of }}`."""
    return days.short_with_year(day) if day else ""


@register.filter
def in_month(at: datetime | None) -> str:
    """Return "December 2026": `{{ at|in_month }}`."""
    return days.month(timezone.localtime(at)) if at else ""


@register.filter
def exact_time(at: datetime | None) -> str:
    """Return "Friday, December 4, 2026, 9:05 PM EST" for a tooltip: `{{ at|exact_time }}`."""
    return days.to_the_minute(timezone.localtime(at)) if at else ""


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """Django's `url`; addresses without arguments are made once, as each page has a dozen."""
    node = defaulttags.url(parser, token)
    return node if node.args or node.kwargs or node.asvar else PlainAddress(node.view_name)


class PlainAddress(Node):
    """The address of a page by its name alone."""

    def __init__(self, name: FilterExpression) -> None:
        self.name = name

    def render(self, context: Context) -> str:
        """Return the address, as `{% url name %}` would."""
        return _address(self.name.resolve(context))


@cache
def _address(name: str) -> str:
    return str(conditional_escape(reverse(name)))


@cache
def _icons() -> str:
    """Return the address of the icon file, which stays the same while a process lives."""
    return static("icons.svg")


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("STORAGES", "STATIC_URL", "STATIC_ROOT"):
        for kept in (_icons, icon, badge, card_picture, picture):
            kept.cache_clear()


setting_changed.connect(_forget)
