"""The books' pages: what they add up to, where their lines lead, and who sees them."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from billing.core import book_words
from billing.core.book_words import Section
from billing.facts import books, sales_tax
from billing.models import BalanceReading, BalanceTransaction, CreditNote, Payment, Refund
from billing.sync import balance
from billing.tests import factories, taxed
from billing.tests.facts.test_sales_tax import booked, make_rate, on
from billing.tests.facts.test_sales_tax import paid as tax_paid
from billing.tests.facts.test_sales_tax import refunded as tax_refunded
from billing.tests.life import DISPUTED_CARD, paid_member
from billing.tests.staff_world import auditor
from billing.tests.sync.test_balance import catch_up
from common.money import Money
from common.staff import show
from conftest import Sandbox
from portal.models import Download
from testing import sheets

pytestmark = pytest.mark.django_db

MONTHS = "admin:billing_balancetransaction_months"


def words(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(strip_tags(html.unescape(answer.content.decode()).replace("<", " <")).split())


def busy_month(sandbox: Sandbox) -> Client:
    """Two members, one dispute, one refund, one payout on its way; an auditor's browser."""
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox, "Alice Archer")
    paid_member(sandbox, "Bob Baker", DISPUTED_CARD)
    alice = Payment.objects.get(customer__user__first_name="Alice")
    sandbox.stripe.v1.refunds.create({"payment_intent": alice.stripe_id, "amount": 900})
    sandbox.control("clock", advance_seconds=3)
    catch_up(sandbox)
    balance.read_balance()
    client = Client()
    client.force_login(auditor())
    return client


def test_every_line_leads_to_rows_that_add_up_to_it(
    sandbox: Sandbox, django_assert_max_num_queries: Any
) -> None:
    client = busy_month(sandbox)
    listed = client.get(reverse(MONTHS))
    assert "The books agree with Stripe’s balance of" in words(listed)
    month = books.months()[0].month
    address = reverse("admin:billing_balancetransaction_month", args=[f"{month:%Y-%m}"])
    assert address in listed.content.decode()
    with django_assert_max_num_queries(40):
        page = client.get(address)
    text = words(page)
    found = books.statement(month, "usd")
    for line in found.lines:
        assert f"{line.label} {line.count} {line.money}" in text
    assert f"Closing balance {found.closing}" in text
    assert [one.label for one in found.of(Section.FEES)] == ["Stripe’s fees", "Dispute fees"]
    links = re.findall(r'href="([^"]*/line/\?[^"]*)"', page.content.decode())
    assert len(links) == len(found.lines)
    for line, link in zip(found.lines, links, strict=True):
        rows = words(client.get(html.unescape(link)))
        assert f"All {line.count} together {line.money}" in rows
        for kind, read in (("csv", sheets.of_csv), ("xlsx", sheets.of_xlsx)):
            cells = read(client.get(f"{html.unescape(link)}&as={kind}"))
            assert sum(round(float(row["Amount"]) * 100) for row in cells) == line.money.amount
            assert len(cells) == line.count


def file_of(client: Client, month: str, kind: str) -> Any:
    return client.get(reverse("admin:billing_balancetransaction_file", args=[month, kind]))


