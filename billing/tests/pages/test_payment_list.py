"""The list of payments: what filters and searches find, sums, and receipts to keep."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from zipfile import ZipFile

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer
from billing.pages import payment_list
from billing.pages.payment_list import Kind, State, Wanted
from billing.tests import factories
from emails.models import Message

pytestmark = pytest.mark.django_db
MOST_QUERIES = 7
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def day(month: int, on: int = 5, year: int = 2026) -> datetime:
    """Return noon of a day."""
    return datetime(year, month, on, 12, tzinfo=UTC)


@pytest.fixture
def customer() -> Customer:
    """A member who pays monthly since September 2025, with a workshop, and a mat that failed."""
    customer = factories.make_customer()
    row = factories.make_subscription(customer)
    for number, at in enumerate([day(9, year=2025), day(1), day(2), day(3)]):
        times = {"created_at": at, "paid_at": at}
        invoice = factories.make_invoice(
            customer,
            subscription=row,
            status="paid",
            finalized_at=at,
            number=f"HY-{number}",
            **times,
        )
        factories.make_payment(customer, invoice=invoice, **times)
    at = day(3, 9)
    factories.make_payment(
        customer,
        description="Łódź workshop",
        amount=4000,
        amount_received=4000,
        amount_refunded=1000,
        card_brand="mastercard",
        card_last4="5454",
        created_at=at,
        paid_at=at,
    )
    factories.make_payment(
        customer,
        description="Mat",
        amount=1500,
        amount_received=0,
        status="requires_payment_method",
        created_at=day(3, 10),
        paid_at=None,
    )
    return customer


def page(client: Client, user: User, query: str = "", *, htmx: str = "") -> str:
    """Return the list's page, or the fragment for the element that asks."""
    client.force_login(user)
    headers = {"HX-Request": "true", "HX-Trigger": htmx} if htmx else {}
    answer = client.get(f"/payments/{query}", headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def shown(html: str) -> list[str]:
    """Return what the rows are for."""
    return re.findall(r'class="row-link" href="[^"]+">([^<]+)<', html)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=workshop", ["Łódź workshop"]),
        ("?q=łódź", ["Łódź workshop"]),
        ("?q=40.00", ["Łódź workshop"]),
        ("?q=mastercard+5454", ["Łódź workshop"]),
        ("?q=hy-1", 1),
        ("?q=workshop+nothing", []),
        ("?year=2025", 1),
        ("?year=2026", 5),
        ("?year=2024", []),
        ("?kind=membership", 4),
        ("?kind=other", ["Mat", "Łódź workshop"]),
        ("?state=unpaid", ["Mat"]),
        ("?state=refunded", ["Łódź workshop"]),
        ("?state=paid&kind=membership&year=2026", 3),
        ("?q=+++", 6),
        ("?year=20x6&kind=nothing&state=lost&page=-3", 6),
    ],
)
def test_a_filter_finds_what_its_rows_show(
    client: Client, customer: Customer, query: str, found: list[str] | int
) -> None:
    rows = shown(page(client, customer.user, query))
    assert rows == found if isinstance(found, list) else len(rows) == found


def test_a_search_without_result_says_so_and_leads_back(client: Client, customer: Customer) -> None:
    html = page(client, customer.user, "?q=unheard+of")
    assert "Nothing matches" in html
    assert 'href="/payments/">Show all payments' in html
    assert 'value="unheard of"' in html


def test_a_filter_is_answered_with_the_list_its_sums_and_a_count(
    client: Client, customer: Customer
) -> None:
    part = page(client, customer.user, "?year=2025", htmx="filters")
    assert "<html" not in part
    assert part.count('hx-swap-oob="true"') == 2
    assert "1 payment found" in part
    assert "Paid in 2025" in part
    assert "autofocus" not in part, "nobody loses their place while typing"
    assert "autofocus" in page(client, customer.user, "?before=i1", htmx="older")


def test_what_was_found_has_pages(client: Client) -> None:
    customer = factories.make_customer()
    for number in range(30):
        at = day(2, 1 + number % 28)
        factories.make_payment(customer, description=f"Pass {number}", created_at=at, paid_at=at)
    seen: list[str] = []
    query = "?q=pass&kind=other"
    while query:
        html = page(client, customer.user, query)
        seen += shown(html)
        older = re.search(r'href="/payments/(\?[^"]+)" rel="next"', html)
        query = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 30


def test_the_page_sums_up_the_year_and_draws_twelve_months(
    client: Client, customer: Customer
) -> None:
    with time_machine.travel(NOW, tick=False):
        html = page(client, customer.user)
    assert "Paid in 2026" in html
    assert "$127.00" in html
    assert "$10.00 refunded" in html
    assert html.count('class="chart-month"') == 12
    assert "March 2026: $69.00" in html
    assert "November 2026: $0.00" in html
    assert '<rect width="10" height="100"' in html


