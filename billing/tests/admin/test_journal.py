"""A month's journal balances whatever happened, and its files are what the programs import."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.core import book_journal, book_words
from billing.core.book_journal import BANK, STRIPE, TAX, TRANSIT
from billing.core.book_words import Section
from billing.facts import book_months, books, journal, sales_tax
from billing.models import BalanceTransaction, Payment, Refund
from billing.tests import factories, taxed
from billing.tests.admin.test_books_pages import amounts_of, busy_month, rows_behind, words
from billing.tests.facts.test_sales_tax import booked, make_rate, on, paid, refunded
from billing.tests.staff_world import auditor, manager, support
from business.models import BookAccountsVersion
from conftest import Sandbox
from portal.models import Download
from testing import sheets
from testing.thorough import examples

pytestmark = pytest.mark.django_db

JANUARY = date(2026, 1, 1)
ACCOUNTS = "/staff/business/bookaccountsversion/"


def page(client: Client, month: date) -> Any:
    address = reverse("admin:billing_balancetransaction_journal", args=[f"{month:%Y-%m}"])
    return client.get(address)


def file(client: Client, month: date, currency: str, program: str) -> Any:
    args = [f"{month:%Y-%m}", currency, program]
    return client.get(reverse("admin:billing_balancetransaction_journal_file", args=args))


def check(month: date) -> None:
    """Each entry comes to nothing, and its accounts are what the statement and the tax say."""
    statements = {one.currency.upper(): one for one in books.statements(month)}
    taxes = {one.currency: one for one in sales_tax.summaries(month)}
    for entry in journal.entries(month):
        assert sum(one.amount for one in entry.postings) == 0
        assert entry.debits == -sum(one.amount for one in entry.postings if one.amount < 0)
        sums: Counter[str] = Counter()
        for one in entry.postings:
            sums[one.account] += one.amount
        statement, tax = statements.get(entry.currency), taxes.get(entry.currency)
        moved = statement.total().amount if statement else 0
        assert sums[STRIPE] == moved
        paid_out = statement.total(Section.PAYOUTS).amount if statement else 0
        assert sums[TRANSIT] == -paid_out
        assert -sums[TAX] == (tax.total("due").amount if tax else 0)
        direct = {money.currency: 0 for _, money in books.moved_directly(month)}
        for _, money in books.moved_directly(month):
            direct[money.currency] += money.amount
        assert sums[BANK] == direct.get(entry.currency, 0)
        assert entry.day.month == month.month
        assert (entry.day + timedelta(days=1)).day == 1


def test_any_months_balance() -> None:
    vat = make_rate("VAT", "19", "DE")
    categories = [*book_words.SECTIONS, "risk_reserve", "something_new"]

    def play(seed: int) -> None:
        for model in (BalanceTransaction, Refund):
            model._default_manager.all().delete()
        Payment.objects.all().update(card_brand="visa")
        chance = random.Random(seed)
        at, left = on(1, 1), {}
        for _ in range(chance.randint(1, 15)):
            at += timedelta(days=chance.randint(0, 9), seconds=1)
            kind = chance.random()
            if kind < 0.35:
                total = chance.randint(50, 90_000)
                brand = chance.choice(["visa", "visa", "zelle", "out_of_band"])
                taxes = {vat: total // chance.randint(6, 9)} if chance.random() < 0.7 else {}
                left[paid(total, taxes, at, card_brand=brand).pk] = total
            elif kind < 0.6 and any(left.values()):
                pk = chance.choice([one for one, amount in left.items() if amount])
                amount = chance.randint(1, left[pk])
                payment = Payment.objects.get(pk=pk)
                if payment.card_brand != "out_of_band":
                    refunded(payment, amount, at)
                    left[pk] -= amount
            else:
                fee = chance.choice([0, 0, 30])
                booked(chance.choice(categories), chance.randint(-9000, 9000), at)
                row = BalanceTransaction.objects.latest("pk")
                fees = [{"type": "stripe_fee", "amount": fee, "description": ""}] if fee else []
                BalanceTransaction.objects.filter(pk=row.pk).update(
                    currency=chance.choice(["usd", "jpy", "kwd"]),
                    fee=fee, net=row.amount - fee, fees=fees,
                )  # fmt: skip
        for number in range(6):
            check(book_months.after(JANUARY, number))

    @hypothesis_settings(
        max_examples=examples(few=8, many=60),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        deadline=None,
    )
    @given(seed=st.integers(0, 2**32))
    def months(seed: int) -> None:
        play(seed)

    months()


def test_the_page_and_both_files_say_the_same(sandbox: Sandbox) -> None:
    client = busy_month(sandbox)
    give_codes()
    day = books.months()[0].month
    check(day)
    [entry] = journal.entries(day)
    shown = words(page(client, day))
    rows = sheets.of_csv(file(client, day, "USD", "quickbooks"))
    lines = sheets.of_csv(file(client, day, "USD", "xero"))
    assert len(rows) == len(lines) == len(entry.postings)
    debits = sum(Decimal(row["Debits"] or 0) for row in rows)
    assert debits == sum(Decimal(row["Credits"] or 0) for row in rows)
    assert round(debits * 100) == entry.debits
    for row, line in zip(rows, lines, strict=True):
        assert bool(row["Debits"]) != bool(row["Credits"])
        amount = Decimal(row["Debits"] or 0) - Decimal(row["Credits"] or 0)
        assert Decimal(line["*Amount"]) == amount
        assert row["Account Name"] in shown
        assert row["Journal No"] == entry.number
        assert datetime.strptime(row["Journal Date"], "%m/%d/%Y").date() == entry.day  # noqa: DTZ007
        assert datetime.strptime(line["*Date"], "%d %b %Y").date() == entry.day  # noqa: DTZ007
        assert (line["*Narration"], line["*TaxRate"]) == (entry.text, "Tax Exempt (0%)")
        assert line["*AccountCode"] in {"200", "201", "404", "611", "612", "613", "820"}
    assert {row["Account Name"] for row in rows} >= {"Stripe balance", "Payment processing fees"}
    taken = Download.objects.order_by("id").last()
    assert taken
    assert (taken.what, taken.rows) == (f"the journal of {day:%B %Y} for Xero", len(lines))


def give_codes(**changed: str) -> None:
    """Enter a code for each account, as in Xero's chart of accounts with three of our own."""
    codes = {
        **dict.fromkeys(("membership", "single", "other", "refunds", "disputes"), "200"),
        **dict.fromkeys(("fees", "adjustments"), "404"),
        STRIPE: "611",
        TRANSIT: "612",
        BANK: "613",
        TAX: "820",
        **changed,
    }
    BookAccountsVersion.objects.create(
        version=1, accounts={key: {"code": code} for key, code in codes.items()},
        tax_rate="Tax Exempt (0%)",
    )  # fmt: skip


