"""The journal entries of a month: one per currency, from the statement and its sales tax."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from billing.core import book_journal, book_words
from billing.core.book_journal import DISPUTES, REFUNDS, Entry, Posting
from billing.facts import book_months, books, sales_tax
from billing.facts.portions import Cause, Portion
from billing.models import BalanceTransaction

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


def portions(month: date, currency: str, account: str, text: str) -> list[Portion]:
    """Return what the rows of a month add to a posting, in order; it's what they come to."""
    wanted = account, text
    sums: dict[Cause, int] = defaultdict(int)
    times: dict[Cause, datetime] = {}
    for cause, at, postings in _postings_of_rows(month, currency, wanted):
        amount = sum(one.amount for one in postings if (one.account, plain(one)) == wanted)
        sums[cause] += amount
        times[cause] = at
    found = [Portion(cause, times[cause], amount) for cause, amount in sums.items() if amount]
    return sorted(found, key=lambda one: one.at)


def lines_in(statement: books.Statement, account: str, text: str) -> list[books.Line]:
    """Return the statement's lines that a posting has."""
    return [
        line
        for line in statement.lines
        if any((one.account, plain(one)) == (account, text) for one in _of_line(line))
    ]


def plain(posting: Posting) -> str:
    """Return a posting's text as an entry has it."""
    return book_journal.plain(posting.text)


def _postings_of_rows(
    month: date, currency: str, wanted: tuple[str, str]
) -> Iterator[tuple[Cause, datetime, Iterable[Posting]]]:
    """Yield what each row posts: as its line of the statement, and as what it moved of tax."""
    statement = books.statement(month, currency.lower())
    for line in lines_in(statement, *wanted):
        for row in books.rows_of(month, statement.currency, line.key).iterator(chunk_size=2000):
            amount = books.parts(row)[line.key]
            yield (BalanceTransaction, row.pk), row.created_at, _of_line(line, amount)
    of_moves = {book_journal.SALES_TAX, *DIRECT.values()}
    for move in sales_tax.moves(month) if wanted[1] in of_moves else ():
        if move.currency == statement.currency:
            yield move.cause, move.at, _of_part(move.key, move.amount, move.tax)


def _of_statement(statement: books.Statement | None) -> Iterator[Posting]:
    for line in statement.lines if statement else ():
        yield from _of_line(line)


def _of_line(line: books.Line, amount: int | None = None) -> Iterator[Posting]:
    """Yield what a line posts, or what a part of it does."""
    moved = line.money.amount if amount is None else amount
    yield from book_journal.of_line(line.section, books.sold_in(line), line.label, moved)


def _of_tax(summary: sales_tax.Summary | None) -> Iterator[Posting]:
    for key, part in summary.parts.items() if summary else ():
        yield from _of_part(key, part.gross, part.tax)


def _of_part(key: sales_tax.PartKey, gross: int, tax: int) -> Iterator[Posting]:
    account = WHERE.get(key.way, key.sold)
    if key.is_direct:
        yield from book_journal.of_direct(account, DIRECT[key.way], gross)
    yield from book_journal.of_tax(account, tax)
