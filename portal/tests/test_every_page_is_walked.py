"""Whoever adds an address that people visit adds its page to the walk, or says why it has none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse

from e2e.places import NO_PAGES, PLACES, POSTED
from members.tests.actors import alice, browser

pytestmark = pytest.mark.django_db
WALKED = {place.name for place in PLACES}
# Served only where it's reviewed.
IN_DEVELOPMENT = {"error-page"}


def names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """Yield the names of all addresses but the staff site's."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            if one.namespace != "admin":
                yield from names(one, inner)
        elif not str(one.pattern).startswith("staff/"):
            assert one.name, f"{one.pattern} has no name"
            yield f"{space}{one.name}"


def address(name: str) -> str:
    """Return an address of this name, whatever stands in it."""
    for arguments in ([], [1], ["x"]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    raise AssertionError(f"{name} needs other arguments.")


def test_every_address_is_walked_or_says_why_it_has_no_page() -> None:
    known = [WALKED, *(group.names for group in NO_PAGES)]
    everything = set().union(*known)
    addresses = set(names(get_resolver()))
    assert sorted(addresses - everything) == [], "Add them to e2e/places.py."
    assert sorted(everything - addresses - IN_DEVELOPMENT) == [], "These are gone."
    assert sum(len(group) for group in known) == len(everything), "Some are named twice."


@pytest.mark.parametrize("name", sorted(POSTED.names))
def test_what_is_said_to_take_forms_only_has_no_page(name: str) -> None:
    client: Client = browser(alice())
    # It leads back to the form's page if there's one.
    assert client.get(address(name)).status_code in {302, 405}