def test_without_codes_the_file_for_xero_says_which_are_missing(client: Client) -> None:
    """Xero, "Enter multiple manual journals using an import template": AccountCode is mandatory."""
    booked("charge", 2900, on(1))
    client.force_login(auditor())
    answer = file(client, JANUARY, "USD", "xero")
    assert answer.status_code == 302
    shown = words(client.get(answer.headers["Location"]))
    assert "needs the codes of “Stripe’s balance” and “Income from customers who" in shown
    assert ", and the name of the tax rate for no tax" in shown
    # What nothing is posted to isn't asked for.
    assert "“Sales tax to be paid”" not in shown
    assert file(client, JANUARY, "USD", "quickbooks").status_code == 200
    assert "An owner or someone in finance can enter them." in shown
    give_codes(**{STRIPE: ""})
    shown = words(page(client, JANUARY))
    assert "The file for Xero needs the code of “Stripe’s balance”." in shown
    assert not Download.objects.filter(what__contains="Xero").exists()


def test_a_file_is_offered_once_nothing_is_missing(client: Client) -> None:
    """Until then, whoever may is led to where the codes are entered."""
    booked("charge", 2900, on(1))
    client.force_login(manager())
    opened = page(client, JANUARY)
    assert "/journal/USD/quickbooks/" in opened.content.decode()
    assert "/journal/USD/xero/" not in opened.content.decode()
    assert f'href="{ACCOUNTS}add/">Enter what’s missing</a>' in opened.content.decode()
    assert "QuickBooks Online finds accounts by name." in words(opened)
    give_codes()
    opened = page(client, JANUARY)
    assert "/journal/USD/xero/" in opened.content.decode()
    assert "Download for QuickBooks Online or Xero" in words(opened)
    assert "The file for Xero needs" not in words(opened)
    assert "finds accounts by name" not in words(opened)


