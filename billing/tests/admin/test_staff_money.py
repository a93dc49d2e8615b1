"""Money on the staff site: on the home page, in lists, and in search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import DisputeStatus, RefundState
from billing.facts import daily
from billing.models import Refund, UnassignedCustomer
from billing.refunds import service as refunds
from billing.tests import factories, refund_world, staff_world
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import signed_in_now
from common.staff import show
from members import search
from members.models import Member

pytestmark = pytest.mark.django_db
PAYMENTS = "/staff/billing/payment/"
REFUNDS = "/staff/billing/refund/"


@pytest.fixture
def desk() -> Client:
    """The browser of a manager."""
    return signed_in_now(staff_world.manager())


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def found(client: Client, url: str) -> list[Any]:
    return list(client.get(url).context["cl"].result_list)


def home(client: Client) -> str:
    return read(client, reverse("admin:index"))


def test_home_names_customers_that_belong_to_nobody(desk: Client) -> None:
    assert "to nobody here" not in home(desk)
    now = timezone.now()
    UnassignedCustomer.objects.create(stripe_id="cus_x", created_at=now, read_at=now)
    page = home(desk)
    assert "1 customer of Stripe’s belongs to nobody here" in page
    assert reverse("admin:billing_unassignedcustomer_changelist") in page


@pytest.mark.slow
def test_home_names_refunds_that_stripe_holds_back(desk: Client) -> None:
    policy()
    payment = factories.make_payment()
    row = refunds.give(payment.pk, refund_world.approver("Carol Chen"), refund_request(900))
    rows = Refund.objects.filter(pk=row.pk)
    rows.update(state=RefundState.PENDING, stripe_id="re_held", sent_at=timezone.now())
    assert "held back by Stripe" not in home(desk)
    rows.update(pending_reason="insufficient_funds")
    assert "1 refund is held back by Stripe" in home(desk)
    assert found(desk, f"{REFUNDS}?needs=held") == [row]
    rows.update(pending_reason="", sent_at=timezone.now() - timedelta(days=11))
    assert found(desk, f"{REFUNDS}?needs=held") == [row]
    rows.update(state=RefundState.SUCCEEDED)
    assert found(desk, f"{REFUNDS}?needs=held") == []


def test_home_offers_the_other_currency_where_there_are_more(desk: Client) -> None:
    factories.make_payment(amount=5000)
    daily.refresh_all()
    page = home(desk)
    assert "$50.00" in page
    assert '<option value="eur"' not in page
    factories.make_payment(amount=900, currency="eur")
    daily.refresh_all()
    dollars, euros = (
        read(desk, f"{reverse('admin:index')}?currency={code}") for code in ("usd", "eur")
    )
    assert '<option value="eur"' in dollars
    assert ("$50.00" in dollars, "€9.00" in dollars) == (True, False)
    assert ("$50.00" in euros, "€9.00" in euros) == (False, True)


def test_what_credit_paid_is_in_the_sums_of_invoices(desk: Client) -> None:
    factories.make_invoice(total=2900)
    factories.make_invoice(
        total=2900, amount_due=0, amount_paid=0, starting_balance=-2900, ending_balance=0
    )
    factories.make_invoice(total=-500, amount_due=0, amount_paid=0, ending_balance=-500)
    sums = desk.get("/staff/billing/invoice/").context["sums"]
    amounts = {words: str(money) for words, money in sums[0].amounts}
    assert amounts["Invoiced"] == "$58.00"
    assert amounts["From credit"] == "$29.00"
    assert amounts["Paid"] == "$29.00"


def test_payments_of_which_nothing_went_back_are_found(desk: Client) -> None:
    kept = factories.make_payment()
    factories.make_payment(amount_refunded=100)
    factories.make_dispute(factories.make_payment())
    factories.make_dispute(factories.make_payment(), status=DisputeStatus.LOST)
    assert found(desk, f"{PAYMENTS}?went_back=nothing") == [kept]


def test_payments_are_found_by_the_number_of_their_invoice(desk: Client) -> None:
    payment = factories.make_payment(invoice=factories.make_invoice(number="HPZX-0015"))
    factories.make_payment(invoice=factories.make_invoice(number="OTHER-0001"))
    assert found(desk, f"{PAYMENTS}?q=hpzx-0015") == [payment]


@pytest.mark.parametrize(
    "typed",
    ["+12025550139", "12025550139", "(202) 555-0139", "202 555 0139", "202-555", "+1 202 555",
     "001 202 555 0139", "2025550139"],
)  # fmt: skip
def test_a_phone_is_found_however_it_is_written(typed: str) -> None:
    user = factories.make_member("Phil Phone")
    Member.objects.filter(user=user).update(phone="+12025550139")
    other = factories.make_member("Olaf Other")
    Member.objects.filter(user=other).update(phone="+12125550139")
    assert search.people(typed) == [user.pk]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Mary Ann Smith", ["smith", "Mary Ann Smith", "Smith, Mary", "ann"]),
        ("María García López", ["Lopez", "garcia lopez", "GARCÍA", "maria"]),
        ("Łukasz Żółw-O’Neill", ["O'Neill", "oneill", "zolw", "żółw-o", "Żółw-O'Neill, Łukasz"]),
        ("Sean O'Brien", ["O’Brien", "obrien"]),
        ("Jürgen Groß", ["gross", "JÜRGEN", "jurgen groß"]),
        ("王小明", ["王小", "王小明"]),
        ("Zo\u0308e", ["zoe", "zöe"]),
    ],
)  # fmt: skip
def test_a_name_is_found_by_any_of_its_words_on_any_keyboard(name: str, typed: list[str]) -> None:
    user = factories.make_member(name)
    factories.make_member("Olaf Other")
    assert {term: search.people(term) for term in typed} == {term: [user.pk] for term in typed}


def test_a_name_is_found_by_an_index() -> None:
    factories.make_member("Mary Ann Smith")
    with connection.cursor() as cursor:
        # Of a handful of rows the planner would rather read all, or walk through their ids.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        with CaptureQueriesContext(connection) as asked:
            search.people("smith")
        cursor.execute("EXPLAIN " + asked.captured_queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "staff_auth_user_words" in plan
    assert "staff_auth_user_email" in plan


def test_a_name_that_grows_when_it_is_taken_apart_is_kept_and_found() -> None:
    """One sign of it is four letters, and a word may not be longer than the index takes."""
    user = factories.make_member("Riyal")
    user.first_name = "\ufdfc" * 150
    user.save()
    assert search.people("ریال" * 150) == [user.pk]


@pytest.mark.parametrize("typed", ["'", "-", "’ -", "\\", ":*", "a'b\\c:*&!", "%s", "z" * 9000])
def test_signs_alone_find_nobody(typed: str) -> None:
    factories.make_member("Mary Ann Smith")
    assert search.people(typed) == []


@pytest.mark.slow
def test_credit_stands_on_the_pages_of_member_and_subscription(desk: Client) -> None:
    customer = factories.make_customer(factories.make_member("Cora Credit"))
    row = factories.make_subscription(customer, balance=-2309)
    for page in (show.page_of(row), show.page_of(customer.user)):
        assert "$23.09, used by the next charges" in read(desk, page)
    row.balance = 0
    row.save()
    for page in (show.page_of(row), show.page_of(customer.user)):
        assert "used by the next charges" not in read(desk, page)
