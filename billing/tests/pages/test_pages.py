"""The member's pages: what they say, to whom, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, Invoice, Payment, Plan, Subscription
from billing.tests import factories
from billing.tests.life import DECLINED_LATER_CARD, deliver, paid_member, sign_up, subscribe
from conftest import Sandbox
from members.models import Member

pytestmark = pytest.mark.django_db
MOST_QUERIES = 7


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose first payment went through."""
    return paid_member(sandbox)


@pytest.fixture
def mallory() -> User:
    """A signed-in stranger."""
    return sign_up("Mallory Marsh")


def get(client: Client, user: User, url: str) -> str:
    """Return the page that a user sees."""
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def more_invoices(user: User, count: int) -> None:
    """Give the user older invoices, a payment each."""
    row = Invoice.objects.for_user(user).latest("created_at")
    payment = Payment.objects.for_user(user).latest("created_at")
    for number in range(count):
        at = row.created_at - timedelta(days=30)
        row.pk, row.stripe_id, row.number = None, f"in_more{number}", f"MORE-{number:04d}"
        row.created_at = row.finalized_at = at
        row.save()
        payment.pk, payment.stripe_id, payment.invoice = None, f"pi_more{number}", row
        payment.created_at = payment.paid_at = at
        payment.save()


def test_home_of_a_newcomer_offers_the_plan(sandbox: Sandbox, client: Client) -> None:
    Plan.objects.create(
        stripe_id="price_membership_monthly",
        product_id="prod_1",
        name="Membership",
        amount=2900,
        currency="usd",
        interval="month",
        read_at=timezone.now(),
    )
    page = get(client, sign_up(), "/")
    assert "$29.00" in page
    assert "month" in page


def test_home_of_a_member_says_what_is_next(client: Client, alice: User) -> None:
    page = get(client, alice, "/")
    assert "Active" in page
    assert page.count("$29.00 is on") == 1, "the next charge is said once"
    assert "Your next charge of $29.00 is on" in page
    assert "cards/visa" in page
    joined = Subscription.objects.for_user(alice).get().started_at
    assert f"Member since {joined:%B %Y}" in page


