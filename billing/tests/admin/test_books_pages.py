"""The books' pages: what they add up to, where their lines lead, and who sees them."""

from __future__ import annotations

import csv
import html
import io
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from billing.core.book_words import Section
from billing.facts import books
from billing.models import BalanceReading, Payment
from billing.sync import balance
from billing.tests import factories
from billing.tests.life import DISPUTED_CARD, paid_member
from billing.tests.staff_world import auditor
from billing.tests.sync.test_balance import catch_up
from conftest import Sandbox

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
        body = b"".join(client.get(f"{html.unescape(link)}&csv=1").streaming_content)  # type: ignore[attr-defined]
        head, *cells = csv.reader(io.StringIO(body.decode("utf-8-sig")))
        sums = sum(round(float(row[head.index("Amount")]) * 100) for row in cells)
        assert sums == line.money.amount
        assert len(cells) == line.count


def test_a_month_as_a_file_adds_up_and_is_recorded(sandbox: Sandbox) -> None:
    client = busy_month(sandbox)
    month = f"{books.months()[0].month:%Y-%m}"
    answer = client.get(reverse("admin:billing_balancetransaction_month_csv", args=[month]))
    body = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = [*csv.DictReader(io.StringIO(body))]
    amounts = [round(float(row["Amount"]) * 100) for row in rows]
    assert rows[0]["Line"] == "Opening balance"
    assert rows[-1]["Line"] == "Closing balance"
    assert sum(amounts[:-1]) == amounts[-1]
    assert f"the month {month}" in LogEntry.objects.latest("pk").change_message


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
    for page, args in (("months", []), ("month", ["2026-02"]), ("month_csv", ["2026-02"])):
        address = reverse(f"admin:billing_balancetransaction_{page}", args=args)
        assert client.get(address).status_code == 403
