"""A member's pages take at most seven statements, session and user included, whatever there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import (
    Customer,
    Invoice,
    Item,
    Payment,
    PaymentRequest,
    Product,
    Refund,
    TaxRate,
)
from billing.pages import member_facts, payment_facts, refund_facts
from billing.pages.payment_lines import PAGE_SIZE
from billing.tests import factories
from billing.tests.refund_world import policy
from billing.tests.zelle.world import make_terms
from billing.zelle import expecting

pytestmark = pytest.mark.django_db
MOST_QUERIES = 7
DAY = timedelta(days=1)
LINE = {
    "description": "1 × Membership",
    "quantity": 1,
    "amount": 2900,
    "product": factories.PLAN_PRODUCT,
    "period_start": None,
    "period_end": None,
}
TAX = {"rate": "txr_vat", "amount": 300, "is_included": True, "reason": ""}


def paid(customer: Customer, days: int, **fields: Any) -> Payment:
    """Return the payment of an invoice with a named product and a tax, so many days ago."""
    at = timezone.now() - days * DAY
    times = {"created_at": at, "paid_at": at}
    taxed = {"lines": [LINE], "taxes": [TAX], "tax": 300, "tax_included": 300}
    invoice = factories.make_invoice(customer, finalized_at=at, **times, **taxed, **fields)
    return factories.make_payment(customer, invoice=invoice, **times)


def refund(payment: Payment, state: str, **fields: Any) -> Refund:
    """Return a refund of a part of it."""
    values = {"amount": 500, "amount_asked": 500, "currency": "usd", "origin": "member"}
    times = {"created_at": timezone.now() - DAY, "sent_at": timezone.now() - DAY}
    whose = {"payment": payment, "customer": payment.customer, "state": state}
    return Refund.objects.create(**values, **times, **whose, **fields)


def plain(count: int) -> User:
    """Return a member whose payments all went through."""
    customer = factories.make_customer()
    row = factories.make_subscription(customer)
    for number in range(count):
        paid(customer, number + 1, subscription=row)
    return customer.user


def troubled(count: int) -> User:
    """Return a member with everything that can happen, so many times."""
    customer = factories.make_customer()
    row = factories.make_subscription(customer, status="past_due", balance=-500)
    make_terms()
    factories.make_other_subscription(customer)
    for number in range(count):
        payments = [paid(customer, number + days, subscription=row) for days in range(1, 5)]
        factories.make_dispute(payments[0])
        factories.make_credit_note(payments[1].invoice or factories.make_invoice(customer))
        refund(payments[1], "pending", stripe_id=f"re_{payments[1].pk}")
        refund(payments[2], "failed", stripe_id=f"re_{payments[2].pk}", failed_at=timezone.now())
        refund(payments[3], "requested")
        unpaid(customer, row, number)
        factories.make_payment(customer, description=f"Workshop {number}")
        factories.make_payment(customer, description="Mat", status="processing")
        asked = {"user": customer.user, "amount": 4000, "currency": "usd"}
        PaymentRequest.objects.create(**asked, description="Fee", sent_at=timezone.now())
        by_zelle = PaymentRequest.objects.create(
            **asked, description="Fee by Zelle", sent_at=timezone.now()
        )
        expecting.start_request(customer.user, by_zelle.pk)
    Item.objects.create(name="Key", amount=1000, currency="usd", for_everybody=True)
    return customer.user


def unpaid(customer: Customer, row: Any, number: int) -> None:
    """Give a member an invoice that failed, and one that was sent and is overdue."""
    failed = factories.make_invoice(
        customer, subscription=row, status="open", collection="failed", lines=[LINE]
    )
    factories.make_payment(customer, invoice=failed, status="requires_payment_method")
    sent = {"collection_method": "send_invoice", "due_at": timezone.now() - number * DAY}
    factories.make_invoice(customer, status="open", lines=[LINE], **sent)


def stranger(count: int) -> User:
    """Return somebody who has bought nothing yet."""
    return factories.make_member(f"Stranger{count}")


@pytest.fixture
def catalog() -> None:
    """A plan, its product, and a tax, which pages mention by name."""
    factories.make_plan()
    Product.objects.create(
        stripe_id=factories.PLAN_PRODUCT, name="Membership", read_at=timezone.now()
    )
    TaxRate.objects.create(stripe_id="txr_vat", name="VAT", percentage="19", read_at=timezone.now())


@pytest.mark.slow
@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("make", [stranger, plain, troubled])
def test_pages_take_few_statements(
    client: Client,
    make: Callable[[int], User],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for count in (1, 25):
        user = make(count)
        client.force_login(user)
        newest = Invoice.objects.for_user(user).filter(status="paid")
        invoices = [reverse("billing:invoice", args=[one.pk]) for one in newest[:5]]
        for url in ("/", "/payments/", "/membership/", *invoices):
            with django_assert_max_num_queries(MOST_QUERIES):
                assert client.get(url).status_code == 200


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("make", [plain, troubled])
def test_the_refund_form_and_its_preview_take_few_statements(
    client: Client,
    make: Callable[[int], User],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    policy(automatic_up_to=500)
    for count in (1, 25):
        user = make(count)
        client.force_login(user)
        forms = 0
        for row in Payment.objects.for_user(user)[:8]:
            url = reverse("billing:request-refund", args=[row.pk])
            with django_assert_max_num_queries(MOST_QUERIES):
                page = client.get(url)
            assert page.status_code in (200, 302)
            forms += b'name="how_much"' in page.content
            for amount in ("1", "4.50", "9", "", "many"):
                sent = {"look": "1", "how_much": "part", "amount": amount, "membership": "cancel"}
                with django_assert_max_num_queries(MOST_QUERIES):
                    preview = client.post(url, sent, headers={"HX-Request": "true"})
                assert preview.status_code == 200
        assert forms


@pytest.mark.usefixtures("catalog")
def test_a_refund_takes_few_statements(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 25):
        user = troubled(count)
        client.force_login(user)
        Refund.objects.for_user(user).update(cancels_membership=True)
        for row in Refund.objects.for_user(user)[:6]:
            with django_assert_max_num_queries(MOST_QUERIES):
                page = client.get(reverse("billing:refund", args=[row.pk]))
            assert "membership" in page.content.decode()


def test_nothing_of_others_is_read() -> None:
    factories.make_plan()
    mine, other = troubled(1), troubled(1)
    for user in (mine, other):
        member, payments = member_facts.home(user), payment_facts.payments(user)
        rows: list[Any] = [
            *member.subscriptions,
            *member.waiting,
            *member.refunds,
            *member.at_banks,
        ]
        rows += [*payments.entries, *payments.refunds]
        assert rows
        assert {row.customer.user_id for row in rows} == {user.pk}
        assert {row.user_id for row in [*member.asked, *payments.asked]} == {user.pk}
    theirs = Invoice.objects.for_user(other)[0], Payment.objects.for_user(other)[0]
    assert payment_facts.invoice(mine, theirs[0].pk) is None
    assert payment_facts.payment(mine, theirs[1].pk) is None
    assert refund_facts.request(mine, theirs[1].pk) is None
    assert refund_facts.refund(mine, Refund.objects.for_user(other)[0].pk) is None


def test_pages_of_two_customers_payments_follow_one_another(client: Client) -> None:
    user = factories.make_member()
    customers = [factories.make_customer(user), factories.make_customer(user)]
    # The others' are as new.
    others = [factories.make_customer(), *customers]
    days = [timezone.now() - number // 2 * DAY for number in range(60)]
    for number, at in enumerate(days):
        customer = others[number % 3] if number < 45 else others[1]
        times = {"created_at": at, "finalized_at": at}
        factories.make_invoice(customer, status="draft" if number % 7 == 0 else "paid", **times)
        factories.make_payment(customer, description=f"Payment-{number}", created_at=at)
    client.force_login(user)
    rows: list[Invoice | Payment] = [*Invoice.objects.for_user(user).exclude(status="draft")]
    rows += Payment.objects.for_user(user)
    rows.sort(key=lambda row: (-row.created_at.timestamp(), isinstance(row, Payment), -row.pk))
    address, seen = "/payments/", []
    while address:
        page = client.get(address).content.decode()
        seen += re.findall(r'class="row-link" href="([^"]+)"', page)
        older = re.search(r'href="(/payments/\?before=[ip]\d+)"', page)
        address = older[1] if older else ""
    assert len(seen) > 6 * PAGE_SIZE
    kinds = {True: "/payments/{}/", False: "/payments/invoices/{}/"}
    assert seen == [kinds[isinstance(row, Payment)].format(row.pk) for row in rows]
