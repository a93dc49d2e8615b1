"""A member's payments for bookkeeping: spreadsheet, yearly statement, and nobody else's."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.facts import statements
from billing.models import Customer, Dispute, Payment
from billing.pages import payment_facts
from billing.tests import factories
from common import characters, documents, spreadsheets
from common.money import plain_amount

MOST_QUERIES = 9


def paid_on(customer: Customer, *when: int, **fields: Any) -> Payment:
    """Return a payment of an invoice, paid at a UTC time."""
    at = datetime(*when, tzinfo=UTC)  # type: ignore[misc, arg-type]
    tax, currency = fields.pop("tax", 0), fields.get("currency", "usd")
    total = fields.get("amount", 2900)
    invoice = factories.make_invoice(
        customer, total=total, tax=tax, currency=currency, paid_at=at, created_at=at
    )
    return factories.make_payment(customer, invoice=invoice, paid_at=at, created_at=at, **fields)


@pytest.fixture
def customer(db: None) -> Customer:
    return factories.make_customer(factories.make_member("Zoë Łukasz"))


def read_csv(client: Client, user: User) -> list[dict[str, str]]:
    client.force_login(user)
    answer = client.get("/payments/payments.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="payments-')
    assert answer.streaming
    raw = b"".join(answer)
    assert raw.startswith(b"\xef\xbb\xbfDate paid,")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def get(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_spreadsheet_has_what_a_bookkeeper_wants(client: Client, customer: Customer) -> None:
    first = paid_on(customer, 2026, 1, 15, 12, tax=200, amount_refunded=1000)
    factories.make_payment(
        customer,
        description="Guest pass, Olga",
        amount=62500,
        currency="jpy",
        card_brand="us_bank_account",
        card_last4="6789",
        paid_at=datetime(2026, 2, 1, tzinfo=UTC),
    )
    factories.make_payment(customer, status="processing", amount=1)
    factories.make_payment(customer, status="requires_payment_method", amount=1)
    rows = read_csv(client, customer.user)
    assert first.invoice
    assert rows[0] == {
        "Date paid": "2026-01-15",
        "Description": "1 × Membership (at $29.00 / month)",
        "Invoice number": first.invoice.number,
        "Currency": "USD",
        "Amount": "29.00",
        "Tax included": "2.00",
        "Refunded": "10.00",
        "Returned by the bank": "0.00",
        "Held by the bank in a dispute": "0.00",
        "Net": "19.00",
        "Paid with": "Visa ending in 4242",
        "Status": "Partly refunded",
    }
    assert list(rows[1].values())[1:] == [
        "Guest pass, Olga",
        "",
        "JPY",
        "62500",
        "0",
        "0",
        "0",
        "0",
        "62500",
        "Bank account ending in 6789",
        "Paid",
    ]
    assert len(rows) == 2


def test_days_and_years_are_the_members_own(client: Client, customer: Customer) -> None:
    paid_on(customer, 2026, 1, 1, 3)  # still New Year's Eve in New York
    factories.set_member(customer.user, time_zone="America/New_York")
    assert read_csv(client, customer.user)[0]["Date paid"] == "2025-12-31"
    assert "Statement for </span>2025" in get(client, customer.user, "/payments/")
    assert "Dec 31, 2025" in get(client, customer.user, "/payments/statements/2025/")
    assert client.get("/payments/statements/2026/").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1+1", "--1", "@SUM(A1)", '=HYPERLINK("x")'),
        *("\t=1", "\r=1", "\n=1", " =1"),
        # Full-width forms, and blanks that a spreadsheet skips.
        *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)"),
        *("\xa0=1", "\u3000=1", "\ufeff=1", "\x0b=1"),
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    [_, row] = spreadsheets.lines(["Description"], [[text]])
    assert next(csv.reader(io.StringIO(row, newline="")))[0] == f"'{characters.words(text)}"


def test_negative_amount_stays_a_number() -> None:
    assert spreadsheets.cell(plain_amount(-550, "usd")) == "-5.50"
    assert spreadsheets.cell(plain_amount(-550, "jpy")) == "-550"


def test_formula_in_a_description_is_text(client: Client, customer: Customer) -> None:
    factories.make_payment(customer, description='=HYPERLINK("http://x.example")')
    assert read_csv(client, customer.user)[0]["Description"].startswith("'=")


def test_tax_of_an_invoice_paid_in_parts_is_counted_once(customer: Customer) -> None:
    first = paid_on(customer, 2026, 3, 1, tax=300, amount=3000, amount_received=1000)
    assert first.invoice
    factories.make_payment(
        invoice=first.invoice, amount=2000, paid_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    statement = statements.statement_of(customer.user, 2026)
    assert statement
    assert [row.tax for row in statement.payments] == [100, 200]
    assert str(statement.totals[0].tax) == "$3.00"


def test_statement_adds_up_by_currency(client: Client, customer: Customer) -> None:
    for month in (1, 2, 3):
        paid_on(customer, 2026, month, 10, tax=200)
    refunded = paid_on(customer, 2026, 4, 10, amount_refunded=2900)
    paid_on(customer, 2026, 5, 10, amount=500, currency="eur")
    paid_on(customer, 2025, 5, 10)
    assert refunded.invoice
    factories.make_credit_note(refunded.invoice, created_at=datetime(2026, 6, 1, tzinfo=UTC))
    factories.make_credit_note(
        refunded.invoice, status="void", created_at=datetime(2026, 6, 1, tzinfo=UTC)
    )
    statement = statements.statement_of(customer.user, 2026)
    assert statement
    assert len(statement.payments) == 5
    assert [str(one.net) for one in statement.totals] == ["$87.00", "€5.00"]
    assert [str(one.tax) for one in statement.totals] == ["$6.00", "€0.00"]
    assert [str(one.refunded) for one in statement.totals] == ["−$29.00", "€0.00"]
    assert [str(one.amount) for one in statement.credits] == ["−$5.00"]
    page = get(client, customer.user, "/payments/statements/2026/")
    for words in (
        "Zoë Łukasz",
        "$116.00",
        "−$29.00",
        "$87.00",
        "€5.00",
        "$5.00 in credit for your next invoices",
    ):
        assert words in page
    months = payment_facts.payments(customer.user).months
    assert list(dict.fromkeys(one.year for one in months)) == [2026, 2025]


def test_what_the_bank_took_back_is_no_longer_the_members_expense(
    client: Client, customer: Customer
) -> None:
    paid_on(customer, 2026, 1, 10)
    lost = paid_on(customer, 2026, 2, 10, amount=1000)
    factories.make_dispute(lost, status="lost")
    factories.make_dispute(paid_on(customer, 2026, 3, 10, amount=500), status="won")
    rows = read_csv(client, customer.user)
    assert [row["Returned by the bank"] for row in rows] == ["0.00", "10.00", "0.00"]
    assert [row["Net"] for row in rows] == ["29.00", "0.00", "5.00"]
    assert [row["Status"] for row in rows] == ["Paid", "Returned by the bank", "Paid"]
    page = get(client, customer.user, "/payments/statements/2026/")
    for words in ("−$10.00 returned by the bank", "Net paid", "$34.00"):
        assert words in page
    statement = statements.statement_of(customer.user, 2026)
    assert statement
    content = statement.as_document(datetime(2026, 11, 24, tzinfo=UTC))
    assert content["payments"][1][-2:] == ["−$10.00", "$10.00"]
    assert content["totals"] == [["USD", "$44.00", "$0.00", "−$10.00", "$34.00"]]


def test_what_the_bank_holds_in_a_dispute_is_not_paid_for_now(
    client: Client, customer: Customer
) -> None:
    paid_on(customer, 2026, 1, 10)
    disputed = paid_on(customer, 2026, 2, 10, amount=1000)
    dispute = factories.make_dispute(disputed, status="under_review")
    factories.make_dispute(
        paid_on(customer, 2026, 3, 10, amount=500), status="warning_under_review"
    )
    rows = read_csv(client, customer.user)
    assert [row["Held by the bank in a dispute"] for row in rows] == ["0.00", "10.00", "0.00"]
    assert [row["Net"] for row in rows] == ["29.00", "0.00", "5.00"]
    page = get(client, customer.user, "/payments/statements/2026/")
    for words in ("−$10.00 held by the bank in a dispute", "Net paid", "$34.00"):
        assert words in page
    statement = statements.statement_of(customer.user, 2026)
    assert statement
    content = statement.as_document(datetime(2026, 11, 24, tzinfo=UTC))
    assert content["totals"] == [["USD", "$44.00", "$0.00", "−$10.00", "$34.00"]]
    Dispute.objects.filter(pk=dispute.pk).update(status="won")
    assert "held by the bank" not in get(client, customer.user, "/payments/statements/2026/")
    won = statements.statement_of(customer.user, 2026)
    assert won
    assert [str(one.net) for one in won.totals] == ["$44.00"]


def test_statement_is_a_pdf_with_the_brand(client: Client, customer: Customer) -> None:
    for month in range(1, 13):
        paid_on(customer, 2026, month, 10, tax=200)
    client.force_login(customer.user)
    answer = client.get("/payments/statements/2026/pdf/")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="statement-2026.pdf"'
    assert answer.content.startswith(b"%PDF-")
    statement = statements.statement_of(customer.user, 2026)
    assert statement
    at = datetime(2026, 11, 24, tzinfo=UTC)
    content = statement.as_document(at)
    assert documents.render("statement", content, made_at=at).startswith(b"%PDF-")
    assert len(content["payments"]) == 12
    assert content["totals"] == [["USD", "$348.00", "$24.00", "$0.00", "$348.00"]]


def test_only_years_with_payments_are_offered(client: Client, customer: Customer) -> None:
    assert "Statements and exports" not in get(client, customer.user, "/payments/")
    for year in ("2026", "0", "99999"):
        assert client.get(f"/payments/statements/{year}/").status_code == 404
        assert client.get(f"/payments/statements/{year}/pdf/").status_code == 404
    assert read_csv(client, customer.user) == []


def test_strangers_get_their_own_nothing(client: Client, customer: Customer) -> None:
    paid_on(customer, 2026, 1, 10, description="Private matter")
    addresses = ["/payments/payments.csv", "/payments/statements/2026/"]
    for address in [*addresses, "/payments/statements/2026/pdf/"]:
        assert client.get(address)["Location"].startswith("/accounts/login/")
    mallory = factories.make_member("Mallory Marsh")
    assert read_csv(client, mallory) == []
    for address in ("/payments/statements/2026/", "/payments/statements/2026/pdf/"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/payments/payments.csv", "/payments/statements/2026/", "/payments/statements/2026/pdf/"],
)
def test_cost_does_not_grow_with_the_payments(
    client: Client,
    customer: Customer,
    address: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for day in range(1, 29):
        invoice = paid_on(customer, 2026, 1, day).invoice
        assert invoice
        factories.make_credit_note(invoice, created_at=datetime(2026, 1, day, tzinfo=UTC))
    client.force_login(customer.user)
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(b"".join(answer)) > 1000
