"""How this business writes numbers and days: CLDR's conventions, by the owner's locale.

Numbers hold no words, so they're always written as the owner's locale does. A day is in the
sentence's language, in the form of the owner's country: "Friday, 4 December" in English in Germany.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from django.utils.translation import get_language

from common import region

# What settings and machines write, wherever the business is.
PLAIN = "en_US"


@dataclass(frozen=True)
class Conventions:
    """The locale whose numbers we write, and the one whose days we write."""

    numbers: Locale
    days: Locale


def find(name: str) -> Locale:
    """Return the locale with a name such as `en_US` or `de-CH`.

    Raises:
        ValueError: there's none; the sentence says how to name one.
    """
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError) as error:
        words = f"{name!r} is no locale. Name a language and a country, such as en_US or de_DE."
        raise ValueError(words) from error


def languages(folder: Path) -> list[tuple[str, str]]:
    """Return what pages can be read in, as Django lists it: English, and what has a catalog."""
    names = sorted(file.parts[-3] for file in folder.glob("*/LC_MESSAGES/django.mo"))
    others = [(name.lower().replace("_", "-"), _own_name(find(name))) for name in names]
    return [("en-us", "English"), *others]


def best_of(offered: list[tuple[str, str]], locale: str) -> str:
    """Return the language that visitors get who ask for none: the owner's, else English."""
    spoken = find(locale).language
    return next((code for code, _name in offered if code.split("-")[0] == spoken), "en-us")


def _own_name(locale: Locale) -> str:
    return str(locale.get_display_name(locale)).capitalize()


def current() -> Conventions:
    """Return the conventions in force."""
    return _conventions(region.current().locale, get_language() or PLAIN)


@cache
def _conventions(owner: str, language: str) -> Conventions:
    numbers = find(owner)
    spoken = find(language)
    if spoken.language == numbers.language:
        return Conventions(numbers, numbers)
    return Conventions(numbers, _spoken_in(spoken.language, numbers.territory))


def _spoken_in(language: str, territory: str | None) -> Locale:
    """Return a language as it's written in a country, or anywhere if CLDR doesn't know that."""
    for name in (f"{language}_{territory}", f"{language}_001"):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(language)
