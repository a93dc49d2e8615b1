"""A month of the books as PDF, CSV, and XLSX, and a line's rows: what the pages show, as files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from billing.admin import book_clock
from billing.admin.balance_rows import user_of
from billing.core import book_words
from billing.core.book_words import Section
from billing.facts import book_months, books, sales_tax
from billing.models import BalanceTransaction, BookClosing
from common import days, documents, spreadsheets
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import begin, send

PDF = "pdf"
KINDS = (PDF, *spreadsheets.FORMATS)
COLUMNS = ["Month", "Section", "Line", "Currency", "Amount", "Transactions"]
LINE_COLUMNS = ["Date", "What", "Member", "Currency", "Amount", "Cause", "Transaction"]
# The section of amounts that sum up others: without them, and the closing balance, all add up.
TOTAL = "Total"


def links(day: date) -> list[tuple[str, str]]:
    """Return a month's files: format and address."""
    name = "admin:billing_balancetransaction_file"
    return [(kind.upper(), reverse(name, args=[f"{day:%Y-%m}", kind])) for kind in KINDS]


def month(request: HttpRequest, day: date, kind: str) -> HttpResponseBase:
    """Send a month in one of `KINDS`, and record who took it."""
    name, what = f"books-{day:%Y-%m}", f"the books of {day:%B %Y}"
    if kind != PDF:
        return send(request, BalanceTransaction, what, COLUMNS, rows(day), name, kind)
    finish = begin(request, BalanceTransaction, what, kind)
    document = documents.render("books", as_document(day), made_at=timezone.now())
    finish(sum(1 for _ in rows(day)))
    return documents.download(document, f"{name}.{PDF}")


def rows(day: date) -> Iterator[list[Cell]]:
    """Yield a month's lines under `COLUMNS`, from opening to closing balance."""
    tax = tax_in(day)
    for one in books.statements(day):
        yield _row(day, "", book_words.OPENING, one.opening)
        earned = [line for line in one.lines if line.section is not Section.PAYOUTS]
        yield from (_line(day, line) for line in earned)
        yield _row(day, TOTAL, book_words.NET, one.net)
        yield from (_line(day, line) for line in one.of(Section.PAYOUTS))
        yield _row(day, "", book_words.CLOSING, one.closing)
        yield _row(day, TOTAL, book_words.TAX, tax[one.currency.upper()])
    for brand, money in books.moved_directly(day):
        yield _row(day, book_words.OUTSIDE, book_words.DIRECT[brand], money)


class _TaxIn(dict[str, Money]):
    """Tax by currency; nothing if there's none."""

    def __missing__(self, currency: str) -> Money:
        return Money(0, currency)


def tax_in(day: date) -> dict[str, Money]:
    """Return the sales tax in what moved in Stripe's balance in a month, by currency."""
    return _TaxIn({one.currency: one.at_stripe for one in sales_tax.summaries(day)})


def _line(day: date, line: books.Line) -> list[Cell]:
    heading = book_words.HEADINGS[line.section]
    return _row(day, heading, line.label, line.money, line.count)


def _row(day: date, section: str, label: str, money: Money, count: int | None = None) -> list[Cell]:
    return [day, section, label, money.currency, money, count]


def as_document(day: date) -> dict[str, Any]:
    """Return a month as the JSON that `templates/documents/books.typ` shows."""
    tax = tax_in(day)
    first, last = (days.long(one) for one in (day, book_months.after(day) - timedelta(days=1)))
    closing = BookClosing.objects.filter(month=day).select_related("closed_by").first()
    state = "Open. It can change until it’s closed."
    if closing:
        closed = days.long(timezone.localtime(closing.closed_at))
        state = f"Closed on {closed} by {show.name_of(closing.closed_by)}"
    return {
        "title": f"Statement for {days.month(day)}",
        "facts": [
            ["Period", f"{first} to {last}"],
            ["Counted", f"By the day money moved, {book_clock.of(day)}"],
            ["State", state],
            *([["Hash", closing.hash]] if closing else []),
            ["Created on", days.long(timezone.localtime())],
        ],
        "head": ["Line", "Transactions", "Amount"],
        "currencies": [_currency(one, tax[one.currency.upper()]) for one in books.statements(day)],
        "outside": {
            "heading": book_words.OUTSIDE,
            "rows": [
                [book_words.DIRECT[brand], "", str(money)]
                for brand, money in books.moved_directly(day)
            ],
        },
        "nothing": "Nothing moved in this month.",
    }


def _currency(one: books.Statement, tax: Money) -> dict[str, Any]:
    sections = [
        {
            "heading": book_words.HEADINGS[section],
            "rows": [[line.label, show.number(line.count), str(line.money)] for line in lines],
            "total": str(one.total(section)) if len(lines) > 1 else "",
        }
        for section in Section
        if (lines := one.of(section))
    ]
    return {
        "heading": f"Stripe’s balance in {one.currency.upper()}",
        "opening": [book_words.OPENING, str(one.opening)],
        "sections": sections,
        "ends": [[book_words.NET, str(one.net)], [book_words.CLOSING, str(one.closing)]],
        "tax": [book_words.TAX, str(tax)],
    }


def line(
    request: HttpRequest, day: date, line: books.Line, found: Any, kind: str
) -> HttpResponseBase:
    """Send all of a line's rows."""
    what, currency = f"the books of {day:%B %Y}", line.money.currency
    name = f"{day:%Y-%m}-{line.section}-{currency.lower()}"
    shown = _rows_of(day, found, line)
    chosen = f"Line: {line.label}. Currency: {currency}"
    return send(request, BalanceTransaction, what, LINE_COLUMNS, shown, name, kind, chosen=chosen)


def _rows_of(day: date, found: Any, line: books.Line) -> Iterator[list[Cell]]:
    months = book_months.read()
    for row in found.order_by("created_at", "pk").iterator(chunk_size=1000):
        if amount := books.parts(row)[line.key]:
            user = user_of(row)
            yield [
                months.day(row.created_at, day),
                book_words.category(row.category),
                show.name_of(user) if user else "",
                row.currency.upper(),
                Money(amount, row.currency),
                row.source_id,
                row.stripe_id,
            ]
