"""A month's journal on the staff site, and as the files that QuickBooks Online and Xero import.

What their makers' pages say, as read in November 2026. Neither program was at hand to try it.

Intuit, "Import journal entries" (quickbooks.intuit.com/learn-support, L4tQBwbs7): the columns are
Journal No., Journal Date, Account Name, Description, Debits, and Credits, which its import page
lets people match. Account numbers are turned off, and accounts must exist; a subaccount is written
"Parent:Subaccount". That a file has at most 1,000 rows, and dates like 01/31/2026 in the US, is
what others write of it.

Xero, "Enter multiple manual journals using an import template" (help.xero.com/nz/
ManualJournalsImport): at most 300 lines; the same narration and date make one journal; dates are
dd/mm/yyyy or "30 Jun 2015"; an account is its code, such as 200; a tax rate is its full name in
Xero's settings; a positive amount is a debit. Narration, date, code, rate, and amount are needed.
The template's headings have a star before those, as in the files of others who fill it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from billing.admin.book_accounts import MAY_CHANGE, in_force
from billing.admin.book_rows import Sum
from billing.core import book_journal
from billing.core.book_journal import Entry, Posting
from billing.facts import journal
from billing.models import BalanceTransaction
from business.models import BookAccountsVersion
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


# Lines of a file with its heading; a longer entry has one line per account and side.
MOST_LINES = {QUICKBOOKS: 1000, XERO: 301}


@dataclass(frozen=True)
class ShownPosting:
    """A line of an entry, with its account's name and the address of what it adds up."""

    account: str
    code: str
    text: str
    debit: Money | None
    credit: Money | None
    url: str


@dataclass(frozen=True)
class ShownEntry:
    """An entry with its files; `missing` says what a file for Xero still needs."""

    entry: Entry
    postings: list[ShownPosting]
    sum: Money
    files: list[tuple[str, str]]
    missing: str


def context(day: date, request: HttpRequest) -> dict[str, Any]:
    """Return what the page shows."""
    accounts = in_force()
    entries = [_shown_entry(day, one, accounts) for one in journal.entries(day)]
    accounts_url = show.all_of("business.bookaccountsversion")
    may_enter = request.user.has_perm(MAY_CHANGE)
    return {
        "entries": entries,
        "accounts_url": accounts_url,
        "enter_url": reverse("admin:business_bookaccountsversion_add") if may_enter else "",
        "unnamed": not accounts.accounts,
    }


def _shown_entry(day: date, entry: Entry, accounts: BookAccountsVersion) -> ShownEntry:
    missing = missing_for_xero(entry, accounts)
    return ShownEntry(
        entry,
        _shown(day, entry, book_journal.names(accounts.accounts)),
        Money(entry.debits, entry.currency),
        [one for one in _files(day, entry.currency) if not (missing and one[0] == PROGRAMS[XERO])],
        missing,
    )


def missing_for_xero(entry: Entry, accounts: BookAccountsVersion) -> str:
    """Say what Xero needs that nobody has entered yet, or nothing."""
    codes = [
        f"“{meaning}”" for meaning in book_journal.without_code(entry.postings, accounts.accounts)
    ]
    lacking = []
    if codes:
        lacking.append(f"the code{'s' if len(codes) > 1 else ''} of {_listed(codes)}")
    if not accounts.tax_rate:
        lacking.append("the name of the tax rate for no tax")
    if not lacking:
        return ""
    return (
        f"The file for Xero needs {', and '.join(lacking)}. Xero finds accounts by their codes,"
        " which are in its chart of accounts; the rate’s name is in its tax settings."
    )


def _listed(words: list[str]) -> str:
    """Return "a", "a and b", or "a, b, and c"."""
    if len(words) < 3:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def _shown(day: date, entry: Entry, names: dict[str, tuple[str, str]]) -> list[ShownPosting]:
    return [
        ShownPosting(
            *names[one.account],
            one.text,
            Money(one.amount, entry.currency) if one.amount > 0 else None,
            Money(-one.amount, entry.currency) if one.amount < 0 else None,
            _url(day, one, entry.currency),
        )
        for one in entry.postings
    ]


def _url(day: date, one: Posting, currency: str) -> str:
    """Return where a posting leads: Stripe's balance to its statement, others to their rows."""
    month = f"{day:%Y-%m}"
    if (one.account, one.text) == (book_journal.STRIPE, book_journal.BALANCE):
        page = reverse("admin:billing_balancetransaction_month", args=[month])
        return f"{page}#month-{currency}"
    args = [month, currency]
    page = reverse("admin:billing_balancetransaction_journal_rows", args=args)
    return f"{page}?{urlencode({'account': one.account, 'text': one.text})}"


def sum_of(day: date, currency: str, query: Mapping[str, str]) -> Sum:
    """Return the posting that an address names. Raises Http404 if there's no such account."""
    account, text = query.get("account", ""), query.get("text", "")
    if account not in book_journal.ACCOUNTS:
        raise Http404("There's no such account.")
    name, _code = book_journal.names(in_force().accounts)[account]
    portions = journal.portions(day, currency, account, text)
    kept = {"account": account, "text": text}
    return Sum(f"{name}: {text}", f"the journal of {day:%B %Y}", currency, portions, kept)


def _files(day: date, currency: str) -> list[tuple[str, str]]:
    name = "admin:billing_balancetransaction_journal_file"
    args = [f"{day:%Y-%m}", currency]
    return [(words, reverse(name, args=[*args, key])) for key, words in PROGRAMS.items()]


def file(request: HttpRequest, day: date, currency: str, program: str) -> HttpResponseBase:
    """Send an entry as the file that a program imports, and record who took it."""
    entry = next((one for one in journal.entries(day) if one.currency == currency), None)
    if entry is None or program not in PROGRAMS:
        raise Http404("There's no such journal.")
    if program == XERO and (missing := missing_for_xero(entry, in_force())):
        messages.error(request, missing)
        return redirect("admin:billing_balancetransaction_journal", f"{day:%Y-%m}")
    if len(entry.postings) >= MOST_LINES[program]:
        entry = replace(entry, postings=book_journal.by_account(entry.postings))
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
    for one in entry.postings:
        amount, code = Money(one.amount, entry.currency), names[one.account][1]
        # Xero reads this form of a date in every country.
        day = f"{entry.day.day} {entry.day:%b %Y}"
        yield [entry.text, day, one.text, code, accounts.tax_rate, amount, "", "", "", ""]


ROWS = {QUICKBOOKS: quickbooks, XERO: xero}
