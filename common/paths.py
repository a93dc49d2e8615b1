"""URLs of pages that differ only in a number, such as the links in a list."""

from __future__ import annotations

from functools import cache

from django.urls import reverse

# No URL of ours contains this number otherwise.
MARK = 987654321


def numbered(name: str, key: int) -> str:
    """Return the address of a page by its name and a key, as `reverse(name, args=[key])` would.

    Django matches each address that it makes against its pattern: lists have dozens.
    """
    before, after = _around(name)
    return f"{before}{key}{after}"


@cache
def _around(name: str) -> tuple[str, str]:
    before, _, after = reverse(name, args=[MARK]).partition(str(MARK))
    return before, after
