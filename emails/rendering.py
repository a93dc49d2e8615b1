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
from emails.as_python import Filtered
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
    """The facts of one message in one language and zone, for all of its parts.

    They note which unknown names a template asked for: Django shows nothing for one, and `{% if %}`
    catches errors.
    """

    def __init__(self, facts: Mapping[str, Any], *, autoescape: bool = False) -> None:
        self.unknown: set[str] = set()
        # All parts of a mail show the same days.
        self.filtered = Filtered()
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
    letterhead, name = _letterhead_of(message), f"emails/{message.kind}.mjml"
    with reader_of(message) as language:
        template = compiling.html_template(name, language, letterhead)
        facts = _facts(message, letterhead, language)
        # Once for all parts, as for templates that a template includes.
        with facts.bind_template(template):
            subject = characters.line(message.subject) or _subject(message, facts, letterhead)
            facts["subject"] = subject
            html = _fill(template, facts, autoescape=True)
            text = _text(message, facts, letterhead)
        html, text = _with_lead(message, facts, html, text)
    return RenderedEmail(subject, html, text)


def render_text(message: Message) -> str:
    """Return the plain text of a message's email, alone."""
    letterhead = _letterhead_of(message)
    with reader_of(message) as language:
        facts = _facts(message, letterhead, language)
        _, text = _with_lead(message, facts, "", _text(message, facts, letterhead))
    return text


def render_subject(message: Message) -> str:
    """Return the subject of a message's email, on one line."""
    letterhead = _letterhead_of(message)
    with reader_of(message) as language:
        return _subject(message, _facts(message, letterhead, language), letterhead)


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
    with reader_of(message) as language:
        facts = _words(message, _letterhead_of(message), language) | short_links.of(message)
        facts = {name: _on_one_line(value) for name, value in facts.items()}
        return fitting.fitted(partial(write, message), facts, str(facts["portal_host"]))


def _facts(message: Message, letterhead: Letterhead, language: str) -> _Facts:
    """Return the context of an email's templates."""
    return _Facts(_words(message, letterhead, language))


def _words(message: Message, letterhead: Letterhead, language: str) -> dict[str, Any]:
    """Return what a message's templates may say, cleaned again: the row may be old."""
    return {
        **characters.all_words(older.with_later_names(message.context)),
        **letterhead.facts,
        "language": language,
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


def _subject(message: Message, facts: _Facts, letterhead: Letterhead) -> str:
    name, language = f"emails/{message.kind}.txt", facts["language"]
    if written := wording.subject(message.kind, language, facts.dicts[-1]):
        return written[:SUBJECT_LENGTH]
    text = _fill(compiling.subject_template(name, language, letterhead), facts)
    return " ".join(text.split())[:SUBJECT_LENGTH]


def _text(message: Message, facts: _Facts, letterhead: Letterhead) -> str:
    name = f"emails/{message.kind}.txt"
    text = _fill(compiling.text_template(name, facts["language"], letterhead), facts)
    return GAPS.sub("\n\n", text.strip()) + "\n"


def _with_lead(message: Message, facts: _Facts, html: str, text: str) -> tuple[str, str]:
    return wording.with_lead(message.kind, facts["language"], facts.dicts[-1], html, text)


def _sms(message: Message, facts: Mapping[str, Any]) -> str:
    # Its names may be shortened, so nothing is settled.
    template = compiling.text_template(f"sms/{message.kind}.txt", facts["language"])
    return _with_stop(message, _fill(template, _Facts(facts)).strip())


def _written_sms(message: Message, facts: Mapping[str, Any]) -> str:
    text = wording.sms(message.kind, facts["language"], facts)
    return _with_stop(message, text) if text else ""


def _with_stop(message: Message, text: str) -> str:
    if message.says_stop and message.kind not in SAYS_STOP_ITSELF:
        text = f"{text} {SAY_STOP}"
    return "\n".join(" ".join(segments.plain(line).split()) for line in text.splitlines())


def _on_one_line(value: Any) -> Any:
    return characters.line(value) if isinstance(value, str) else value


def _fill(template: Template, facts: _Facts, *, autoescape: bool = False) -> str:
    """Fill a template of plain text, or with `autoescape` of HTML."""
    facts.autoescape = autoescape
    text = str(template.render(facts))
    if facts.unknown:
        # Not the facts themselves: they may name someone.
        unknown = ", ".join(sorted(facts.unknown))
        logger.error("%s: the message has no %s.", template.name or template.source, unknown)
        facts.unknown.clear()
    return text


@contextmanager
def reader_of(message: Message) -> Iterator[str]:
    """Write in the member's zone and language; to others in the business's, or their page's.

    Yields the language. Most read what the business itself does, which a job has in force already.
    """
    member = message.user.member if message.user else None
    zone = (time_zones.find(member.time_zone) if member else None) or region.zone()
    asked = member.language if member else str(message.context.get("language") or "")
    language = languages.offered(asked)
    if language == translation.get_language() and zone is timezone.get_current_timezone():
        yield language
        return
    with translation.override(language), timezone.override(zone):
        yield language