def test_each_amount_of_the_journal_opens_rows_that_add_up_to_it(sandbox: Sandbox) -> None:
    vat = make_rate("VAT", "19", "DE")
    client = busy_month(sandbox)
    day = books.months()[0].month
    at = book_months.read().bounds(day)[0] + timedelta(hours=1)
    taxed_one = paid(11_900, {vat: 1900}, at)
    refunded(taxed_one, 3000, at + timedelta(hours=1))
    cash = paid(5950, {vat: 950}, at, card_brand="zelle")
    refunded(cash, 700, at + timedelta(hours=2))
    booked("risk_reserve", -500, at)
    booked("payout", -2000, at)
    [entry] = journal.entries(day)
    amounts = amounts_of(page(client, day))
    # The last two are what both sides come to.
    assert len(amounts) == len(entry.postings) + 2
    for (link, amount), one in zip(amounts, entry.postings, strict=False):
        assert taxed.minor(amount) == abs(one.amount)
        if "/rows/" in link:
            assert rows_behind(client, link) == one.amount, one
        else:
            assert one == book_journal.Posting(STRIPE, "Stripe's balance", one.amount)
            statement = books.statement(day, "usd")
            assert one.amount == statement.net.amount
            assert link.endswith("/#month-USD")
    assert {one.account for one in entry.postings} >= {STRIPE, TRANSIT, BANK, TAX, "disputes"}
    address = reverse("admin:billing_balancetransaction_journal_rows", args=[f"{day:%Y-%m}", "USD"])
    for account, text in (("none", "Sales tax"), (TAX, "no such text")):
        assert client.get(address, {"account": account, "text": text}).status_code == 404
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.get(address, {"account": TAX, "text": "Sales tax"}).status_code == 403


def test_a_long_entry_fits_what_the_programs_take(client: Client) -> None:
    """Xero, as above: a template file has up to 300 lines."""
    postings = [book_journal.Posting(STRIPE, f"Line {one}", one) for one in range(1, 400)]
    postings += [book_journal.Posting("other", f"Line {one}", -one) for one in range(1, 400)]
    short = book_journal.by_account(postings)
    assert {(one.account, one.amount) for one in short} == {(STRIPE, 79800), ("other", -79800)}
    both = book_journal.by_account([*postings, book_journal.Posting(STRIPE, "Back", -5)])
    assert [one.amount for one in both if one.account == STRIPE] == [79800, -5]


def test_each_file_keeps_its_makers_rules(client: Client) -> None:
    """Xero, as above, and Intuit, "Import journal entries"."""
    booked("charge", 2900, on(1))
    booked("payout", -2000, on(2))
    give_codes()
    client.force_login(auditor())
    lines = sheets.of_csv(file(client, JANUARY, "USD", "xero"))
    assert list(lines[0])[:6] == [
        *("*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount"),
    ]
    assert {line["*Date"] for line in lines} == {"31 Jan 2026"}
    assert len({line["*Narration"] for line in lines}) == 1
    assert sum(Decimal(line["*Amount"]) for line in lines) == 0
    assert all(line["*AccountCode"].isdigit() and line["*TaxRate"] for line in lines)
    rows = sheets.of_csv(file(client, JANUARY, "USD", "quickbooks"))
    assert set(rows[0]) == {
        *("Journal No", "Journal Date", "Account Name", "Description", "Debits", "Credits"),
    }
    assert {row["Journal Date"] for row in rows} == {"01/31/2026"}
    for row in rows:
        [amount] = [row[side] for side in ("Debits", "Credits") if row[side]]
        assert Decimal(amount) > 0
        assert not amount.startswith("-")


