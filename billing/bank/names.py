"""How alike the names of a payer and of a member are (pure).

A bank writes names in capitals, without accents, in any order, cut short, or with a company behind
them. People go by a nickname, and pay from a spouse's or a firm's account.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

from nicknames import NickNamer
from rapidfuzz import fuzz

# What isn't part of a person's or a company's own name.
TITLES = frozenset("mr mrs ms mx dr prof rev jr sr ii iii iv esq".split())
LEGAL_FORMS = frozenset(
    "llc inc incorporated co corp corporation company ltd lp llp pllc pc the".split()
)
# Letters that Unicode doesn't take apart, as banks write them.
SPELLED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
    | {"ß": "ss"}
)
SAME = 100
# Two words this much alike are one, misspelled.
ALIKE = 85
LONGEST = 200


def words(name: str) -> tuple[str, ...]:
    """Return a name's words in lower case: no accents, punctuation, titles, or legal forms."""
    spelled = name[:LONGEST].casefold().translate(SPELLED)
    taken_apart = unicodedata.normalize("NFKD", spelled)
    letters = (one for one in taken_apart if not unicodedata.combining(one))
    joined = "".join(one if one.isalnum() else "" if one in "'’." else " " for one in letters)
    found = joined.split()
    own = [one for one in found if one not in TITLES and one not in LEGAL_FORMS]
    return tuple(own or found)


def key(name: str) -> str:
    """Return what all spellings of a name share: its words in order of the alphabet."""
    return " ".join(sorted(words(name)))


def likeness(one: str, other: str) -> int:
    """Return how alike two names are: 100 for the same, 0 for nothing in common.

    Each word of the shorter name looks for its like in the longer one. A middle name that only one
    of them has costs little; a last name that differs costs most of it.
    """
    first, second = sorted((words(one), words(other)), key=lambda found: (len(found), found))
    if not first:
        return 0
    if sorted(first) == sorted(second):
        return SAME
    together = "".join(first) == "".join(second)
    return 95 if together else _matched(first, second)


def _matched(shorter: Sequence[str], longer: Sequence[str]) -> int:
    left, total = list(longer), 0
    for word in sorted(shorter, key=len, reverse=True):
        best = max(left, key=lambda one: _word_likeness(word, one))
        total += _word_likeness(word, best)
        left.remove(best)
    average = total / len(shorter)
    # One word alone, such as a first name, says little about the others.
    share = 0.6 + 0.4 * len(shorter) / len(longer) if len(shorter) > 1 else 0.6
    return min(99, round(average * share))


def _word_likeness(one: str, other: str) -> int:
    if one == other:
        return SAME
    if len(one) == 1 or len(other) == 1:
        return 80 if one[0] == other[0] else 0
    if one in _short_for(other) or other in _short_for(one):
        return 95
    ratio = round(fuzz.ratio(one, other))
    return ratio if ratio >= ALIKE else 0


@cache
def _namer() -> NickNamer:
    return NickNamer()


def _short_for(name: str) -> set[str]:
    """Return the nicknames of a first name."""
    return set(_namer().nicknames_of(name))
