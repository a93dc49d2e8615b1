"""The rows behind a sum of the books that isn't one line of a statement: its page and its file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import urlencode

from billing.admin.balance_rows import JOINED, cause_of, user_of
from billing.admin.books_files import LINE_COLUMNS
from billing.core import book_words
from billing.facts import book_months
from billing.facts.portions import Cause, Portion
from billing.models import BalanceTransaction, Payment, Refund
from common import days, spreadsheets
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import send

PAGE, FETCHED = 100, 1000


@dataclass(frozen=True)
class Sum:
    """A sum: what it's called, of which books, in which currency, and what its rows add to it.

    `query` are the parameters of its address.
    """

    label: str
    what: str
    currency: str
    portions: list[Portion]
    query: dict[str, str]

    @property
    def money(self) -> Money:
        """What the rows come to."""
        return Money(sum(one.amount for one in self.portions), self.currency)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.portions)


@dataclass(frozen=True)
class ShownRow:
    """A row, with the part of it that a sum has."""

    day: str
    what: str
    who: str
    url: str
    money: Money


def context(request: HttpRequest, of: Sum) -> dict[str, Any]:
    """Return what the page shows: at most four queries. Raises Http404 if there's no row."""
    if not of.portions:
        raise Http404("There's no such sum.")
    page = Paginator(of.portions, PAGE).get_page(request.GET.get("p"))
    return {
        "line": of,
        "rows": list(_shown(page, of.currency)),
        "page": page,
        "query": urlencode(of.query),
    }


def file(request: HttpRequest, of: Sum, name: str, kind: str) -> HttpResponseBase:
    """Send all rows as CSV or XLSX, and record who took it."""
    if not of.portions or kind not in spreadsheets.FORMATS:
        raise Http404("There's no such file.")
    chosen = f"Line: {of.label}. Currency: {of.currency.upper()}"
    cells = _cells(of.portions, of.currency)
    return send(
        request, BalanceTransaction, of.what, LINE_COLUMNS, cells, name, kind, chosen=chosen
    )


def _shown(portions: Iterable[Portion], currency: str) -> Iterator[ShownRow]:
    for portion, row, day in _read(list(portions)):
        user = _user(row)
        yield ShownRow(
            day=days.short_with_year(day),
            what=_what(row),
            who=show.name_of(user) if user else "",
            url=show.page_of(cause_of(row) or row if _is_booked(row) else row),
            money=Money(portion.amount, currency),
        )


def _cells(portions: list[Portion], currency: str) -> Iterator[list[Cell]]:
    for place in range(0, len(portions), FETCHED):
        for portion, row, day in _read(portions[place : place + FETCHED]):
            user, is_booked = _user(row), _is_booked(row)
            yield [
                day,
                _what(row),
                show.name_of(user) if user else "",
                currency.upper(),
                Money(portion.amount, currency),
                row.source_id if is_booked else row.stripe_id,
                row.stripe_id if is_booked else "",
            ]


def _read(portions: list[Portion]) -> Iterator[tuple[Portion, Any, date]]:
    """Yield portions with their row, and the day that counts in the books."""
    keys: dict[type[Model], list[int]] = defaultdict(list)
    for one in portions:
        model, pk = one.cause
        keys[model].append(pk)
    rows: dict[Cause, Any] = {
        (model, row.pk): row for model, wanted in keys.items() for row in _rows(model, wanted)
    }
    months = book_months.read()
    for one in portions:
        yield one, rows[one.cause], months.day(one.at, months.month_of(one.at))


def _rows(model: type[Model], wanted: list[int]) -> Iterable[Any]:
    joined = JOINED if model is BalanceTransaction else ["customer__user"]
    return model._default_manager.select_related(*joined).filter(pk__in=wanted)


def _is_booked(row: Any) -> bool:
    return isinstance(row, BalanceTransaction)


def _user(row: Any) -> Any:
    return user_of(row) if _is_booked(row) else row.customer.user


def _what(row: Any) -> str:
    """Return what moved, in words."""
    if _is_booked(row):
        return book_words.category(row.category)
    if isinstance(row, Payment):
        return book_words.DIRECT[row.card_brand]
    is_refund = isinstance(row, Refund)
    return book_words.DIRECT[book_words.ZELLE_REFUND if is_refund else book_words.GIVEN_BACK]