def test_a_file_has_no_mark_before_its_first_column(client: Client) -> None:
    booked("charge", 2900, on(1))
    give_codes()
    client.force_login(auditor())
    for program, first in (("quickbooks", "Journal No,Journal Date"), ("xero", "*Narration,*Date")):
        text = sheets.body(file(client, JANUARY, "USD", program)).decode()
        assert text.startswith(first)
        assert text.isascii()
    assert file(client, JANUARY, "EUR", "xero").status_code == 404
    assert file(client, JANUARY, "USD", "sage").status_code == 404
    assert "Nothing moved in this month." in words(page(client, date(2025, 2, 1)))


def typed(client: Client, **changed: Any) -> dict[str, Any]:
    """Return the form as it opens, with something changed."""
    form = client.get(f"{ACCOUNTS}add/").context["adminform"].form
    return {name: form[name].value() for name in form.fields} | changed


def test_staff_name_the_accounts_in_versions(client: Client) -> None:
    booked("charge", 2900, on(1))
    client.force_login(manager())
    data = typed(client, other_name='=Sales "net"', other_code="201", tax_rate="BAS Excluded")
    assert data["fees_name"] == "Payment processing fees"
    data |= {name: value or "611" for name, value in data.items() if name.endswith("_code")}
    assert client.post(f"{ACCOUNTS}add/", data).status_code == 302
    saved = BookAccountsVersion.objects.get()
    assert (saved.version, saved.accounts["other"]["code"]) == (1, "201")
    [row] = [
        one
        for one in csv.DictReader(
            io.StringIO(sheets.body(file(client, JANUARY, "USD", "quickbooks")).decode())
        )
        if one["Credits"]
    ]
    assert row["Account Name"] == '\'=Sales "net"'
    line = sheets.of_csv(file(client, JANUARY, "USD", "xero"))[-1]
    assert (line["*AccountCode"], line["*TaxRate"]) in {("201", "BAS Excluded")} | {
        ("611", "BAS Excluded")
    }
    # Somebody else's form was opened before that.
    answer = client.post(f"{ACCOUNTS}add/", data)
    assert "Someone saved a newer version meanwhile" in answer.content.decode()
    assert client.post(f"{ACCOUNTS}add/", typed(client)).status_code == 302
    assert BookAccountsVersion.objects.count() == 2
    shown = words(client.get(f"{ACCOUNTS}{saved.pk}/change/"))
    assert "Sales tax to be paid: Sales tax payable (611)" in shown


@pytest.mark.parametrize("who", [auditor, support])
def test_others_see_the_accounts_and_do_not_name_them(client: Client, who: Any) -> None:
    client.force_login(who())
    assert client.get(ACCOUNTS).status_code == 200
    assert client.get(f"{ACCOUNTS}add/").status_code == 403
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert page(client, JANUARY).status_code == 403
    assert file(client, JANUARY, "USD", "xero").status_code == 403


def test_every_section_has_an_account() -> None:
    assert {*book_journal.OF_SECTION} == {*Section} - {Section.GROSS}
    assert {*books.KINDS} <= {*book_journal.ACCOUNTS}
    assert on(1) == datetime(2026, 1, 10, 12, tzinfo=UTC)


def test_with_several_currencies_the_page_says_what_xero_takes_them_for(client: Client) -> None:
    booked("charge", 2900, on(1))
    client.force_login(auditor())
    assert "names no currency" not in words(page(client, JANUARY))
    booked("charge", 1900, on(1))
    BalanceTransaction.objects.filter(amount=1900).update(currency="eur")
    assert "convert an entry in another currency first" in words(page(client, JANUARY))
