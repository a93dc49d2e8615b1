"""What members and staff see of a disputed payment."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import DjangoAssertNumQueries

from billing.facts import disputes
from billing.models import BalanceTransaction, Dispute, Payment
from billing.sync import balance
from billing.tests import factories
from billing.tests.life import DISPUTED_CARD, paid_member
from billing.tests.staff_world import auditor
from billing.tests.sync.test_balance import catch_up
from common.staff import show
from conftest import Sandbox

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15


def page(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def single(user: User, **fields: object) -> Payment:
    customer = getattr(user, "customer", None) or factories.make_customer(user)
    return factories.make_payment(customer, **fields)


@pytest.mark.parametrize(
    ("status", "badge", "title", "said"),
    [
        (
            "needs_response",
            "Disputed",
            "disputed with the bank",
            "The bank is holding $29.00 until",
        ),
        (
            "under_review",
            "Disputed",
            "disputed with the bank",
            "ask your bank to withdraw the dispute",
        ),
        ("warning_needs_response", "Disputed", "Your bank is asking about", "No money has moved"),
        ("won", "Paid", "this payment stands", "found it valid"),
        ("lost", "Returned by the bank", "returned this payment", "refunded again here"),
        ("warning_closed", "Paid", "is settled", "the payment stands"),
    ],
)
def test_the_payments_page_says_what_became_of_it(
    client: Client, status: str, badge: str, title: str, said: str
) -> None:
    alice = factories.make_member()
    payment = single(alice)
    factories.make_dispute(payment, status=status)
    shown = page(client, alice, reverse("billing:payment", args=[payment.pk]))
    assert badge in shown
    assert title in shown
    assert said in shown
    for jargon in ("under_review", "du_factory", "chargeback", "evidence"):
        assert jargon not in shown
    assert badge in page(client, alice, reverse("billing:payments"))


def moved(dispute: Dispute, category: str, amount: int, fee: int = 0) -> None:
    now, number = timezone.now(), BalanceTransaction.objects.count()
    BalanceTransaction.objects.create(
        stripe_id=f"txn_fee{number}", kind="adjustment", category=category, amount=amount, fee=fee,
        net=amount - fee, currency="usd", balance_type="payments", created_at=now,
        available_at=now, read_at=now, dispute=dispute,
    )  # fmt: skip


def test_a_disputes_page_names_its_fee_and_what_came_back_of_it(client: Client) -> None:
    dispute = factories.make_dispute(single(factories.make_member()), status="lost")
    staff, url = auditor(), show.page_of(dispute)

    def said() -> str:
        shown = strip_tags(page(client, staff, url).replace("<", " <"))
        return " ".join(unescape(shown).split())

    assert "Stripe’s fee None so far" in said()
    moved(dispute, "dispute", -2900, fee=1500)
    assert "Stripe’s fee $15.00 Reason" in said()
    # A fee for countering it, of its own.
    moved(dispute, "fee", -1500)
    assert "Stripe’s fee $30.00 Reason" in said()
    Dispute.objects.update(status="won")
    moved(dispute, "dispute_reversal", 2900, fee=-1500)
    assert "Stripe’s fee $30.00, of which $15.00 came back Reason" in said()
    moved(dispute, "fee", 1500)
    assert "Stripe’s fee $30.00, which came back Reason" in said()
    listed = show.list_of("billing.balancetransaction", dispute=dispute.pk)
    assert listed in page(client, staff, url)
    assert "4 in USD" in page(client, staff, listed)


def test_a_dispute_at_stripe_has_the_fee_that_its_balance_says(sandbox: Sandbox) -> None:
    paid_member(sandbox, "Bob Baker", DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=3)
    catch_up(sandbox)
    balance.read_balance()
    [(taken, back)] = disputes.fees_of(Dispute.objects.get())
    assert (str(taken), str(back)) == ("$15.00", "$0.00")


def test_the_invoices_page_says_it_too(client: Client) -> None:
    alice = factories.make_member()
    invoice = factories.make_invoice(factories.make_customer(alice))
    factories.make_dispute(factories.make_payment(invoice=invoice))
    shown = page(client, alice, reverse("billing:invoice", args=[invoice.pk]))
    assert "This payment is disputed with the bank" in shown


def test_an_undisputed_payment_says_nothing_of_it(client: Client) -> None:
    alice = factories.make_member()
    payment = single(alice)
    assert (
        "disput" not in page(client, alice, reverse("billing:payment", args=[payment.pk])).lower()
    )


def test_a_stranger_does_not_see_it(client: Client) -> None:
    dispute = factories.make_dispute()
    client.force_login(factories.make_member("Mallory Marsh"))
    assert client.get(reverse("billing:payment", args=[dispute.payment_id])).status_code == 404


def test_many_disputed_payments_take_no_more_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice = factories.make_member()
    for _ in range(8):
        factories.make_dispute(single(alice))
    client.force_login(alice)
    with django_assert_max_num_queries(MOST_QUERIES):
        client.get(reverse("billing:payments"))


# Staff


def listed(client: Client, **query: str) -> str:
    client.force_login(auditor())
    return client.get(reverse("admin:billing_dispute_changelist"), query).content.decode()


def test_the_list_has_the_nearest_deadline_first_and_what_is_over_last(client: Client) -> None:
    now = timezone.now()
    for name, status, days in (
        ("Olga Over", "lost", 1),
        ("Luca Later", "needs_response", 8),
        ("Nora Near", "needs_response", 2),
    ):
        payment = single(factories.make_member(name))
        due = now + timedelta(days=days, minutes=5)
        factories.make_dispute(payment, status=status, evidence_due_at=due)
    shown = listed(client)
    assert shown.index("Nora Near") < shown.index("Luca Later") < shown.index("Olga Over")
    assert "2 days left" in shown
    assert "The card’s owner says that they did not make this payment." in shown
    to_answer = listed(client, stage="answer")
    assert "Nora Near" in to_answer
    assert "Olga Over" not in to_answer
    assert "Olga Over" in listed(client, stage="over")


def test_a_deadline_that_passed_says_so(client: Client) -> None:
    factories.make_dispute(evidence_due_at=timezone.now() - timedelta(hours=1))
    assert "The time is over" in listed(client)


def test_pages_link_the_dispute_the_payment_and_the_customer(client: Client) -> None:
    dispute = factories.make_dispute()
    client.force_login(auditor())
    url = reverse("admin:billing_dispute_change", args=[dispute.pk])
    shown = client.get(url).content.decode()
    payment = reverse("admin:billing_payment_change", args=[dispute.payment_id])
    customer = reverse("admin:billing_customer_change", args=[dispute.customer_id])
    assert payment in shown
    assert customer in shown
    assert "Download evidence" in shown
    assert "Send it to the bank" in shown
    for other in (payment, customer):
        assert url in client.get(other).content.decode()


def test_a_decided_dispute_asks_for_nothing(client: Client) -> None:
    dispute = factories.make_dispute(status="won")
    client.force_login(auditor())
    url = reverse("admin:billing_dispute_change", args=[dispute.pk])
    page = client.get(url).content.decode()
    assert "Answer this dispute" not in page
    assert "How to answer" not in page
    running = factories.make_dispute()
    url = reverse("admin:billing_dispute_change", args=[running.pk])
    assert "How to answer" in client.get(url).content.decode()


@pytest.mark.slow
def test_a_dispute_is_found_by_name_and_by_its_payment(client: Client) -> None:
    dispute = factories.make_dispute(single(factories.make_member("Nora Near")))
    factories.make_dispute(single(factories.make_member("Luca Later")))
    for term in ("nora", dispute.stripe_id, dispute.payment.stripe_id):
        shown = listed(client, q=term)
        assert "Nora Near" in shown, term
        assert "Luca Later" not in shown, term
    assert Dispute.objects.count() == 2
