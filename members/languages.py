"""The languages that members can choose from: those that have a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import translation
from django.utils.translation import get_language, get_supported_language_variant


def is_chosen() -> bool:
    """Whether there's more than one language to choose from."""
    return len(settings.LANGUAGES) > 1


def offered(name: str) -> str:
    """Return the language that's nearest to a profile's, such as "en-us" for "en"."""
    try:
        return get_supported_language_variant(name)
    except LookupError:
        return str(settings.LANGUAGE_CODE)


@contextmanager
def of(user: User) -> Iterator[None]:
    """Inside this, words are in a member's language, whoever's request or job it is."""
    with translation.override(offered(user.member.language)):
        yield


def spoken() -> str:
    """Return the language of the page that someone reads, as a profile keeps it."""
    return kept(get_language() or str(settings.LANGUAGE_CODE))


def kept(language: str) -> str:
    """Return how a profile keeps a language, of which Stripe hears, too: "en" for "en-us"."""
    return "en" if language == "en-us" else language
