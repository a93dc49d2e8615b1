"""A dispute in another currency than its payment: its amount is never taken for the payment's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from billing.facts import disputes, income
from billing.models import Payment
from billing.refunds import terms
from billing.tests import factories
from billing.tests.staff_world import billing, signed_in_now
from common.staff import show

pytestmark = pytest.mark.django_db


def disputed(status: str = "lost", *, refunded: int = 0, currency: str = "eur") -> Payment:
    payment = factories.make_payment(
        amount=2900, amount_received=2900, amount_refunded=refunded, paid_at=timezone.now()
    )
    factories.make_dispute(payment, status=status, amount=2600, currency=currency)
    return Payment.objects.prefetch_related("disputes").get(pk=payment.pk)


def test_nothing_of_the_payment_is_left_once_it_is_lost() -> None:
    payment = disputed()
    assert disputes.status_of([payment]) == {payment.pk: (False, 2900)}
    # The same without prefetching, which the database counts.
    plain = Payment.objects.get(pk=payment.pk)
    assert disputes.status_of([plain]) == {payment.pk: (False, 2900)}
    assert income.returned(payment) == 2900
    assert income.net(payment) == 0
    assert income.returned_of(Payment.objects.all()) == {"usd": 2900}
    facts = terms.facts_of(plain)
    assert (facts.left, facts.is_charged_back) == (0, True)


def test_what_was_refunded_before_counts_once() -> None:
    payment = disputed(refunded=900)
    assert income.returned(payment) == 2000
    assert income.net(payment) == 0
    assert income.returned_of(Payment.objects.all()) == {"usd": 2000}


def test_in_the_payments_own_currency_the_rest_is_kept() -> None:
    payment = disputed(currency="usd")
    assert income.net(payment) == 300
    assert disputes.status_of([Payment.objects.get()]) == {payment.pk: (False, 2600)}


def test_pages_show_each_amount_in_its_own_currency(client: Client) -> None:
    payment = disputed("needs_response")
    row = payment.disputes.get()
    page = signed_in_now(billing()).get(show.page_of(row)).content.decode()
    assert "€26.00" in page
    assert "$29.00" in page
    assert "$26.00" not in page
    client.force_login(payment.customer.user)
    mine = client.get(f"/payments/{payment.pk}/", follow=True).content.decode()
    assert "$26.00" not in mine
    assert "€26.00" in mine
