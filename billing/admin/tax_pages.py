"""Sales tax of a month or a quarter on the staff site: the page, CSV, and XLSX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import urlencode

from billing.admin import book_clock
from billing.admin.book_rows import Sum
from billing.facts import book_months, sales_tax
from billing.facts.sales_tax import Rate
from billing.models import BalanceTransaction
from common import days, spreadsheets
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import send

MONTH, QUARTER = "month", "quarter"
SPANS = {MONTH: 1, QUARTER: 3}
ADDED_UP = {
    sales_tax.CAME: "Collected",
    sales_tax.BACK: "Refunded",
    sales_tax.TAKEN: "Taken back by banks",
    sales_tax.DUE: "Due",
}
CAPTIONS = {sales_tax.BASE: "Sales before tax", **ADDED_UP}
COLUMNS = [
    *("From", "To", "Jurisdiction", "Tax", "Rate (%)", "Currency"),
    *CAPTIONS.values(),
]
# How an address names a rate.
RATE = ("place", "tax", "rate")


@dataclass(frozen=True)
class ShownAmount:
    """An amount under its column's caption, with the address of its rows ("" if it has none)."""

    caption: str
    money: Money
    url: str


@dataclass(frozen=True)
class Period:
    """The months that a page is about."""

    first: date
    span: str

    @property
    def months(self) -> int:
        """How many."""
        return SPANS[self.span]

    @property
    def last_day(self) -> date:
        """Its last day."""
        return book_months.after(self.first, self.months) - timedelta(days=1)

    def __str__(self) -> str:
        if self.span == MONTH:
            return days.month(self.first)
        return f"{days.month(self.first)} to {days.month(self.last_day)}"


def period(day: date, span: str) -> Period:
    """Return the period of an address: a month, or its calendar quarter. Raises Http404."""
    if span not in SPANS:
        raise Http404("There's no such period.")
    first = day if span == MONTH else day.replace(month=(day.month - 1) // 3 * 3 + 1)
    return Period(first, span)


def context(about: Period, day: date) -> dict[str, Any]:
    """Return what the page shows."""
    found = sales_tax.summaries(about.first, about.months)
    other = QUARTER if about.span == MONTH else MONTH
    return {
        "summaries": [(one, _lines(day, about, one), _totals(day, about, one)) for one in found],
        "files": [(kind.upper(), url(day, about.span, kind)) for kind in spreadsheets.FORMATS],
        "other": f"See the {other}",
        "other_url": url(day, other),
        "begin": days.short_with_year(about.first),
        "end": days.short_with_year(about.last_day),
        "clock": book_clock.of(about.first, about.months),
    }


def _lines(day: date, about: Period, one: sales_tax.Summary) -> list[dict[str, Any]]:
    found = []
    for line in one.lines:
        amounts = {name: getattr(line, name) for name in CAPTIONS}
        rate = {"place": line.rate.jurisdiction, "tax": line.rate.name, "rate": _percent(line.rate)}
        found.append(
            {
                "place": line.rate.jurisdiction or show.NOTHING,
                "name": line.rate.name,
                "rate": f"{rate['rate']}%" if rate["rate"] else "",
                "amounts": _amounts(day, about, amounts, line.columns, rate),
            }
        )
    return found


def _totals(day: date, about: Period, one: sales_tax.Summary) -> list[ShownAmount]:
    amounts = {name: one.total(name) for name in ADDED_UP}
    columns = frozenset(name for line in one.lines for name in line.columns)
    return _amounts(day, about, {sales_tax.BASE: one.sales, **amounts}, columns, {})


def _amounts(
    day: date, about: Period, amounts: dict[str, Money], columns: Set[str], rate: dict[str, str]
) -> list[ShownAmount]:
    """Return amounts under `CAPTIONS`; those of `columns` lead to their rows."""
    return [
        ShownAmount(
            CAPTIONS[name],
            money,
            _rows_url(day, about, {"column": name, "currency": money.currency.lower(), **rate})
            if name in columns
            else "",
        )
        for name, money in amounts.items()
    ]


def _rows_url(day: date, about: Period, query: dict[str, str]) -> str:
    name = "admin:billing_balancetransaction_tax_rows"
    return f"{reverse(name, args=[f'{day:%Y-%m}', about.span])}?{urlencode(query)}"


def sum_of(about: Period, query: Mapping[str, str]) -> Sum:
    """Return what an address asks for: a column of a rate's line, or of all lines together.

    Raises Http404 if there's no such column or rate.
    """
    column, currency = query.get("column", ""), query.get("currency", "")
    if column not in CAPTIONS:
        raise Http404("There's no such column.")
    rate = _rate(query) if "tax" in query else None
    words = f"{CAPTIONS[column]}, all rates"
    if rate:
        parts = [rate.name, rate.jurisdiction, f"{_percent(rate)}%" if _percent(rate) else ""]
        words = f"{CAPTIONS[column]}, {' '.join(part for part in parts if part)}"
    portions = sales_tax.portions(about.first, about.months, currency, column, rate)
    kept = {key: query[key] for key in ("column", "currency", *RATE) if key in query}
    return Sum(words, f"sales tax of {about}", currency, portions, kept)


def _percent(rate: Rate) -> str:
    return f"{rate.percentage.normalize():f}" if rate.percentage is not None else ""


def _rate(query: Mapping[str, str]) -> Rate:
    place, name, percent = (query.get(key, "") for key in RATE)
    try:
        return Rate(place, name, Decimal(percent) if percent else None)
    except InvalidOperation:
        raise Http404("There's no such rate.") from None


def file(request: HttpRequest, about: Period, kind: str) -> HttpResponseBase:
    """Send the summary as CSV or XLSX, and record who took it."""
    if kind not in spreadsheets.FORMATS:
        raise Http404("There's no such file.")
    what = f"sales tax of {about}"
    return send(request, BalanceTransaction, what, COLUMNS, rows(about), name(about), kind)


def name(about: Period) -> str:
    """Return what a period's file is called."""
    return f"sales-tax-{about.first:%Y-%m}{'-quarter' if about.span == QUARTER else ''}"


def rows(about: Period) -> Iterator[list[Cell]]:
    """Yield the lines under `COLUMNS`."""
    for one in sales_tax.summaries(about.first, about.months):
        for line in one.lines:
            amounts: list[Money] = [getattr(line, name) for name in CAPTIONS]
            yield [
                about.first,
                about.last_day,
                line.rate.jurisdiction,
                line.rate.name,
                line.rate.percentage,
                one.currency,
                *amounts,
            ]


def url(day: date, span: str, kind: str = "") -> str:
    """Return the address of a period's page, or of its file."""
    name = "tax_file" if kind else "tax"
    args = [f"{day:%Y-%m}", span, *([kind] if kind else [])]
    return reverse(f"admin:billing_balancetransaction_{name}", args=args)