def test_page_pdf_csv_and_xlsx_say_the_same(sandbox: Sandbox) -> None:
    client = busy_month(sandbox)
    factories.make_payment(
        factories.make_customer(factories.make_member("Zoe Zelle")),
        amount=5000,
        amount_received=5000,
        card_brand="zelle",
    )
    day = books.months()[0].month
    month = f"{day:%Y-%m}"
    page = client.get(reverse("admin:billing_balancetransaction_month", args=[month]))
    text, printed = words(page), sheets.of_pdf(file_of(client, month, "pdf"))
    rows = sheets.of_csv(file_of(client, month, "csv"))
    cells = sheets.of_xlsx(file_of(client, month, "xlsx"))
    assert len(rows) == len(cells)
    for row, cell in zip(rows, cells, strict=True):
        amount = Money(round(Decimal(row["Amount"]) * 100), row["Currency"])
        assert row["Line"] == cell["Line"]
        assert round(cell["Amount"] * 100) == amount.amount
        assert cell["Month"].date() == day
        assert row["Month"] == f"{month}-01"
        count = row["Transactions"]
        assert count == str(cell["Transactions"] or "")
        line = " ".join(filter(None, (row["Line"], count, str(amount))))
        assert line in text
        assert line in printed
    moved = [one for one in cells if one["Section"] not in ("Total", book_words.OUTSIDE)]
    assert (moved[0]["Line"], moved[-1]["Line"]) == ("Opening balance", "Closing balance")
    assert sum(round(one["Amount"] * 100) for one in moved[:-1]) == round(moved[-1]["Amount"] * 100)
    assert "Received by Zelle $50.00" in printed
    for kind in ("PDF", "CSV", "XLSX"):
        assert f"/{kind.lower()}/" in page.content.decode()
        taken = Download.objects.get(kind=kind.lower())
        assert (taken.what, taken.rows) == (f"the books of {day:%B %Y}", len(rows))


def test_amounts_have_their_currencys_decimals_in_every_file(client: Client) -> None:
    for number, currency in enumerate(("jpy", "kwd", "usd")):
        at = datetime(2026, 2, 3, tzinfo=UTC)
        BalanceTransaction.objects.create(
            stripe_id=f"txn_{number}", kind="charge", category="charge", amount=12_340, fee=0,
            net=12_340, currency=currency, balance_type="payments", created_at=at,
            available_at=at, read_at=at,
        )  # fmt: skip
    client.force_login(auditor())
    rows = sheets.of_csv(file_of(client, "2026-02", "csv"))
    closing = {row["Currency"]: row["Amount"] for row in rows if row["Line"] == "Closing balance"}
    assert closing == {"JPY": "12340", "KWD": "12.340", "USD": "123.40"}
    cells = sheets.of_xlsx(file_of(client, "2026-02", "xlsx"))
    numbers = {row["Currency"]: row["Amount"] for row in cells if row["Line"] == "Closing balance"}
    assert numbers == {"JPY": 12340, "KWD": 12.34, "USD": 123.4}
    printed = sheets.of_pdf(file_of(client, "2026-02", "pdf"))
    for amount in ("¥12,340", "KWD 12.340", "$123.40"):
        assert amount in printed


def test_no_such_file(client: Client) -> None:
    client.force_login(auditor())
    assert file_of(client, "2026-02", "docx").status_code == 404
    assert "Nothing moved in this month." in sheets.of_pdf(file_of(client, "2026-02", "pdf"))


def test_books_that_differ_from_stripe_say_so(sandbox: Sandbox) -> None:
    client = busy_month(sandbox)
    reading = BalanceReading.objects.get()
    BalanceReading.objects.update(totals={"usd": reading.totals["usd"] + 700})
    assert "$7.00 is missing here" in words(client.get(reverse(MONTHS)))


def test_an_empty_book_says_what_comes(client: Client) -> None:
    client.force_login(auditor())
    assert "Nothing has moved yet." in words(client.get(reverse(MONTHS)))
    month = reverse("admin:billing_balancetransaction_month", args=["2026-02"])
    assert "Nothing moved in this month." in words(client.get(month))


@pytest.mark.parametrize("month", ["2026-13", "x", "0000-00"])
def test_no_such_month(client: Client, month: str) -> None:
    client.force_login(auditor())
    address = reverse("admin:billing_balancetransaction_month", args=[month])
    assert client.get(address).status_code == 404
    line = reverse("admin:billing_balancetransaction_line", args=["2026-02"])
    assert client.get(line, {"currency": "usd", "line": "gross:no"}).status_code == 404


