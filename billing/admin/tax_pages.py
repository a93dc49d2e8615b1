"""Sales tax of a month or a quarter on the staff site: the page, CSV, and XLSX."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from billing.admin import book_clock
from billing.facts import book_months, sales_tax
from billing.models import BalanceTransaction
from common import days, spreadsheets
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import send

MONTH, QUARTER = "month", "quarter"
SPANS = {MONTH: 1, QUARTER: 3}
ADDED_UP = {
    "collected": "Collected",
    "refunded": "Refunded",
    "taken_back": "Taken back by banks",
    "due": "Due",
}
COLUMNS = [
    *("From", "To", "Jurisdiction", "Tax", "Rate (%)", "Currency", "Sales before tax"),
    *ADDED_UP.values(),
]


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
        "summaries": [
            (one, _lines(one), [(caption, one.total(name)) for name, caption in ADDED_UP.items()])
            for one in found
        ],
        "files": [(kind.upper(), _url(day, about.span, kind)) for kind in spreadsheets.FORMATS],
        "other": f"See the {other}",
        "other_url": _url(day, other),
        "begin": days.short_with_year(about.first),
        "end": days.short_with_year(about.last_day),
        "clock": book_clock.of(about.first, about.months),
    }


def _lines(one: sales_tax.Summary) -> list[dict[str, Any]]:
    return [
        {
            "place": line.jurisdiction or show.NOTHING,
            "name": line.name,
            "rate": f"{line.percentage.normalize():f}%" if line.percentage is not None else "",
            "base": line.base,
            "amounts": [(caption, getattr(line, name)) for name, caption in ADDED_UP.items()],
        }
        for line in one.lines
    ]


def file(request: HttpRequest, about: Period, kind: str) -> HttpResponseBase:
    """Send the summary as CSV or XLSX, and record who took it."""
    if kind not in spreadsheets.FORMATS:
        raise Http404("There's no such file.")
    name = f"sales-tax-{about.first:%Y-%m}{'-quarter' if about.span == QUARTER else ''}"
    what = f"sales tax of {about}"
    return send(request, BalanceTransaction, what, COLUMNS, rows(about), name, kind)


def rows(about: Period) -> Iterator[list[Cell]]:
    """Yield the lines under `COLUMNS`."""
    for one in sales_tax.summaries(about.first, about.months):
        for line in one.lines:
            amounts: list[Money] = [line.base, *(getattr(line, name) for name in ADDED_UP)]
            yield [
                about.first,
                about.last_day,
                line.jurisdiction,
                line.name,
                line.percentage,
                one.currency,
                *amounts,
            ]


def _url(day: date, span: str, kind: str = "") -> str:
    name = "tax_file" if kind else "tax"
    args = [f"{day:%Y-%m}", span, *([kind] if kind else [])]
    return reverse(f"admin:billing_balancetransaction_{name}", args=args)
