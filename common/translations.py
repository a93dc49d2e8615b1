"""Catalogs of translations: finds every marked text, merges it into a language's file, compiles it.

Django's `makemessages` does the same with GNU gettext, which not every machine has. A text is
marked in Python by gettext's functions, and in templates by Django's tags.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS
from babel.messages.extract import extract as babel_extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

FOLDERS = ("billing", "business", "common", "emails", "members", "portal", "templates")
TEMPLATES = frozenset([".html", ".mjml", ".txt", ".typ"])
LEFT_OUT = frozenset(["tests", "migrations", "__pycache__"])
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENTS = ("Translators:",)
PLACEHOLDER = re.compile(r"%\(\w+\)|(?<!\{)\{\w*\}(?!\})")
PO, MO = "django.po", "django.mo"


@dataclass(frozen=True)
class Updated:
    """A language's file once it's merged: what's missing in it, and what's wrong."""

    language: str
    texts: int
    missing: int
    faults: tuple[str, ...]


def file_of(folder: Path, language: str, name: str = PO) -> Path:
    """Return where Django looks for a language's catalog: `locale/pt_BR/LC_MESSAGES/django.po`."""
    return folder / language / "LC_MESSAGES" / name


def languages(folder: Path) -> list[str]:
    """Return the languages that have a file."""
    return sorted(file.parts[-3] for file in folder.glob(f"*/LC_MESSAGES/{PO}"))


def extract(root: Path) -> Catalog:
    """Return all marked texts of the product, with the files that they're in."""
    catalog = Catalog(charset="utf-8")
    for file in _files(root):
        name = file.relative_to(root).as_posix()
        for words, comments, context in _marked(file):
            catalog.add(words, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalog


def update(found: Catalog, folder: Path, language: str) -> Updated:
    """Merge what was found into a language's file, and compile it.

    Texts that are gone leave it; a new one that resembles an old one isn't guessed. Its date stays,
    so that a file changes only with its texts.
    """
    file = file_of(folder, language)
    catalog = _read(file, language)
    catalog.update(found, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as writer:
        # Without line numbers, which would change with every edit.
        write_po(writer, catalog, width=100, sort_by_file=True, include_lineno=False)
    with file_of(folder, language, MO).open("wb") as writer:
        write_mo(writer, catalog)
    texts = [message for message in catalog if message.id]
    missing = sum(not _is_translated(message) for message in texts)
    wrong = tuple(words for message in texts for words in _faults(message))
    return Updated(language, len(texts), missing, wrong)


def _files(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            is_ours = file.suffix == ".py" or file.suffix in TEMPLATES
            if is_ours and not LEFT_OUT.intersection(file.relative_to(root).parts):
                yield file


def _marked(file: Path) -> Iterator[tuple[str | tuple[str, ...], list[str], str | None]]:
    """Yield a file's texts: words (two for plurals), comments for translators, context."""
    source = file.read_text(encoding="utf-8")
    if file.suffix in TEMPLATES:
        # Django turns a template into something like Python, whose indents mean nothing.
        code = templatize(source, origin=str(file))
        source = "\n".join(line.strip() for line in code.splitlines())
    reader = io.BytesIO(source.encode())
    for _line, words, comments, context in babel_extract("python", reader, KEYWORDS, COMMENTS):
        yield words, comments, context


def _read(file: Path, language: str) -> Catalog:
    if not file.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with file.open("rb") as reader:
        return read_po(reader, locale=language)


def _forms(words: object) -> list[str]:
    """Return a text, or the forms of a plural."""
    if isinstance(words, str):
        return [words]
    return [str(one or "") for one in words] if isinstance(words, list | tuple) else [""]


def _is_translated(message: Message) -> bool:
    return all(_forms(message.string)) and not message.fuzzy


def _faults(message: Message) -> Iterator[str]:
    """Yield what's wrong with a translation: a placeholder that's missing or unknown."""
    if not _is_translated(message):
        return
    ids, strings = _forms(message.id), _forms(message.string)
    known = {mark for words in ids for mark in PLACEHOLDER.findall(words)}
    needed = set(PLACEHOLDER.findall(ids[-1]))
    for string in strings:
        marks = set(PLACEHOLDER.findall(string))
        # A singular may say "one" instead of its number.
        if marks - known or (len(strings) == 1 and needed - marks):
            yield f"{ids[0]!r}: its translation {string!r} has other placeholders."
