"""Put a language's words into a template before it's compiled.

A mail is written in one language, so its marks can be settled once for all mails in it: what's left
are the facts. It also means that a translation goes through MJML with its links, as the original
does. A mark that depends on a fact, such as a plural, stays and is settled in each mail.
"""

from __future__ import annotations

import re

from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext, trim_whitespace

WORDS = re.compile(r"""{%\s*translate\s+("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*%}""")
BLOCK = re.compile(
    r"{%\s*blocktranslate(?P<options>(?:\s[^%]*?)?)\s*%}(?P<body>.*?){%\s*endblocktranslate\s*%}",
    re.DOTALL,
)
VARIABLE = re.compile(r"{{\s*([\w.]+)\s*}}")
PLACEHOLDER = re.compile(r"%\(([\w.]+)\)s")
NAMED = re.compile(r"(\w+)=(.+)", re.DOTALL)
# What Django would read as its own in a translation.
TAGS = ("{{", "{%", "{#")


def translated(source: str) -> str:
    """Return a template's source with the words of the active language in place of its marks."""
    return BLOCK.sub(_block, WORDS.sub(_words, source))


def _words(found: re.Match[str]) -> str:
    original = unescape_string_literal(found[1])
    words = _in_language(original.replace("%", "%%"))
    return words.replace("%%", "%")


def _block(found: re.Match[str]) -> str:
    given = _given(found["options"])
    body = found["body"]
    if given is None or "{%" in body:
        return found[0]
    values, is_trimmed = given
    msgid = VARIABLE.sub(r"%(\1)s", body.replace("%", "%%"))
    words = _in_language(trim_whitespace(msgid) if is_trimmed else msgid)
    shown = PLACEHOLDER.sub(
        lambda name: "{{ %s }}" % values.get(name[1], name[1]),  # noqa: UP031  (braces)
        words,
    )
    return shown.replace("%%", "%")


def _given(options: str) -> tuple[dict[str, str], bool] | None:
    """Return the names that a block gives to values, and whether it's trimmed; None for others."""
    values: dict[str, str] = {}
    is_trimmed = False
    for word in smart_split(options):
        if named := NAMED.fullmatch(word):
            values[named[1]] = named[2]
        elif word == "trimmed":
            is_trimmed = True
        elif word != "with":
            return None
    return ({}, False) if not options.strip() else (values, is_trimmed)


def _in_language(msgid: str) -> str:
    """Return the translation; the original if it names other facts, or would be a tag."""
    words = gettext(msgid)
    known = set(PLACEHOLDER.findall(msgid))
    is_safe = set(PLACEHOLDER.findall(words)) <= known and not any(tag in words for tag in TAGS)
    return words if is_safe else msgid
