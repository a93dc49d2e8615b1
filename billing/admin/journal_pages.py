"""A month's journal on the staff site, and as the files that QuickBooks Online and Xero import.

Intuit, "Import journal entries in QuickBooks Online": the columns below, amounts in one of two
columns, one number for all lines of an entry. Xero, "Import manual journals": the columns of its
template, positive amounts are debits, and the same narration and date make one journal. Both want
one entry to balance, and no byte order mark before the first column's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from billing.admin.book_accounts import in_force
from billing.core import book_journal
from billing.core.book_journal import Entry
from billing.facts import journal
from billing.models import BalanceTransaction
from common import spreadsheets
from common.file_names import saved_as
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import begin, counted

QUICKBOOKS, XERO = "quickbooks", "xero"
PROGRAMS = {QUICKBOOKS: "QuickBooks Online", XERO: "Xero"}
COLUMNS = {
    QUICKBOOKS: ["Journal No", "Journal Date", "Account Name", "Debits", "Credits", "Description"],
    XERO: [
        *("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
        *("TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2"),
    ],
}


@dataclass(frozen=True)
class ShownPosting:
    """A line of an entry, with its account's name."""

    account: str
    code: str
    text: str
    debit: Money | None
    credit: Money | None


def context(day: date) -> dict[str, Any]:
    """Return what the page shows."""
    names = book_journal.names(in_force().accounts)
    return {
        "entries": [
            (one, _shown(one, names), Money(one.debits, one.currency), _files(day, one.currency))
            for one in journal.entries(day)
        ],
        "accounts_url": show.list_of("business.bookaccountsversion"),
    }


def _shown(entry: Entry, names: dict[str, tuple[str, str]]) -> list[ShownPosting]:
    return [
        ShownPosting(
            *names[one.account],
            one.text,
            Money(one.amount, entry.currency) if one.amount > 0 else None,
            Money(-one.amount, entry.currency) if one.amount < 0 else None,
        )
        for one in entry.postings
    ]


def _files(day: date, currency: str) -> list[tuple[str, str]]:
    name = "admin:billing_balancetransaction_journal_file"
    args = [f"{day:%Y-%m}", currency]
    return [(words, reverse(name, args=[*args, key])) for key, words in PROGRAMS.items()]


def file(request: HttpRequest, day: date, currency: str, program: str) -> HttpResponseBase:
    """Send an entry as the file that a program imports, and record who took it."""
    entry = next((one for one in journal.entries(day) if one.currency == currency), None)
    if entry is None or program not in PROGRAMS:
        raise Http404("There's no such journal.")
    what = f"the journal of {day:%B %Y} for {PROGRAMS[program]}"
    finish = begin(
        request, BalanceTransaction, what, spreadsheets.CSV, f"Currency: {entry.currency}"
    )
    rows = counted(ROWS[program](entry), finish)
    lines = spreadsheets.lines(COLUMNS[program], rows)
    response = StreamingHttpResponse(
        (line.removeprefix(spreadsheets.BYTE_ORDER_MARK) for line in lines),
        content_type=spreadsheets.TYPES[spreadsheets.CSV],
    )
    response["Content-Disposition"] = saved_as(f"journal-{entry.number}-{program}.csv")
    return response


def quickbooks(entry: Entry) -> Iterator[list[Cell]]:
    """Yield an entry's lines for QuickBooks Online."""
    names = book_journal.names(in_force().accounts)
    for one in entry.postings:
        amount = Money(abs(one.amount), entry.currency)
        sides = (amount, None) if one.amount > 0 else (None, amount)
        name = names[one.account][0]
        yield [entry.number, f"{entry.day:%m/%d/%Y}", name, *sides, one.text]


def xero(entry: Entry) -> Iterator[list[Cell]]:
    """Yield an entry's lines for Xero."""
    accounts = in_force()
    names = book_journal.names(accounts.accounts)
    rate = accounts.tax_rate or book_journal.NO_TAX_RATE
    for one in entry.postings:
        amount, code = Money(one.amount, entry.currency), names[one.account][1]
        # Xero reads this form of a date in every country.
        day = f"{entry.day.day} {entry.day:%b %Y}"
        yield [entry.text, day, one.text, code, rate, amount, "", "", "", ""]


ROWS = {QUICKBOOKS: quickbooks, XERO: xero}
