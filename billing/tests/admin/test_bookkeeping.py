"""Staff's lists of money: totals, exports, and wording."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.admin import money_list
from billing.facts import daily
from billing.tests import factories
from billing.tests.staff_world import auditor, make_world, superuser
from portal.models import Download

pytestmark = pytest.mark.django_db
PAYMENTS, INVOICES = "/staff/billing/payment/", "/staff/billing/invoice/"
MOST_QUERIES = 12


def get(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def table(page: str) -> list[dict[str, str]]:
    """Return the rows of the lists on a page: text of each cell by the class of its column."""
    cell = re.compile(r"<t[dh][^>]*(field-\w+)[^>]*>(.*?)</t[dh]>", re.DOTALL)
    rows = [
        {
            name: " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())
            for name, text in cell.findall(row)
        }
        for row in re.findall(r"<tr[ >].*?</tr>", page, re.DOTALL)
    ]
    return [row for row in rows if row]


def rows_of(client: Client, url: str) -> list[dict[str, str]]:
    answer = client.get(url)
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def money(db: None) -> None:
    """Three payments in dollars and one in euros, of two members; one failed."""
    alice = factories.make_customer(factories.make_member("Alice Archer"))
    bob = factories.make_customer(factories.make_member("Bob Baker"))
    long_ago = timezone.now() - timedelta(days=400)
    for customer, amount in ((alice, 2900), (alice, 1000), (bob, 500)):
        invoice = factories.make_invoice(customer, total=amount, tax=100)
        factories.make_payment(invoice=invoice, amount_refunded=amount // 10)
    old = factories.make_invoice(bob, total=700, currency="eur", paid_at=long_ago)
    factories.make_payment(invoice=old, currency="eur", paid_at=long_ago, created_at=long_ago)
    factories.make_invoice(bob, total=3000, status="open")
    factories.make_payment(
        bob, amount=3000, status="requires_payment_method", failure_code="expired_card"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("money")
def test_payments_add_up_by_currency_and_filter(client: Client) -> None:
    page = get(client, superuser(), PAYMENTS)
    for words in ("4 in USD", "<strong>$44.00</strong>", "<strong>$4.40</strong>", "$39.60"):
        assert words in page
    assert "1 in EUR" in page
    since = (timezone.localdate() - timedelta(days=30)).isoformat()
    page = get(client, superuser(), f"{PAYMENTS}?paid_at_from={since}")
    assert "3 in USD" in page
    assert "EUR" not in page
    assert f"/staff/billing/payment/download/csv/?paid_at_from={since}" in page
    page = get(client, superuser(), f"{PAYMENTS}?q=Bob")
    assert "2 in USD" in page
    assert "<strong>$5.00</strong>" in page
    assert "Nothing to add up." in get(client, superuser(), f"{PAYMENTS}?q=nobody")


@pytest.mark.usefixtures("money")
def test_invoices_add_up_too(client: Client) -> None:
    page = get(client, superuser(), f"{INVOICES}?status__exact=open")
    assert "1 in USD" in page
    assert "Still to pay <strong>$30.00</strong>" in page


@pytest.mark.usefixtures("money")
def test_large_list_is_added_up_only_where_it_is_filtered(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(money_list, "ESTIMATED_FROM", 3)
    assert "Filter or search the list" in get(client, superuser(), PAYMENTS)
    assert "in USD" in get(client, superuser(), f"{PAYMENTS}?q=Bob")


@pytest.mark.usefixtures("money")
def test_the_filtered_payments_come_as_a_file_and_the_log_knows_it(client: Client) -> None:
    boss = superuser()
    client.force_login(boss)
    rows = rows_of(client, f"{PAYMENTS}download/csv/?status__exact=succeeded&q=Alice")
    assert sorted(row["Received"] for row in rows) == ["10.00", "29.00"]
    assert {row["Member"] for row in rows} == {"Alice Archer"}
    assert {row["Tax included"] for row in rows} == {"1.00"}
    assert {row["Net"] for row in rows} == {"26.10", "9.00"}
    taken = Download.objects.get()
    assert (taken.by, taken.what, taken.kind, taken.rows) == (boss, "payments", "csv", 2)
    assert taken.filters == "Search: Alice. Whether it was paid: Paid"
    assert taken.filters in get(client, boss, "/staff/portal/download/")
    failed = rows_of(client, f"{PAYMENTS}download/csv/?status__exact=requires_payment_method")
    assert [(row["Status"], row["Date paid"]) for row in failed] == [("Failed", "")]
    assert [(row["Asked"], row["Received"], row["Net"]) for row in failed] == [
        ("30.00", "0.00", "0.00")
    ]


@pytest.mark.slow
def test_what_went_back_is_told_alike_in_list_sum_tile_and_file(client: Client) -> None:
    bob = factories.make_customer(factories.make_member("Bob Baker"))
    fates = {
        "Paid": factories.make_payment(bob, amount=2900),
        "Partly refunded": factories.make_payment(bob, amount=2000, amount_refunded=500),
        "Refunded": factories.make_payment(bob, amount=1000, amount_refunded=1000),
        "Returned by the bank": factories.make_payment(bob, amount=700),
        "Disputed": factories.make_payment(bob, amount=300),
        "Failed": factories.make_payment(
            bob, amount=9000, status="requires_payment_method", failure_code="expired_card"
        ),
    }
    factories.make_dispute(fates["Returned by the bank"], status="lost")
    factories.make_dispute(fates["Disputed"])
    boss = superuser()
    page = get(client, boss, f"{PAYMENTS}?status__exact=succeeded")
    for words in ("Received <strong>$69.00", "Refunded <strong>$15.00", "Net <strong>$44.00"):
        assert words in page
    assert "Returned by banks <strong>$7.00" in page
    assert "Held by banks in disputes <strong>$3.00" in page
    daily.refresh_all()
    assert "$69.00" in get(client, boss, reverse("admin:index")), "received, before refunds"
    shown = {
        state: (cells["field-asked"], cells["field-went_back"])
        for cells in table(get(client, boss, PAYMENTS))
        if (state := cells["field-state"])
    }
    assert shown == {
        "Paid": ("$29.00", "–"),
        "Partly refunded": ("$20.00", "$5.00"),
        "Refunded": ("$10.00", "$10.00"),
        "Returned by the bank": ("$7.00", "$7.00"),
        "Disputed": ("$3.00", "–"),
        "Failed": ("$90.00", "–"),
    }
    # The list inside the member's page says the same.
    inside = table(get(client, boss, reverse("admin:auth_user_edit", args=[bob.user_id])))
    assert {cells["field-state"] for cells in inside if "field-came" in cells} == set(fates)
    rows = rows_of(client, f"{PAYMENTS}download/csv/")
    assert {row["Status"]: row["Net"] for row in rows} == {
        "Paid": "29.00",
        "Partly refunded": "15.00",
        "Refunded": "0.00",
        "Returned by the bank": "0.00",
        "Disputed": "0.00",
        "Failed": "0.00",
    }
    assert sum(float(row["Net"]) for row in rows) == 44
    assert {row["Status"] for row in rows if row["Held by the bank in a dispute"] != "0.00"} == {
        "Disputed"
    }
    for chosen, states in (
        ("refunded", {"Refunded", "Partly refunded"}),
        ("returned", {"Returned by the bank"}),
        ("disputed", {"Disputed"}),
    ):
        listed = table(get(client, boss, f"{PAYMENTS}?went_back={chosen}"))
        assert {cells["field-state"] for cells in listed} == states


def test_an_invoice_that_gives_credit_is_credited_and_not_paid(client: Client) -> None:
    customer = factories.make_customer(factories.make_member("Bob Baker"))
    factories.make_invoice(customer, total=2900)
    factories.make_invoice(
        customer, total=-20_000, amount_due=0, amount_paid=0, starting_balance=0,
        ending_balance=-20_000,
    )  # fmt: skip
    factories.make_invoice(customer, total=1000, post_payment_credit_notes_amount=1000)
    for status in ("void", "draft"):
        factories.make_invoice(customer, total=50_000, status=status, amount_remaining=0)
    page = get(client, superuser(), INVOICES)
    states = sorted(cells["field-state"] for cells in table(page))
    assert states == ["Credited", "Credited", "Draft", "Paid", "Void"]
    assert "Credit: lowers the next invoices" in page
    for words in ("Invoiced <strong>$39.00", "Credited <strong>−$210.00", "Paid <strong>$39.00"):
        assert words in page
    rows = rows_of(client, f"{INVOICES}download/csv/?status__exact=paid")
    assert sorted(row["Status"] for row in rows) == ["Credited", "Credited", "Paid"]


@pytest.mark.usefixtures("money")
def test_the_filtered_invoices_come_as_a_file(client: Client) -> None:
    invoice = factories.make_invoice(
        total=2900, starting_balance=-500, ending_balance=0, amount_due=2400, amount_paid=2400
    )
    client.force_login(superuser())
    rows = rows_of(client, f"{INVOICES}download/csv/?q={invoice.number}")
    assert len(rows) == 1
    assert rows[0]["From balance"] == "-5.00"
    assert (rows[0]["Total"], rows[0]["Due"], rows[0]["Status"]) == ("29.00", "24.00", "Paid")
    assert len(rows_of(client, f"{INVOICES}download/csv/")) == 6


def test_days_of_a_file_are_those_of_the_reader(client: Client) -> None:
    at = datetime(2026, 1, 1, 3, tzinfo=UTC)  # still New Year's Eve in New York
    factories.make_payment(invoice=factories.make_invoice(paid_at=at), paid_at=at)
    boss = superuser()
    for zone, day in (("America/New_York", "2025-12-31"), ("Europe/Vienna", "2026-01-01")):
        factories.set_member(boss, time_zone=zone)
        client.force_login(User.objects.get(pk=boss.pk))
        for url in (PAYMENTS, INVOICES):
            assert rows_of(client, f"{url}download/csv/")[0]["Date paid"] == day


@pytest.mark.usefixtures("money")
def test_only_who_may_see_the_list_may_take_it_away(client: Client) -> None:
    for user, status in (
        (factories.make_member("Mallory Marsh"), 302),
        (factories.make_member("Stan Staff", is_staff=True), 403),
        (auditor(), 200),
    ):
        client.force_login(user)
        for url in (PAYMENTS, INVOICES):
            answer = client.get(f"{url}download/csv/")
            assert answer.status_code == status
            if status == 200:
                assert b"".join(answer)
    assert Download.objects.count() == 2


@pytest.mark.usefixtures("money")
def test_filter_that_is_none_leads_back_to_the_list(client: Client) -> None:
    client.force_login(superuser())
    answer = client.get(f"{PAYMENTS}download/csv/?customer__id__exact=x")
    assert answer.status_code in (302, 400)


@pytest.mark.parametrize("url", [f"{PAYMENTS}download/csv/", f"{INVOICES}download/csv/"])
def test_cost_of_a_file_does_not_grow(
    client: Client, url: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        factories.make_payment(invoice=factories.make_invoice())
    client.force_login(superuser())
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(b"".join(client.get(url)).splitlines()) == 21


def test_payments_are_listed_by_the_day_paid_in_our_words(client: Client) -> None:
    world = make_world()
    page = get(client, superuser(), PAYMENTS)
    assert "Paid on" in page
    assert "Made" not in page.split("<table")[1].split("</thead>")[0]
    assert '<span class="staff-nowrap">Visa 4242</span>' in page
    for words in ("Failed", "In progress", "Waits for the member", "Reserved"):
        assert words in page
    assert "Requires payment method" not in page
    page = get(client, superuser(), f"/staff/auth/user/{world.alice.pk}/edit/")
    assert "Phone and preferences" in page
    assert "preferencess" not in page


def test_breadcrumbs_are_the_words_of_the_sidebar(client: Client) -> None:
    world = make_world()
    page = get(client, superuser(), reverse("admin:auth_user_change", args=[world.alice.pk]))
    assert "Authentication and Authorization" not in page
    page = get(client, superuser(), PAYMENTS)
    assert "Payments" in page.split("<h1")[1].split("</h1>")[0]
    assert ">Billing<" not in page.replace("\n", "").replace(" ", "")
