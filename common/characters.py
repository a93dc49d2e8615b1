"""Which characters in people's words can be shown everywhere, and which are removed (pure).

XML has no control characters, so a vertical tab in a name blocked a mail for good; PostgreSQL has
no NUL; UTF-8 has no half of a surrogate pair; and marks that reverse the direction of writing can
make a name look like another one. Most come from pasting, and nobody misses them.
"""

from __future__ import annotations

import re
from typing import Any

# Line breaks of any alphabet and system, including vertical tab and form feed.
LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
UNSHOWABLE = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\ud800-\udfff"  # surrogates
    "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates of direction
    "\ufeff\ufff9-\ufffc"  # byte order mark, annotations, a place where a picture was
    "\ufdd0-\ufdef"  # noncharacters, as Unicode defines them
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
# Invisible, and not part of a word the way joiners in Persian or emoji are.
UNSEEN = re.compile("[\u00ad\u200b\u2060-\u2064\u3164\uffa0]")


def words(text: str) -> str:
    """Return text that every channel can carry; lines end with a line feed."""
    if text.isascii() and text.isprintable():
        return text
    return UNSHOWABLE.sub("", LINE_BREAKS.sub("\n", text))


def line(text: str) -> str:
    """Return text on one line, with single spaces: a name, a title."""
    return " ".join(UNSEEN.sub("", words(text)).split())


def all_words(value: Any) -> Any:
    """Return JSON with every text in it cleaned, and keys unchanged."""
    if isinstance(value, str):
        return words(value)
    if isinstance(value, dict):
        return {
            # As `words` does at once with most, which a mail has dozens of.
            name: one
            if type(one) is str and one.isascii() and one.isprintable()
            else all_words(one)
            for name, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [all_words(one) for one in value]
    return value