def test_only_staff_who_may_see_money_see_the_books(client: Client) -> None:
    client.force_login(factories.make_member("New Comer", is_staff=True))
    for page, args in (("months", []), ("month", ["2026-02"]), ("file", ["2026-02", "csv"])):
        address = reverse(f"admin:billing_balancetransaction_{page}", args=args)
        assert client.get(address).status_code == 403


def tax_page(client: Client, month: str, span: str, kind: str = "") -> Any:
    name, more = ("tax_file", [kind]) if kind else ("tax", [])
    address = reverse(f"admin:billing_balancetransaction_{name}", args=[month, span, *more])
    return client.get(address)


def test_sales_tax_is_the_same_on_its_page_in_its_files_and_in_the_statement(
    sandbox: Sandbox,
) -> None:
    rate = taxed.make_rate(sandbox, 19)
    taxed.subscribe(sandbox, rate, name="Tara Taxed")
    client = busy_month(sandbox)
    tara = Payment.objects.get(customer__user__first_name="Tara")
    sandbox.stripe.v1.refunds.create({"payment_intent": tara.stripe_id, "amount": 1000})
    sandbox.control("clock", advance_seconds=3)
    catch_up(sandbox)
    balance.read_balance()
    day = books.months()[0].month
    month = f"{day:%Y-%m}"
    [summary] = sales_tax.summaries(day)
    vat = next(line for line in summary.lines if line.rate.name == "VAT")
    assert (vat.collected.amount, vat.refunded.amount) == (463, -160)
    for span in ("month", "quarter"):
        page = words(tax_page(client, month, span))
        rows = sheets.of_csv(tax_page(client, month, span, "csv"))
        cells = sheets.of_xlsx(tax_page(client, month, span, "xlsx"))
        assert [row["Tax"] for row in rows] == [row["Tax"] for row in cells] == ["VAT", "No tax"]
        assert [row["Due"] for row in rows] == ["3.03", "0.00"]
        assert [cell["Due"] for cell in cells] == [3.03, 0]
        assert cells[0]["Rate (%)"] == 19
        assert f"DE VAT 19% {vat.base} $4.63 −$1.60 $0.00 $3.03" in page
    due = summary.total("due")
    assert due == summary.at_stripe
    assert f"Sales tax included {due}" in words(
        client.get(reverse("admin:billing_balancetransaction_month", args=[month]))
    )
    assert Download.objects.filter(what=f"sales tax of {day:%B %Y}").count() == 2


def rows_behind(client: Client, link: str) -> int:
    """Open an amount's rows, as a page and as files; return what they come to."""
    link = html.unescape(link)
    found = re.search(r"All (\d+) together (−?\$[\d,]+\.\d\d)", words(client.get(link)))
    assert found, link
    count, amount = int(found[1]), taxed.minor(found[2])
    for kind, read in (("csv", sheets.of_csv), ("xlsx", sheets.of_xlsx)):
        cells = read(client.get(f"{link}&as={kind}"))
        assert len(cells) == count
        assert sum(round(float(row["Amount"]) * 100) for row in cells) == amount
    return amount


def amounts_of(answer: Any) -> list[tuple[str, str]]:
    """Return a page's amounts in cells, each with the address that it leads to."""
    cell = r'<td class="number"[^>]*>(?:<a [^>]*href="([^"]*)">)?(−?\$[\d,.]+)<'
    return re.findall(cell, answer.content.decode())