@pytest.mark.slow
def test_home_with_a_failed_payment_asks_for_one_thing(sandbox: Sandbox, client: Client) -> None:
    user = sign_up()
    subscribe(sandbox, user, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    page = get(client, user, "/")
    assert "Your payment of $29.00 didn’t go through" in page
    assert "Pay with another card" in page
    assert "past_due" not in page


def test_invoice_page_shows_lines_and_total(client: Client, alice: User) -> None:
    invoice = Invoice.objects.for_user(alice).get()
    page = get(client, alice, f"/payments/invoices/{invoice.pk}/")
    assert invoice.number in page
    assert "$29.00" in page
    assert "Visa ending in 4242" in page


def test_invoice_links_are_read_fresh(sandbox: Sandbox, client: Client, alice: User) -> None:
    invoice = Invoice.objects.for_user(alice).get()
    Invoice.objects.update(pdf_url="https://stale.example/", hosted_url="https://stale.example/")
    client.force_login(alice)
    for kind in ("pdf", "stripe"):
        answer = client.get(f"/payments/invoices/{invoice.pk}/{kind}/")
        assert answer.status_code == 302
        assert answer["Location"].startswith(sandbox.url)


@pytest.mark.slow
def test_invoice_links_work_while_stripe_is_away(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    invoice = Invoice.objects.for_user(alice).get()
    sandbox.control("switches", api_fail=1)
    client.force_login(alice)
    answer = client.get(f"/payments/invoices/{invoice.pk}/pdf/")
    assert answer["Location"] == invoice.pdf_url


@pytest.mark.parametrize("tail", ["", "pdf/", "stripe/"])
def test_stranger_finds_no_invoice_of_others(
    client: Client, alice: User, mallory: User, tail: str
) -> None:
    invoice = Invoice.objects.for_user(alice).get()
    client.force_login(mallory)
    assert client.get(f"/payments/invoices/{invoice.pk}/{tail}").status_code == 404


def test_stranger_sees_nothing_of_others_in_lists(
    client: Client, alice: User, mallory: User
) -> None:
    number = Invoice.objects.for_user(alice).get().number
    for url in ("/", "/membership/", "/payments/"):
        assert number not in get(client, mallory, url)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("get", "/"),
        ("get", "/membership/"),
        ("post", "/membership/subscribe/"),
        ("get", "/membership/welcome/"),
        ("post", "/membership/card/"),
        ("get", "/payments/"),
        ("get", "/payments/invoices/1/"),
        ("get", "/payments/invoices/1/pdf/"),
        ("get", "/payments/invoices/1/stripe/"),
    ],
)
def test_visitor_is_asked_to_sign_in(client: Client, method: str, url: str) -> None:
    answer = getattr(client, method)(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_draft_is_no_business_of_the_member(client: Client, alice: User) -> None:
    invoice = Invoice.objects.for_user(alice).get()
    Invoice.objects.update(status="draft")
    client.force_login(alice)
    assert client.get(f"/payments/invoices/{invoice.pk}/").status_code == 404


def test_card_is_changed_on_stripes_page(sandbox: Sandbox, client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/membership/card/")
    assert answer["Location"].startswith(f"{sandbox.url}/portal/")


def test_newcomer_without_a_card_is_told_so(client: Client, mallory: User) -> None:
    client.force_login(mallory)
    answer = client.post("/membership/card/", follow=True)
    assert "no card to change yet" in answer.content.decode()


def test_invoices_are_paged_without_gaps(client: Client, alice: User) -> None:
    more_invoices(alice, 29)
    client.force_login(alice)
    seen: list[str] = []
    url = "/payments/"
    for _ in range(3):
        page = client.get(url).context["page"]
        seen += [line.number for line in page.entries]
        url = page.older
    assert len(seen) == len(set(seen)) == 30
    assert url == ""


def test_payments_without_an_invoice_are_paged(client: Client, alice: User) -> None:
    customer = Customer.objects.get(user=alice)
    for number in range(15):
        factories.make_payment(customer, description=f"Guest pass {number:02d}")
    first = get(client, alice, "/payments/")
    assert "Guest pass 14" in first
    assert "Guest pass 02" not in first
    mark = Payment.objects.get(description="Guest pass 03").pk
    assert f"/payments/?before=p{mark}" in first
    older = get(client, alice, f"/payments/?before=p{mark}")
    assert "Guest pass 02" in older
    assert "Guest pass 03" not in older


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 40, "1;DROP"])
def test_odd_page_marks_show_the_first_page(client: Client, alice: User, before: str) -> None:
    client.force_login(alice)
    assert client.get("/payments/", {"before": before}).status_code == 200


@pytest.mark.parametrize("url", ["/", "/membership/", "/payments/", "/account/"])
def test_pages_take_few_queries_however_many_invoices(
    client: Client,
    alice: User,
    url: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(alice)
    with django_assert_max_num_queries(MOST_QUERIES) as few:
        client.get(url)
    more_invoices(alice, 40)
    with django_assert_max_num_queries(MOST_QUERIES) as many:
        client.get(url)
    # A second page's mark costs nothing more either.
    assert len(many) <= len(few)


def test_dates_are_in_the_members_own_time_zone(client: Client, alice: User) -> None:
    Invoice.objects.update(finalized_at=datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    Member.objects.filter(user=alice).update(time_zone="Pacific/Auckland")
    invoice = Invoice.objects.for_user(alice).get()
    assert "November 24" in get(client, alice, f"/payments/invoices/{invoice.pk}/")


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"status": "trialing"}, "Free trial"),
        ({"status": "paused"}, "Paused"),
        ({"status": "past_due"}, "Payment failed"),
        ({"cancel_at_period_end": True}, "Ending"),
        ({"status": "canceled", "ended_at": timezone.now()}, "ended on"),
    ],
)
def test_each_standing_has_its_words(
    client: Client, alice: User, changes: dict[str, Any], label: str
) -> None:
    Subscription.objects.update(**changes)
    assert label in get(client, alice, "/membership/")


def test_member_whose_customer_was_deleted_still_sees_their_invoices(
    client: Client, alice: User
) -> None:
    Customer.objects.update(deleted_at_stripe=True)
    assert Invoice.objects.for_user(alice).get().number in get(client, alice, "/payments/")
