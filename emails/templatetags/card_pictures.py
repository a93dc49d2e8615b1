"""The picture of a card's brand in emails, which show no SVG: `static/cards/mail/`.

It's served by the portal, since a picture from elsewhere would tell others who reads our mail. The
brand's name stands beside it, so nothing is missing where pictures are off.
"""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.components import BANK_METHOD, CARD_PICTURES

register = template.Library()


@register.filter
def card_image(method: str) -> SafeString:
    """Show what paid, in Stripe's words: `{{ "visa"|card_image }}`; nothing for an unknown one."""
    if not method:
        return SafeString("")
    name = method if method in CARD_PICTURES else "bank" if BANK_METHOD.search(method) else ""
    return _image(name, settings.PORTAL_URL) if name else SafeString("")


@lru_cache(maxsize=64)
def _image(name: str, portal_url: str) -> SafeString:
    return format_html(
        '<img src="{}{}" alt="" width="38" height="24" style="vertical-align: middle; border: 0"'
        " />&#160; ",
        portal_url,
        static(f"cards/mail/{name}.png"),
    )