def test_each_amount_of_sales_tax_opens_rows_that_add_up_to_it(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    state, city = make_rate("Sales tax", "4", "New York"), make_rate("Sales tax", "4.5", "NYC")
    again = make_rate("Sales tax", "4.5", "NYC")
    first = tax_paid(10_850, {state: 400, city: 450}, on(1))
    both = tax_paid(10_850, {city: 250, again: 200}, on(1))
    cash = tax_paid(5950, {state: 950}, on(1), card_brand="zelle")
    tax_refunded(first, 3333, on(1, 12))
    tax_refunded(both, 10_850, on(2))
    tax_refunded(cash, 1000, on(1, 20))
    booked("dispute", -7517, on(1, 25), dispute=factories.make_dispute(first))
    booked("charge", 700, on(1))
    client.force_login(auditor())
    for month, span, lines in (("2026-01", "month", 3), ("2026-02", "quarter", 3)):
        page = tax_page(client, month, span)
        amounts = amounts_of(page)
        assert len(amounts) == 5 * (lines + 1)
        for link, amount in amounts:
            # Only what has no rows leads nowhere.
            assert (rows_behind(client, link) if link else 0) == taxed.minor(amount), link
        assert sum(1 for link, _ in amounts if link) > 12
    # A rate that Stripe has twice counts a payment's sale once.
    january = {
        html.unescape(link): amount
        for link, amount in amounts_of(tax_page(client, "2026-01", "month"))
    }
    [base] = [link for link in january if "column=base" in link and "place=NYC" in link]
    assert january[base] == "$104.00"
    with django_assert_max_num_queries(40):
        client.get(base)
    address = reverse("admin:billing_balancetransaction_tax_rows", args=["2026-01", "month"])
    for wrong in ("column=no", "column=due&tax=x&rate=y", "column=due&tax=x&currency=usd"):
        assert client.get(f"{address}?{wrong}").status_code == 404
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.get(base).status_code == 403


def test_no_such_time_of_sales_tax(client: Client) -> None:
    client.force_login(auditor())
    assert "No sales in this time." in words(tax_page(client, "2026-02", "quarter"))
    assert tax_page(client, "2026-02", "year").status_code == 404
    assert tax_page(client, "2026-02", "month", "pdf").status_code == 404
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert tax_page(client, "2026-02", "month").status_code == 403


def test_what_moved_outside_stripe_leads_to_its_rows(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    vat = make_rate("VAT", "19", "DE")
    zoe = factories.make_customer(factories.make_member("Zoe Zelle"))
    zelle = [
        factories.make_payment(
            zoe, amount=amount, amount_received=amount, card_brand="zelle", paid_at=on(1)
        )
        for amount in (5000, 700)
    ]
    cash = tax_paid(5950, {vat: 950}, on(1), card_brand="out_of_band")
    tax_refunded(zelle[0], 1200, on(1, 12))
    assert cash.invoice
    note = factories.make_credit_note(cash.invoice)
    CreditNote.objects.filter(pk=note.pk).update(out_of_band=595, created_at=on(1, 20))
    client.force_login(auditor())
    month = client.get(reverse("admin:billing_balancetransaction_month", args=["2026-01"]))
    links = re.findall(r'href="([^"]*/direct/[^"]*)"', month.content.decode())
    pages = []
    for kind, money in books.moved_directly(date(2026, 1, 1)):
        [link] = [one for one in links if f"/direct/{kind}/" in one]
        with django_assert_max_num_queries(30):
            answer = client.get(link)
        pages.append(words(answer))
        assert f"together {money}" in pages[-1]
        for form, read in (("csv", sheets.of_csv), ("xlsx", sheets.of_xlsx)):
            cells = read(client.get(f"{link}&as={form}"))
            assert sum(round(float(row["Amount"]) * 100) for row in cells) == money.amount
        rows = [zelle[0], *Refund.objects.all(), note] if kind != "out_of_band" else [cash]
        assert any(show.page_of(row) in answer.content.decode() for row in rows)
    assert len(links) == len(pages) == 4
    assert "Received by Zelle Zoe Zelle $50.00" in pages[1]
    assert "All 2 together $57.00" in pages[1]
    unknown = reverse("admin:billing_balancetransaction_direct", args=["2026-01", "gold"])
    assert client.get(f"{unknown}?currency=usd").status_code == 404
    client.force_login(factories.make_member("New Comer", is_staff=True))
    assert client.get(links[0]).status_code == 403
