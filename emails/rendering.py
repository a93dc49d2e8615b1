"""Turn a message's facts into a subject, HTML, text, or SMS.

MJML becomes a Django template of HTML once (`emails.compiling`). Each mail fills it, with
autoescape on. Dates are shown in the member's own time zone. A template that uses a name that its
message lacks is our mistake: tests fail on it, and in production it's an error in the log. The
message is rendered all the same, as people need it, and so are rows from before a name was added.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template import Context, Node, Template
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy

from common import characters, region
from common.brand import palette
from common.context import Brand, current_brand
from emails import compiling, fitting, older, segments, short_links, unsubscribe_links, wording
from emails.catalog import Category, Kind, spec_of
from emails.compiling import Letterhead
from emails.models import Message
from members import languages, time_zones

logger = logging.getLogger(__name__)

# What every template may use, besides the message's own context.
SHARED = frozenset(
    {
        "brand",
        "palette",
        "portal_url",
        "portal_host",
        "why",
        "for_staff",
        "staff_url",
        "subject",
        "unsubscribe_url",
        "language",
    }
)
PICTURES = ("logo_url", "mail_logo_url", "icon_url", "cover_url")
SUBJECT_LENGTH = 255
SAY_STOP = gettext_lazy("Reply STOP to opt out.")
SAYS_STOP_ITSELF = frozenset({Kind.TEXTS_ON})
# Empty lines that a template leaves where there's nothing to say.
GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")


class _Facts(Context):
    """Facts that note which unknown names a template asked for.

    Django shows nothing for an unknown name, and `{% if %}` catches errors.
    """

    def __init__(self, facts: Mapping[str, Any], *, autoescape: bool) -> None:
        self.unknown: set[str] = set()
        super().__init__(dict(facts), autoescape=autoescape)

    def __getitem__(self, key: int | str | Node) -> Any:
        # As Django's own, in one step: a mail asks dozens of times.
        for facts in reversed(self.dicts):
            if key in facts:
                return facts[key]
        self.unknown.add(str(key))
        raise KeyError(key)


@dataclass(frozen=True)
class RenderedEmail:
    """An email's three parts."""

    subject: str
    html: str
    text: str


def render_email(message: Message) -> RenderedEmail:
    """Return a message as email."""
    letterhead = _letterhead_of(message)
    facts = _facts(message, letterhead)
    with reader_of(message):
        facts["language"] = translation.get_language()
        facts["subject"] = characters.line(message.subject) or _subject(message, facts, letterhead)
        template = compiling.html_template(f"emails/{message.kind}.mjml", letterhead)
        html = _fill(template, facts, autoescape=True)
        text = _text(message, facts, letterhead)
        html, text = wording.with_lead(message.kind, facts["language"], facts, html, text)
    return RenderedEmail(facts["subject"], html, text)


def render_text(message: Message) -> str:
    """Return the plain text of a message's email, alone."""
    letterhead = _letterhead_of(message)
    facts = _facts(message, letterhead)
    with reader_of(message):
        text = _text(message, facts, letterhead)
        _, text = wording.with_lead(message.kind, translation.get_language(), facts, "", text)
    return text


def render_subject(message: Message) -> str:
    """Return the subject of a message's email, on one line."""
    letterhead = _letterhead_of(message)
    with reader_of(message):
        return _subject(message, _facts(message, letterhead), letterhead)


def render_sms(message: Message) -> str:
    """Return a message as text message, in one segment if possible, and two at most."""
    written = written_sms(message)
    if written and not wording.is_too_long(message.kind, written):
        return written
    return _fitted(message, _sms)


def written_sms(message: Message) -> str:
    """Return the text message that staff wrote, however long; empty if the original holds."""
    return _fitted(message, _written_sms)


def _fitted(message: Message, write: Callable[[Message, Mapping[str, Any]], str]) -> str:
    facts = _facts(message, _letterhead_of(message)) | short_links.of(message)
    facts = {name: _on_one_line(value) for name, value in facts.items()}
    with reader_of(message):
        return fitting.fitted(partial(write, message), facts, str(facts["portal_host"]))


