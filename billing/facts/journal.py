"""The journal entries of a month: one per currency, from the statement and its sales tax."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from billing.core import book_journal, book_words
from billing.core.book_journal import DISPUTES, REFUNDS, Entry, Posting
from billing.facts import book_months, books, sales_tax

WHERE = {sales_tax.BACK: REFUNDS, sales_tax.TAKEN: DISPUTES}
DIRECT = {
    sales_tax.CAME: "Received directly",
    sales_tax.BACK: book_words.DIRECT[book_words.GIVEN_BACK],
}


def entries(month: date) -> list[Entry]:
    """Return a month's entries."""
    statements = {one.currency.upper(): one for one in books.statements(month)}
    taxes = {one.currency: one for one in sales_tax.summaries(month)}
    last = book_months.after(month) - timedelta(days=1)
    found = []
    for currency in sorted({*statements, *taxes}):
        postings = book_journal.merged(
            [*_of_statement(statements.get(currency)), *_of_tax(taxes.get(currency))]
        )
        text = f"Stripe and direct payments, {month:%B %Y}, {currency}"
        found.append(Entry(f"{month:%Y-%m}-{currency}", last, currency, text, postings))
    return [one for one in found if one.postings]


def _of_statement(statement: books.Statement | None) -> Iterator[Posting]:
    for line in statement.lines if statement else ():
        sold = books.sold_in(line)
        yield from book_journal.of_line(line.section, sold, line.label, line.money.amount)


def _of_tax(summary: sales_tax.Summary | None) -> Iterator[Posting]:
    for key, part in summary.parts.items() if summary else ():
        account = WHERE.get(key.way, key.sold)
        if key.is_direct:
            yield from book_journal.of_direct(account, DIRECT[key.way], part.gross)
        yield from book_journal.of_tax(account, part.tax)
