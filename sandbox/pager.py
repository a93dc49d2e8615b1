"""Splits a long list into pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sandbox.rendering import Visit

PAGE_SIZE = 30

Item = TypeVar("Item")


@dataclass(frozen=True)
class Pager:
    """A page and its neighbors; the links keep the rest of the query."""

    number: int
    pages: int
    newer: str | None
    older: str | None


def paginate(
    items: Sequence[Item], visit: Visit, *, size: int = PAGE_SIZE, key: str = "page"
) -> tuple[Sequence[Item], Pager]:
    """The items of the requested page (`?page=`, from 1; the nearest one that exists).

    `key` names the query's parameter if a page has several lists.
    """
    pages = max(1, -(-len(items) // size))
    asked = visit.query.get(key, "1")
    number = min(max(int(asked), 1), pages) if asked.isdecimal() else 1
    pager = Pager(
        number,
        pages,
        newer=_link(visit, key, number - 1) if number > 1 else None,
        older=_link(visit, key, number + 1) if number < pages else None,
    )
    return items[(number - 1) * size : number * size], pager


def _link(visit: Visit, key: str, number: int) -> str:
    return f"?{visit.request.url.include_query_params(**{key: number}).query}"
