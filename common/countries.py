"""The countries of the world by name, in the language in force, and addresses as lines."""

from __future__ import annotations

from collections.abc import Mapping

from django_countries import countries

from common import region

# Where the city comes before the postal code, with the state between them.
CITY_FIRST = frozenset({"US", "CA", "AU"})
PARTS = ("line1", "line2", "city", "state", "postal_code", "country")


def own() -> str:
    """Return the business's own country, as a code of two letters."""
    return region.current().country


def codes() -> list[str]:
    """Return every country's code, by name."""
    return [one.code for one in countries]


def choices() -> list[tuple[str, str]]:
    """Return every country's code and name, the business's own first, then by name."""
    return [(own(), name(own())), *((one.code, one.name) for one in countries if one.code != own())]


def name(code: str) -> str:
    """Return a country's name; a code that's no country's is shown as it is."""
    return str(countries.name(code.upper()) or code)


def address_lines(address: Mapping[str, str]) -> list[str]:
    """Return an address as it's written in its country, as far as the order of its parts goes."""
    part = {key: address.get(key, "") for key in PARTS}
    if part["country"].upper() in CITY_FIRST:
        region = " ".join(filter(None, (part["state"], part["postal_code"])))
        place = [", ".join(filter(None, (part["city"], region)))]
    else:
        place = [" ".join(filter(None, (part["postal_code"], part["city"]))), part["state"]]
    lines = [part["line1"], part["line2"], *place, name(part["country"])]
    return [line for line in lines if line]
