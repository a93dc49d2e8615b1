"""Makes a text message fit: one segment if shortening names allows it, two at most (pure).

Names of what's sold, of plans, and of the business are of any length and script. They're shortened
first. Only if that isn't enough are they written in the letters of GSM 03.38, in which two segments
hold 306 characters rather than 134. An accent may go then ("Sesion"); a word with a letter that has
no plain form ("Łukasz") is left out rather than written wrong. No text says a member's name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from emails import segments

Facts = Mapping[str, Any]
Write = Callable[[Facts], str]

MOST = 2
# What may be shortened, and how much must be left to be understood; what only if all else failed.
SHORTENED = ("description", "plan_name", "new_plan", "other")
SHORTENED_LAST = (*SHORTENED, "terms", "method")
# Only these are cut to save the second segment: the rest matters more than its price.
CUT_TO_SAVE = ("description", "plan_name", "new_plan")
SHORTEST = 12
DOTS = "..."


def fitted(write: Write, facts: Facts, host: str) -> str:
    """Return the first way to write a text that fits; the shortest one if none does.

    `host` is the portal's, which says who writes if the business's name has no plain letters.
    """
    tried = []
    for text, most in _ways(write, facts, host):
        if segments.count(text) <= most:
            return text
        tried.append(text)
    return min(tried, key=segments.count)


def _ways(write: Write, facts: Facts, host: str) -> Iterator[tuple[str, int]]:
    """Yield ways to write a text, from the best to the shortest, and the segments it may take."""
    yield write(facts), 1
    yield _cut(write, facts, CUT_TO_SAVE, 1)[0], 1
    plain_brand = _with_brand(facts, _plain_brand(facts, host))
    plain = _plainly(plain_brand)
    yield write(facts), MOST
    yield _cut(write, facts, SHORTENED, MOST)[0], MOST
    for one, names in ((plain_brand, SHORTENED), (plain, SHORTENED), (plain, SHORTENED_LAST)):
        yield write(one), MOST
        text, shorter = _cut(write, one, names, MOST)
        yield text, MOST
        yield _cut_brand(write, shorter), MOST


def _cut(write: Write, facts: Facts, names: tuple[str, ...], most: int) -> tuple[str, Facts]:
    """Shorten what may be shortened, as far as needed."""
    text = write(facts)
    for name in names:
        if excess := segments.excess(text, most):
            facts = {**facts, name: _shortened(facts.get(name), excess)}
            text = write(facts)
    return text, facts


def _cut_brand(write: Write, facts: Facts) -> str:
    text = write(facts)
    excess = segments.excess(text, MOST)
    return write(_with_brand(facts, _shortened(facts["brand"]["name"], excess)))


def _shortened(value: Any, excess: int) -> Any:
    if not isinstance(value, str) or len(value) <= SHORTEST or not excess:
        return value
    kept = max(len(value) - excess - len(DOTS), SHORTEST - len(DOTS))
    cut = value[:kept]
    # A letter keeps its accent, or goes with it.
    while cut and unicodedata.combining(value[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip() + DOTS


def _with_brand(facts: Facts, name: str) -> Facts:
    return {**facts, "brand": {**facts["brand"], "name": name}}


def _plain_brand(facts: Facts, host: str) -> str:
    """Return the business's name in plain letters, or the portal's host if it has others."""
    name = _folded(segments.plain(facts["brand"]["name"]))
    return name if segments.ALPHABET.issuperset(name) else host


def _plainly(facts: Facts) -> Facts:
    """Write everything that's a name in plain letters."""
    words = {name: facts.get(name) for name in SHORTENED_LAST}
    plain = {name: _plain_words(one) for name, one in words.items() if isinstance(one, str) and one}
    return {**facts, **plain}


def _plain_words(text: str) -> str:
    """Return the words in plain letters, without those that have none."""
    words = [_folded(word) for word in segments.plain(text).split()]
    plain = [word if segments.ALPHABET.issuperset(word) else DOTS for word in words]
    return " ".join(word for word, _ in groupby(plain)) if plain else DOTS


def _folded(text: str) -> str:
    """Return the text without the accents that GSM 03.38 lacks."""
    return "".join(_without_accent(one) for one in unicodedata.normalize("NFC", text))


def _without_accent(letter: str) -> str:
    if letter in segments.ALPHABET:
        return letter
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(one for one in parts if not unicodedata.combining(one))