def _facts(message: Message, letterhead: Letterhead) -> dict[str, Any]:
    """Return the context for a message's templates, cleaned again: the row may be old."""
    return {
        **characters.all_words(older.with_later_names(message.context)),
        **letterhead.facts,
        "unsubscribe_url": unsubscribe_links.address(message),
    }


def _letterhead_of(message: Message) -> Letterhead:
    return _letterhead(current_brand(), settings.PORTAL_URL, message.kind)


@lru_cache(maxsize=512)
def _letterhead(brand: Brand, portal_url: str, kind: Kind) -> Letterhead:
    """Return what all mails of a kind share, as dictionaries, which templates look up fastest."""
    paths = {name: getattr(brand, name) for name in PICTURES}
    colors, spec = palette(brand.color), spec_of(kind)
    facts = {
        # Mail programs know no host but what an address names.
        "brand": asdict(brand)
        | {name: f"{portal_url}{path}" for name, path in paths.items() if path},
        "palette": asdict(colors),
        "portal_url": f"{portal_url}/",
        "staff_url": f"{portal_url}{reverse('admin:index')}",
        "portal_host": urlsplit(portal_url).hostname,
        "why": spec.reason,
        "for_staff": spec.category == Category.STAFF,
    }
    return Letterhead(colors, facts)


def _subject(message: Message, facts: Mapping[str, Any], letterhead: Letterhead) -> str:
    if written := wording.subject(message.kind, translation.get_language(), facts):
        return written[:SUBJECT_LENGTH]
    template = compiling.subject_template(f"emails/{message.kind}.txt", letterhead)
    text = _plain(template, facts)
    return " ".join(text.split())[:SUBJECT_LENGTH]


def _text(message: Message, facts: Mapping[str, Any], letterhead: Letterhead) -> str:
    template = compiling.text_template(f"emails/{message.kind}.txt", letterhead)
    return GAPS.sub("\n\n", _plain(template, facts).strip()) + "\n"


def _sms(message: Message, facts: Mapping[str, Any]) -> str:
    # Its names may be shortened, so nothing is settled.
    template = compiling.text_template(f"sms/{message.kind}.txt")
    return _with_stop(message, _plain(template, facts).strip())


def _written_sms(message: Message, facts: Mapping[str, Any]) -> str:
    text = wording.sms(message.kind, translation.get_language(), facts)
    return _with_stop(message, text) if text else ""


def _with_stop(message: Message, text: str) -> str:
    if message.says_stop and message.kind not in SAYS_STOP_ITSELF:
        text = f"{text} {SAY_STOP}"
    return "\n".join(" ".join(segments.plain(line).split()) for line in text.splitlines())


def _on_one_line(value: Any) -> Any:
    return characters.line(value) if isinstance(value, str) else value


def _plain(template: Template, facts: Mapping[str, Any]) -> str:
    """Fill a template of plain text: nothing in it is markup."""
    return _fill(template, facts, autoescape=False)


def _fill(template: Template, facts: Mapping[str, Any], *, autoescape: bool) -> str:
    context = _Facts(facts, autoescape=autoescape)
    text = str(template.render(context))
    if context.unknown:
        # Not the facts themselves: they may name someone.
        unknown = ", ".join(sorted(context.unknown))
        logger.error("%s: the message has no %s.", template.name or template.source, unknown)
    return text


@contextmanager
def reader_of(message: Message) -> Iterator[None]:
    """Write in the member's zone and language; to others in the business's, or their page's."""
    member = message.user.member if message.user else None
    zone = (time_zones.find(member.time_zone) if member else None) or region.zone()
    asked = member.language if member else str(message.context.get("language") or "")
    language = languages.offered(asked)
    with translation.override(language), timezone.override(zone):
        yield
