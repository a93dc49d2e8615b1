"""Turn a message's facts into a subject, HTML, text, or SMS.

Django fills the MJML first, with autoescape on, and mjml then compiles it. Dates are shown in the
member's own time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template import Context, Engine, Template
from django.utils import timezone
from mjml import mjml2html

from common import characters
from common.brand import palette
from common.context import Brand, current_brand
from emails import segments
from emails.catalogue import spec_of
from emails.models import Message
from members import time_zones

SUBJECT_LENGTH = 255
# What may be shortened to make a text message fit, and how much must be left to be understood.
SHORTENED = ("description", "plan_name")
SHORTEST = 12
DOTS = "..."


@dataclass(frozen=True)
class RenderedEmail:
    """An email's three parts."""

    subject: str
    html: str
    text: str


def render_email(message: Message) -> RenderedEmail:
    """Return a message as email."""
    facts = _facts(message)
    with _time_zone_of(message):
        facts["subject"] = characters.line(message.subject) or _subject(message, facts)
        source = _template(f"emails/{message.kind}.mjml").render(Context(facts))
        text = _plain(_template(f"emails/{message.kind}.txt"), facts)
    return RenderedEmail(facts["subject"], mjml2html(source), text.strip() + "\n")


def render_subject(message: Message) -> str:
    """Return the subject of a message's email, on one line."""
    with _time_zone_of(message):
        return _subject(message, _facts(message))


def render_sms(message: Message) -> str:
    """Return a message as text message, in one segment if shortening a name allows it."""
    facts = {name: _on_one_line(value) for name, value in _facts(message).items()}
    with _time_zone_of(message):
        text = _sms(message, facts)
        for name in SHORTENED:
            value, excess = facts.get(name, ""), segments.excess(text)
            kept = len(value) - excess - len(DOTS)
            if excess and kept >= SHORTEST:
                text = _sms(message, {**facts, name: value[:kept].rstrip() + DOTS})
    return text


def _facts(message: Message) -> dict[str, Any]:
    """Return the context for a message's templates, cleaned again: the row may be old."""
    return {
        **characters.all_words(message.context),
        **_letterhead(current_brand(), settings.PORTAL_URL),
        "why": spec_of(message.kind).why,
    }


@lru_cache(maxsize=8)
def _letterhead(brand: Brand, portal_url: str) -> dict[str, Any]:
    """Return what all mails share, as dictionaries, which templates look up fastest."""
    return {
        "brand": asdict(brand),
        "palette": asdict(palette(brand.color)),
        "portal_url": f"{portal_url}/",
        "portal_host": urlsplit(portal_url).hostname,
    }


def _subject(message: Message, facts: Mapping[str, Any]) -> str:
    text = _plain(_line(spec_of(message.kind).subject), facts)
    return " ".join(text.split())[:SUBJECT_LENGTH]


def _sms(message: Message, facts: Mapping[str, Any]) -> str:
    text = _plain(_template(f"sms/{message.kind}.txt"), facts)
    return "\n".join(" ".join(segments.plain(line).split()) for line in text.strip().splitlines())


def _on_one_line(value: Any) -> Any:
    return characters.line(value) if isinstance(value, str) else value


def _plain(template: Template, facts: Mapping[str, Any]) -> str:
    """Fill a template of plain text: nothing in it is markup."""
    return str(template.render(Context(dict(facts), autoescape=False)))


def _template(name: str) -> Template:
    return Engine.get_default().get_template(name)


@lru_cache(maxsize=64)
def _line(source: str) -> Template:
    return Engine.get_default().from_string(source)


def _time_zone_of(message: Message) -> AbstractContextManager[Any]:
    zone = time_zones.find(message.user.member.time_zone) if message.user else None
    return timezone.override(zone) if zone else nullcontext()