def test_the_sums_are_the_statements(client: Client, customer: Customer) -> None:
    months = page(client, customer.user, "?year=2026")
    statement = client.get("/payments/statements/2026/").content.decode()
    for amount in ("$127.00", "$10.00"):
        assert amount in months
        assert amount in statement


def test_one_month_is_no_chart_and_nothing_is_no_sum(client: Client) -> None:
    customer = factories.make_customer()
    assert "No payments yet" in page(client, customer.user)
    assert "Paid in" not in page(client, customer.user)
    factories.make_payment(customer, paid_at=timezone.now())
    html = page(client, customer.user)
    assert "Paid in" in html
    assert "chart-month" not in html


def test_a_filtered_page_takes_few_statements(
    client: Client, customer: Customer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(customer.user)
    for query in ("", "?q=workshop", "?year=2026&kind=membership&state=paid"):
        with django_assert_max_num_queries(MOST_QUERIES):
            client.get(f"/payments/{query}")


def test_an_address_is_read_leniently() -> None:
    read = payment_list.wanted({"year": "2026", "kind": "other", "state": "paid", "q": " a  b "})
    assert read == Wanted(2026, Kind.OTHER, State.PAID, "a b")
    assert read.in_address == "q=a+b&year=2026&kind=other&state=paid"
    assert payment_list.wanted({"year": "0000", "page": "x"}).is_filtered is False
    assert len(payment_list.wanted({"q": "x" * 5000}).search) == 100


def workshop(customer: Customer) -> int:
    """Return the key of the workshop's payment."""
    return int(customer.payments.get(description="Łódź workshop").pk)


def test_a_payment_has_a_receipt(client: Client, customer: Customer) -> None:
    client.force_login(customer.user)
    key = workshop(customer)
    assert f'href="/payments/{key}/receipt/"' in client.get(f"/payments/{key}/").content.decode()
    answer = client.get(f"/payments/{key}/receipt/")
    assert answer["Content-Type"] == "application/pdf"
    assert f"receipt-2026-{key:06d}.pdf" in answer["Content-Disposition"]
    assert answer.content.startswith(b"%PDF")


def test_what_did_not_arrive_or_is_anothers_has_no_receipt(
    client: Client, customer: Customer
) -> None:
    failed = customer.payments.get(description="Mat").pk
    client.force_login(customer.user)
    assert "/receipt/" not in client.get(f"/payments/{failed}/").content.decode()
    other = factories.make_payment(paid_at=timezone.now()).pk
    for key in (failed, other, 2**62):
        assert client.get(f"/payments/{key}/receipt/").status_code == 404
        assert client.post(f"/payments/{key}/receipt/email/").status_code == 404
    assert not Message.objects.exists()


def test_a_receipt_is_emailed_once_however_often_it_is_asked_for(
    client: Client, customer: Customer
) -> None:
    client.force_login(customer.user)
    key = workshop(customer)
    for _ in range(2):
        answer = client.post(f"/payments/{key}/receipt/email/", follow=True)
        assert answer.redirect_chain[-1][0] == f"/payments/{key}/"
        assert f"We’ve emailed your receipt to {customer.user.email}." in answer.content.decode()
    message = Message.objects.get()
    assert (message.kind, message.channel) == ("receipt_again", "email")
    assert message.user == customer.user
    assert message.subject == "Receipt: $40.00 for Łódź workshop"


def test_a_year_of_many_payments_takes_few_statements(
    client: Client, customer: Customer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        at = day(4, 1 + number)
        factories.make_payment(customer, description=f"Pass {number}", created_at=at, paid_at=at)
    client.force_login(customer.user)
    with django_assert_max_num_queries(14):
        answer = client.get("/payments/statements/2026/zip/")
    with ZipFile(io.BytesIO(answer.content)) as packed:
        assert len(packed.namelist()) == 26


def test_a_year_is_one_download(client: Client, customer: Customer) -> None:
    client.force_login(customer.user)
    answer = client.get("/payments/statements/2026/zip/")
    assert answer["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.content)) as packed:
        names = packed.namelist()
        rows = list(csv.reader(io.StringIO(packed.read("payments-2026.csv").decode("utf-8-sig"))))
        documents = [packed.read(name) for name in names if name.endswith(".pdf")]
    assert len(rows) == 5
    assert "statement-2026.pdf" in names
    assert sum(name.startswith("receipts/2026-") for name in names) == 4
    assert all(document.startswith(b"%PDF") for document in documents)
    assert client.get("/payments/statements/2019/zip/").status_code == 404
    assert client.get("/payments/statements/99999/zip/").status_code == 404
