"""The languages that members can choose from: all with a catalog, or those staff chose."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import translation
from django.utils.translation import get_language, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from common import region


def is_chosen() -> bool:
    """Whether there's more than one language to choose from."""
    return len(choices()) > 1


def choices() -> list[tuple[str, str]]:
    """Return the codes and names of the languages that the business offers."""
    offered_now = region.current().languages
    return [(code, str(name)) for code, name in settings.LANGUAGES if code in offered_now]


def own() -> str:
    """Return the business's own language, for whoever asks for none."""
    return region.current().language


def offered(name: str) -> str:
    """Return the language that's nearest to a profile's, such as "en-us" for "en"."""
    return (_nearest(name) if name else "") or own()


def of_visitor(accepted: str) -> str:
    """Return the language that a browser asks for (its `Accept-Language`), or the business's."""
    wanted = (_nearest(name) for name, _quality in parse_accept_lang_header(accepted))
    return next(filter(None, wanted), own())


def _nearest(name: str) -> str:
    """Return the offered language that's nearest to a name; empty if none is."""
    try:
        found = get_supported_language_variant(name)
    except LookupError:
        return ""
    return found if found in region.current().languages else ""


@contextmanager
def of(user: User) -> Iterator[None]:
    """Inside this, words are in a member's language, whoever's request or job it is."""
    with translation.override(offered(user.member.language)):
        yield


def of_staff(addresses: Collection[str]) -> dict[str, str]:
    """Return the language that each address is written to in: its colleague's, or the business's.

    An address that belongs to nobody on the team, such as a shared one, gets the business's.
    """
    named = Q()
    for address in addresses:
        named |= Q(email__iexact=address)
    team = User.objects.filter(is_active=True, is_staff=True).filter(named)
    chosen = dict(team.values_list("email", "member__language")) if addresses else {}
    known = {email.casefold(): language or "" for email, language in chosen.items()}
    return {one: offered(known.get(one.casefold(), "")) for one in addresses}


def spoken() -> str:
    """Return the language of the page that someone reads, as a profile keeps it."""
    return kept(get_language() or own())


def kept(language: str) -> str:
    """Return how a profile keeps a language, of which Stripe hears, too: "en" for "en-us"."""
    return "en" if language == "en-us" else language
