"""Turn a message's facts into a subject, HTML, text or SMS.

Django fills the MJML first, with autoescape on, and mjml then compiles it. Dates are shown in the
member's own time zone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine, Template
from django.template.loader import get_template
from django.utils import timezone
from mjml import mjml2html

from emails.catalogue import Kind, spec_of
from emails.models import Message
from members import time_zones
from portal.brand import palette
from portal.context import current_brand


@dataclass(frozen=True)
class RenderedEmail:
    """An e-mail's three parts."""

    subject: str
    html: str
    text: str


def render_email(message: Message) -> RenderedEmail:
    """Return the e-mail of a message."""
    context = _context(message)
    with _time_zone_of(message):
        subject = _subject(spec_of(message.kind).subject).render(Context(context, autoescape=False))
        context["subject"] = " ".join(subject.split())
        source = get_template(f"emails/{message.kind}.mjml").render(context)
        text = get_template(f"emails/{message.kind}.txt").render(context)
    return RenderedEmail(context["subject"], mjml2html(source), text.strip() + "\n")


def render_sms(message: Message) -> str:
    """Return the text message of a message, on one line."""
    with _time_zone_of(message):
        text = get_template(f"sms/{message.kind}.txt").render(_context(message))
    return " ".join(text.split())


def _context(message: Message) -> dict[str, Any]:
    brand = current_brand()
    return {
        **message.context,
        "brand": brand,
        "portal_url": f"{settings.PORTAL_URL}/",
        "palette": palette(brand.color),
        "why": spec_of(Kind(message.kind)).why,
    }


@lru_cache(maxsize=64)
def _subject(source: str) -> Template:
    return Engine.get_default().from_string(source)


def _time_zone_of(message: Message) -> AbstractContextManager[Any]:
    zone = time_zones.find(message.user.member.time_zone) if message.user else None
    return timezone.override(zone) if zone else nullcontext()
