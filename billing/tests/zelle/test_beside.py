"""What happens beside us: in Stripe's dashboard, with Stripe Tax, and to the customer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from billing.core.bank_statuses import ExpectedState
from billing.membership import checkout
from billing.models import Customer, ExpectedTransfer, Invoice, Payment
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.transitions import RefundAmountError
from billing.tests.factories import PRICE_ID, make_member
from billing.tests.life import deliver
from billing.tests.refund_world import policy, refund_request
from billing.tests.zelle.bank import Money, came, expect, pay, staff
from billing.tests.zelle.world import make_terms
from billing.zelle import allocating, booking
from billing.zelle.checks import AllocationError
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db
ADDRESS: Any = {"address": {"country": "US", "state": "NY", "postal_code": "10001"}}


@pytest.fixture(autouse=True)
def _world(sandbox: Sandbox) -> None:
    make_terms()
    policy()


@pytest.fixture
def alice() -> User:
    return make_member("Alice Archer")


@pytest.fixture
def manager() -> User:
    return staff("Mia Manager")


def test_what_the_owner_gave_back_in_the_dashboard_is_not_given_back_again(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    paid = pay(expect(alice), manager)
    assert paid.invoice
    note: Any = {"invoice": paid.invoice.stripe_id, "amount": 1900, "out_of_band_amount": 1900}
    sandbox.stripe.v1.credit_notes.create(note)
    deliver(sandbox.events())
    payment = Payment.objects.get()
    assert payment.amount_refunded == 1900
    assert refund_terms.facts_of(payment).left == 1000
    assert Message.objects.filter(user=alice, kind="credit_note").exists()
    with pytest.raises(RefundAmountError):
        refunds.give(payment.pk, manager, refund_request(1001))
    refunds.give(payment.pk, manager, refund_request(1000))
    assert refund_terms.facts_of(payment).left == 0


def test_a_renewal_that_the_owner_marked_as_paid_in_the_dashboard_is_not_paid_again(
    sandbox: Sandbox, settings: Settings, alice: User, manager: User
) -> None:
    settings.ZELLE_PRICE_ID = PRICE_ID
    pay(expect(alice, purpose="membership", price_id=PRICE_ID), manager)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    invoice = Invoice.objects.latest("created_at")
    expected = ExpectedTransfer.objects.get(invoice=invoice, purpose="invoice")
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    expected.refresh_from_db()
    assert expected.state == ExpectedState.CANCELED
    transfer = came(Money(number="27250625049"))
    with pytest.raises(AllocationError):
        allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    invoice.refresh_from_db()
    assert invoice.amount_paid_outside == 2900


@pytest.mark.parametrize("purpose", ["amount", "membership"])
def test_a_customer_deleted_before_the_booking_is_replaced(
    sandbox: Sandbox, alice: User, manager: User, purpose: str
) -> None:
    gone = checkout.customer_of(alice).stripe_id
    expected, transfer = expect(alice, purpose=purpose, price_id=PRICE_ID), came(Money())
    allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    sandbox.stripe.v1.customers.delete(gone)
    booking.book(expected.pk)
    row = ExpectedTransfer.objects.get(pk=expected.pk)
    assert row.booked_at
    assert row.invoice
    assert row.invoice.customer == Customer.objects.get(user=alice, deleted_at_stripe=False)


@pytest.mark.parametrize("has_place", [False, True])
@pytest.mark.parametrize("purpose", ["amount", "membership"])
def test_with_stripe_tax_the_money_is_what_was_sent(
    sandbox: Sandbox,
    settings: Settings,
    alice: User,
    manager: User,
    purpose: str,
    *,
    has_place: bool,
) -> None:
    settings.STRIPE_TAX, settings.STRIPE_TAX_BEHAVIOR = True, "inclusive"
    customer = checkout.customer_of(alice).stripe_id
    inside: Any = {"tax_behavior": "inclusive"}
    sandbox.stripe.v1.prices.update(PRICE_ID, inside)
    if has_place:
        sandbox.stripe.v1.customers.update(customer, ADDRESS)
    expected, transfer = expect(alice, purpose=purpose, price_id=PRICE_ID), came(Money())
    allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    run_jobs()
    row = ExpectedTransfer.objects.get(pk=expected.pk)
    assert row.booked_at
    assert row.invoice
    assert row.problem == ""
    assert (row.invoice.total, bool(row.invoice.tax)) == (2900, has_place)


@pytest.mark.parametrize("balance", [-1000, -5000, 700])
@pytest.mark.parametrize("purpose", ["amount", "membership"])
def test_who_sends_the_whole_price_keeps_their_credit_and_what_they_owe(
    sandbox: Sandbox, alice: User, manager: User, purpose: str, balance: int
) -> None:
    customer = checkout.customer_of(alice).stripe_id
    changes: Any = {"balance": balance}
    sandbox.stripe.v1.customers.update(customer, changes)
    expected, transfer = expect(alice, purpose=purpose, price_id=PRICE_ID), came(Money())
    allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    run_jobs()
    row = ExpectedTransfer.objects.get(pk=expected.pk)
    assert row.booked_at
    assert row.problem == ""
    assert sandbox.stripe.v1.customers.retrieve(customer).balance == balance
    ExpectedTransfer.objects.filter(pk=row.pk).update(booked_at=None, invoice=None)
    booking.book(row.pk)
    assert sandbox.stripe.v1.customers.retrieve(customer).balance == balance
