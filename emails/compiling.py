"""Turn the templates of an email into one Django template each, once.

What `{% extends %}` brings together is put together here, MJML becomes HTML, and the rules of
`<mj-style inline="inline">` go into the `style` of what they match, since some mail programs read
no style sheet. What's left for each mail is to fill in its facts. mjml reads XML and knows nothing
of Django's tags, so a mark stands for each of them meanwhile. Each language has its own template,
with its words in place (`emails.translating`), and so has each letterhead (`emails.settling`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template import Engine, Template, TemplateSyntaxError
from mjml import mjml2html

from common.brand import Palette
from emails.inlining import inlined
from emails.settling import settle
from emails.translating import translated

COMMENT = re.compile(r"{#.*?#}")
TAG = re.compile(r"{%.*?%}|{{.*?}}")
# What's the same in every mail until the brand's color changes.
COLOR = re.compile(r"{{ palette\.(\w+) }}")
LOAD = re.compile(r"{%\s*load\s.*?%}")
EXTENDS = re.compile(r'{%\s*extends\s+"([^"]+)"\s*%}')
BLOCK = re.compile(r"{%\s*(?:block\s+(\w+)|(endblock)(?:\s+\w+)?)\s*%}")
# Names of Django's tags in MJML, and elements whose content mjml takes as it is.
MARK = re.compile(r"\[\[(\d+)\]\]")
PIECE = re.compile(r"<(/?)([\w-]+)[^<>]*?(/?)>|\[\[\d+\]\]")
CONTAINERS = frozenset({"mjml", "mj-head", "mj-attributes", "mj-body", "mj-section", "mj-column"})

Blocks = Mapping[str, str]


class Part(Enum):
    """What a template becomes."""

    HTML = auto()
    TEXT = auto()
    SUBJECT = auto()


@dataclass(frozen=True, eq=False)
class Letterhead:
    """What all emails of a kind share until the brand changes: each is one of its own."""

    colors: Palette
    facts: Mapping[str, Any]


def html_template(name: str, language: str, letterhead: Letterhead) -> Template:
    """Return the template of an email's HTML, made from MJML, with the letterhead in it.

    The language of all templates must be the active one.
    """
    return _fresh_or_kept(name, Part.HTML, language, letterhead)


def text_template(name: str, language: str, letterhead: Letterhead | None = None) -> Template:
    """Return a template of plain text, with what it extends, and with the letterhead if given."""
    return _fresh_or_kept(name, Part.TEXT, language, letterhead)


def subject_template(name: str, language: str, letterhead: Letterhead | None = None) -> Template:
    """Return the template of a subject, which is a block of an email's plain text."""
    return _fresh_or_kept(name, Part.SUBJECT, language, letterhead)


def html_source(source: str, colors: Palette) -> str:
    """Return the source of a Django template that makes HTML, from one that makes MJML."""
    source = COLOR.sub(lambda found: str(getattr(colors, found[1])), source)
    loads, source = _without_loads(COMMENT.sub("", source))
    tags: list[str] = []

    def mark(found: re.Match[str]) -> str:
        tags.append(found[0])
        return f"[[{len(tags) - 1}]]"

    marked, rules = _without_inline_rules(TAG.sub(mark, source))
    html = mjml2html(_wrapped(inlined(marked, rules)))
    return loads + MARK.sub(lambda found: tags[int(found[1])], html)


def flattened(name: str) -> str:
    """Return a template's source with everything that it extends, and without blocks."""
    source = _with_parents(name)
    if "block.super" in source:
        raise TemplateSyntaxError(f"{name}: emails can't use block.super.")
    return BLOCK.sub("", source)


def subject(name: str) -> str:
    """Return the source of the block with a text's subject, its own or the nearest parent's."""
    source = str(Engine.get_default().get_template(name).source)
    loads, _rest = _without_loads(source)
    if (block := _blocks(source).get("subject")) is not None:
        return loads + block
    parent = EXTENDS.search(source)
    if parent is None:
        raise TemplateSyntaxError(f"{name}: there is no subject.")
    return subject(parent[1])


def forget() -> None:
    """Make all templates anew, as after a change of a language's words."""
    _compiled.cache_clear()


def _fresh_or_kept(name: str, part: Part, language: str, letterhead: Letterhead | None) -> Template:
    """Return the template in the active language; while developing, as its files are now."""
    make = _compiled.__wrapped__ if settings.DEBUG else _compiled
    return make(name, part, language, letterhead)


@lru_cache(maxsize=2048)
def _compiled(name: str, part: Part, language: str, letterhead: Letterhead | None) -> Template:
    source = translated(subject(name) if part == Part.SUBJECT else flattened(name))
    if letterhead is None:
        return Template(source, name=name, engine=Engine.get_default())
    is_html = part == Part.HTML
    if is_html:
        source = html_source(source, letterhead.colors)
    template = Template(source, name=name, engine=Engine.get_default())
    settle(template, {**letterhead.facts, "language": language}, autoescape=is_html)
    return template


def _with_parents(name: str) -> str:
    source = str(Engine.get_default().get_template(name).source)
    parent = EXTENDS.search(source)
    if parent is None:
        return source
    loads, _rest = _without_loads(source)
    return loads + _filled(_with_parents(parent[1]), _blocks(source))


def _blocks(source: str) -> dict[str, str]:
    """Return the content of each block, of the inner ones, too."""
    blocks: dict[str, str] = {}
    opened: list[tuple[str, int]] = []
    for found in BLOCK.finditer(source):
        if found[1]:
            opened.append((found[1], found.end()))
        else:
            name, start = opened.pop()
            blocks[name] = source[start : found.start()]
    return blocks


def _filled(source: str, blocks: Blocks) -> str:
    """Return a parent's source with the blocks of a template that extends it."""
    result, copied, depth, replaced_at = [], 0, 0, 0
    for found in BLOCK.finditer(source):
        depth += 1 if found[1] else -1
        if replaced_at:
            if depth < replaced_at:
                copied, replaced_at = found.start(), 0
        elif found[1] in blocks:
            result += [source[copied : found.end()], blocks[found[1]]]
            replaced_at = depth
    return "".join([*result, source[copied:]])


def _without_loads(source: str) -> tuple[str, str]:
    """Return the tags that load libraries, each once, and the rest."""
    return "".join(dict.fromkeys(LOAD.findall(source))), LOAD.sub("", source)


def _without_inline_rules(source: str) -> tuple[str, str]:
    """Return the source without the style sheet that goes into elements, and that sheet."""
    sheet = re.compile(r'<mj-style inline="inline">(.*?)</mj-style>', re.DOTALL)
    return sheet.sub("", source), "".join(sheet.findall(source))


def _wrapped(marked: str) -> str:
    """Return MJML in which marks between its elements stand in `<mj-raw>`, which stays as it is."""
    opened: list[str] = []

    def piece(found: re.Match[str]) -> str:
        closes, element, is_empty = found[1], found[2], found[3]
        if element is None:
            return f"<mj-raw>{found[0]}</mj-raw>" if opened[-1] in CONTAINERS else found[0]
        if closes:
            opened.pop()
        elif not is_empty and element not in {"br", "img", "meta"}:
            opened.append(element)
        return found[0]

    return PIECE.sub(piece, marked)
