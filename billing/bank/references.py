"""The references that members put into a transfer's memo: `HY-7K3P-4` (pure).

A reference is some characters drawn by chance and one that checks them, behind a prefix that says
whose it is. It's read back whatever became of it on the way: lower case, spaces for dashes or none
at all, letters for digits that look alike, words around it.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

# Ten digits and 21 letters. What looks like one of them is read as it (see `ALIKE`).
ALPHABET = "0123456789ABCDEFGHJKMNPRSTVWXYZ"
ALIKE = str.maketrans("OQILU", "0011V")
DRAWN = 4
LENGTH = DRAWN + 1
# Banks take memos of 200 characters or fewer. What's behind that isn't looked at.
LONGEST_MEMO = 500
_WORD = re.compile(r"[A-Z0-9]+")


def new() -> str:
    """Return a reference drawn by chance, without its prefix: `7K3P4`. It may be in use already."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(DRAWN))
    return drawn + check_character(drawn)


def check_character(drawn: str) -> str:
    """Return the character that checks the others.

    The alphabet's 31 characters are a prime number, and each place has its own weight: so one wrong
    character and any two that changed places are always noticed.
    """
    total = sum(place * ALPHABET.index(one) for place, one in enumerate(drawn, start=2))
    return ALPHABET[-total % len(ALPHABET)]


def is_valid(reference: str) -> bool:
    """Whether a reference, without prefix and dashes, has the right length and check character."""
    if len(reference) != LENGTH or any(one not in ALPHABET for one in reference):
        return False
    return check_character(reference[:DRAWN]) == reference[DRAWN:]


def shown(prefix: str, reference: str) -> str:
    """Return a reference as people see it: `HY-7K3P-4`."""
    return "-".join([part for part in (prefix, reference[:DRAWN], reference[DRAWN:]) if part])


def read(memo: str, prefix: str) -> list[str]:
    """Return the valid references in a memo, without prefixes, in their order and each once.

    The prefix may be missing, and so may what separates the parts.
    """
    words = _WORD.findall(_plain(memo[:LONGEST_MEMO]))
    starts = {"", _plain(prefix)}
    matches = (one for first in range(len(words)) for one in _from(words[first:], starts))
    return list(dict.fromkeys(one for one in matches if is_valid(one)))


def _from(words: list[str], starts: set[str]) -> Iterator[str]:
    """Yield what could be a reference among the words that begin here, joined more and more."""
    longest = LENGTH + max(map(len, starts))
    joined = ""
    for word in words:
        joined += word
        if len(joined) > longest:
            return
        for start in starts:
            if joined.startswith(start) and len(joined) == len(start) + LENGTH:
                yield joined[len(start) :]


def _plain(text: str) -> str:
    """Return text in upper case and ASCII, look-alikes replaced."""
    return unicodedata.normalize("NFKC", text).upper().translate(ALIKE)
