"""Subjects, openings, and texts that staff wrote in place of a kind's own.

A placeholder is a name in braces, such as `{amount}`. A text in another language, or one that needs
a fact that this message lacks, leaves the original in place: no message stops for it. So does a
text message that takes more segments than any of ours (`emails.fitting`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import UnionType
from typing import Any, TypeAlias, get_args, get_type_hints

from django.utils.html import escape

from business.kept import Kept
from common import characters
from emails import fitting, segments, short_links
from emails.contexts import MessageContext, names_of
from emails.models import EditedText
from emails.templatetags.message_dates import day, short_day

logger = logging.getLogger(__name__)

NAME = re.compile(r"\{([^{}]*)\}")
BRAND = "brand"
# Addresses that a text may have: short ones of ours, and the portal's own.
LINKS = frozenset({*short_links.LINKS.values(), "portal_url"})
# In HTML and in the text part: what follows the headline.
LEAD_IN_HTML = re.compile(
    r'(</h1>.*?<td[^>]*class="[^"]*\bink\b[^"]*"[^>]*>\s*<div[^>]*>)(.*?)(</div>)', re.DOTALL
)
LEAD_IN_TEXT = re.compile(r"\A([^\n]+\n\n)([^\n]+)(?=\n|\Z)")
Wordings: TypeAlias = dict[tuple[str, str], EditedText]


def newest() -> Wordings:
    """Return what's in force, as the database has it."""
    rows = EditedText.objects.order_by("kind", "language", "-version").distinct("kind", "language")
    return {(row.kind, row.language): row for row in rows if row.subject or row.lead or row.sms}


KEPT: Kept[Wordings] = Kept(newest)
_assumed: ContextVar[EditedText | None] = ContextVar("assumed", default=None)


@contextmanager
def shown_as(row: EditedText) -> Iterator[None]:
    """Inside this, a text that isn't saved is in force: for a preview."""
    token = _assumed.set(row)
    try:
        yield
    finally:
        _assumed.reset(token)


def in_force(kind: str, language: str | None) -> EditedText | None:
    """Return what staff wrote for a kind in a language; None if the original holds."""
    assumed = _assumed.get()
    if assumed and (assumed.kind, assumed.language) == (kind, language):
        return assumed
    return (KEPT.get() or {}).get((kind, language or ""))


def subject(kind: str, language: str | None, facts: Mapping[str, Any]) -> str:
    """Return the subject that staff wrote, filled; empty if the original holds."""
    row = in_force(kind, language)
    return _filled(row, row.subject, facts) if row and row.subject else ""


def with_lead(
    kind: str, language: str | None, facts: Mapping[str, Any], html: str, text: str
) -> tuple[str, str]:
    """Return an email's HTML and text with the opening that staff wrote, or as they are."""
    row = in_force(kind, language)
    lead = _filled(row, row.lead, facts) if row and row.lead else ""
    if not lead:
        return html, text
    in_text = LEAD_IN_TEXT.match(text)
    in_html = LEAD_IN_HTML.search(html)
    if not in_text or (html and not in_html):
        logger.error("%s: there is no opening to put what staff wrote.", kind)
        return html, text
    if in_html:
        html = f"{html[: in_html.start(2)]}{escape(lead)}{html[in_html.end(2) :]}"
    return html, f"{text[: in_text.start(2)]}{lead}{text[in_text.end(2) :]}"


def sms(kind: str, language: str | None, facts: Mapping[str, Any]) -> str:
    """Return the text message that staff wrote, filled; empty if the original holds."""
    row = in_force(kind, language)
    return _filled(row, row.sms, facts, short_day) if row and row.sms else ""


def is_too_long(kind: str, text: str) -> bool:
    """Whether what staff wrote takes too many segments to be sent, though all names are short."""
    count = segments.count(text)
    if count > fitting.MOST:
        logger.error("%s: what staff wrote takes %d segments.", kind, count)
    return count > fitting.MOST


def lead_of(text: str) -> str:
    """Return the opening of a mail's text part; empty if there's none."""
    found = LEAD_IN_TEXT.match(text)
    return found[2] if found else ""


def names(context: type[MessageContext]) -> dict[str, bool]:
    """Return the names that a text may use, each with whether it's a day."""
    hints = get_type_hints(context)
    known = {BRAND: False}
    for name, field in names_of(context).items():
        kinds = {hints[field], *(get_args(hints[field]) if _is_union(hints[field]) else ())}
        if datetime in kinds:
            known[name] = True
        elif kinds & {str, int} and not name.endswith(("url", "picture")):
            known[name] = False
    return known


def names_in_texts(context: type[MessageContext]) -> dict[str, bool]:
    """Return the names that a text message may use, each with whether it's a day."""
    links = LINKS.intersection({*names_of(context), "portal_url"})
    return {**names(context), **dict.fromkeys(links, False)}


def _is_union(hint: Any) -> bool:
    return isinstance(hint, UnionType)


def used(text: str) -> list[str]:
    """Return the names that a text uses."""
    return NAME.findall(text)


def problems(text: str, known: Mapping[str, bool]) -> list[str]:
    """Return what's wrong with a text, in sentences."""
    if "{%" in text or "{{" in text or "}}" in text:
        return ["Write a fact’s name in single braces, such as {name}. Nothing else is filled in."]
    if "<" in text or ">" in text:
        return ["Write plain text: < and > can’t be used."]
    said = [
        f"{{{name}}} isn’t a fact of this message. It has: {', '.join(sorted(known))}."
        for name in used(text)
        if name not in known
    ]
    if "{" in NAME.sub("", text) or "}" in NAME.sub("", text):
        said.append("A brace is missing: write a fact’s name between { and }.")
    return said


def problems_of_text(text: str, known: Mapping[str, bool]) -> list[str]:
    """Return what's wrong with a text message, in sentences."""
    said = problems(text, known)
    if text and not said and not text.startswith(f"{{{BRAND}}}"):
        # Carriers ask for it, and members don't know the number.
        said.append(f"Begin with {{{BRAND}}}: a text has to say who writes.")
    return said


def _filled(
    row: EditedText, text: str, facts: Mapping[str, Any], write_day: Callable[[str], str] = day
) -> str:
    """Return a text with its facts; empty if one is missing, so that the original holds."""
    values = {}
    for name in used(text):
        if name != BRAND and name not in facts:
            logger.error("%s: what staff wrote names %s, which it lacks.", row.kind, name)
            return ""
        try:
            value = facts[BRAND]["name"] if name == BRAND else facts[name]
            values[name] = write_day(value) if name in row.days else str(value)
        except (TypeError, ValueError, LookupError):
            logger.exception("%s: what staff wrote can't be filled in.", row.kind)
            return ""
        if not values[name]:
            return ""
    return characters.line(NAME.sub(lambda found: values[found[1]], text))
