"""How this business writes numbers and days: CLDR's conventions, by the owner's LOCALE.

Numbers hold no words, so they're always written as the owner's locale does. A day is in the
sentence's language, in the form of the owner's country: "Friday, 4 December" in English in Germany.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils.translation import get_language

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


def current() -> Conventions:
    """Return the conventions in force."""
    return _conventions(settings.LOCALE, get_language() or PLAIN)


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
