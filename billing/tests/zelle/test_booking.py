"""Confirmed payments end in Stripe's books once, and can be given back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.core.statuses import PaymentStatus, RefundState, RequestState
from billing.models import (
    BankTransfer,
    CreditNote,
    ExpectedTransfer,
    Invoice,
    Payment,
    PaymentRequest,
    Refund,
    Subscription,
)
from billing.refunds import by_zelle, ledger
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.transitions import RefundError
from billing.stripe import gateway
from billing.tests.factories import PRICE_ID, make_member
from billing.tests.life import a_minute_passes, deliver
from billing.tests.refund_world import policy, refund_request
from billing.tests.zelle.bank import Money, came, expect, pay, staff
from billing.tests.zelle.world import make_terms
from billing.zelle import allocating, booking
from billing.zelle.checks import AllocationError
from conftest import Sandbox, run_jobs
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return make_member("Alice Archer")


@pytest.fixture
def manager() -> User:
    return staff("Mia Manager")


@pytest.fixture(autouse=True)
def _terms(sandbox: Sandbox) -> None:
    make_terms()
    policy()


def test_a_single_payment_is_an_invoice_paid_outside(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    paid = pay(expect(alice, description="Workshop für Łukasz 🧘"), manager)
    assert paid.state == ExpectedState.CONFIRMED
    assert paid.booked_at
    assert not paid.problem
    invoice = paid.invoice
    assert invoice
    assert (invoice.status, invoice.amount_paid_outside, invoice.total) == ("paid", 2900, 2900)
    assert invoice.lines[0]["description"] == "Workshop für Łukasz 🧘"
    [payment] = Payment.objects.filter(customer__user=alice)
    assert payment.is_by_zelle
    assert (payment.status, payment.amount_received) == (PaymentStatus.SUCCEEDED, 2900)
    deliver(sandbox.events())
    assert Payment.objects.get() == payment


def test_booking_twice_makes_one_invoice(sandbox: Sandbox, alice: User, manager: User) -> None:
    paid = pay(expect(alice), manager)
    ExpectedTransfer.objects.filter(pk=paid.pk).update(booked_at=None, invoice=None)
    booking.book(paid.pk)
    booking.book(paid.pk)
    assert len(sandbox.stripe.v1.invoices.list().data) == 1
    assert ExpectedTransfer.objects.get(pk=paid.pk).invoice == Invoice.objects.get()


@pytest.mark.parametrize("purpose", ["membership", "amount"])
@pytest.mark.parametrize("trouble", ["api_fail", "api_answer_lost"])
def test_runs_that_are_cut_short_make_one_invoice_in_the_end(
    sandbox: Sandbox, alice: User, manager: User, purpose: str, trouble: str
) -> None:
    expected, transfer = expect(alice, purpose=purpose, price_id=PRICE_ID), came(Money())
    allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    sandbox.control("switches", **{trouble: 0.7})
    for _ in range(4):
        with suppress(gateway.StripeError):
            booking.book(expected.pk)
    sandbox.control("switches", **{trouble: 0})
    booking.book(expected.pk)
    [invoice] = sandbox.stripe.v1.invoices.list().data
    assert (invoice.status, invoice.amount_paid) == ("paid", 2900)
    row = ExpectedTransfer.objects.get(pk=expected.pk)
    assert row.booked_at
    assert row.problem == ""
    assert Payment.objects.get().amount_received == 2900


def test_an_outage_leaves_the_payment_to_be_booked_later(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    expected, transfer = expect(alice), came(Money())
    allocating.allocate(transfer.pk, {expected.pk: 2900}, manager)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(gateway.StripeUnavailable):
        booking.book(expected.pk)
    row = ExpectedTransfer.objects.get(pk=expected.pk)
    assert (row.state, row.booked_at) == (ExpectedState.CONFIRMED, None)
    assert "did not answer" in row.problem
    sandbox.control("switches", api_fail=0)
    booking.book(expected.pk)
    row.refresh_from_db()
    assert row.booked_at
    assert row.problem == ""


def test_a_payment_request_is_paid_at_once(sandbox: Sandbox, alice: User, manager: User) -> None:
    asked = PaymentRequest.objects.create(
        user=alice, amount=4000, currency="usd", description="Locker"
    )
    pay(expect(alice, 4000, purpose="request", request=asked, description="Locker"), manager)
    asked.refresh_from_db()
    assert asked.state == RequestState.PAID
    assert asked.paid_at


def test_a_membership_begins_with_the_money_and_its_invoices_are_sent(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    expected = expect(alice, purpose="membership", price_id=PRICE_ID)
    paid = pay(expected, manager)
    [membership] = Subscription.objects.for_user(alice)
    assert membership.is_membership
    assert membership.is_live
    assert membership.is_sent
    assert paid.subscription == membership
    [invoice] = Invoice.objects.filter(customer__user=alice)
    assert (invoice.status, invoice.amount_paid_outside) == ("paid", 2900)
    assert invoice.membership == membership
    deliver(sandbox.events())
    assert Subscription.objects.get().is_live
    # The welcome has the receipt in it, whether Stripe's news or the booking came first.
    a_minute_passes()
    [mail] = [one for one in sandbox.look("mailbox") if "Receipt" in one["subject"]]
    assert mail["subject"] == "Welcome to Portal. Receipt: $29.00 for Payment"
    assert "Paid with: Zelle" in mail["text"]
    assert "Next invoice: $29.00 on " in mail["text"]
    assert not Message.objects.filter(kind__in=["welcome", "zelle_received"]).exists()


def test_the_next_period_is_paid_by_paying_its_invoice(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    first = expect(alice, purpose="membership", price_id=PRICE_ID)
    pay(first, manager)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    invoice = Invoice.objects.latest("created_at")
    assert invoice.status in ("open", "draft")
    expected = ExpectedTransfer.objects.get(invoice=invoice, purpose="invoice")
    paid = pay(expected, manager, number="27250625042")
    assert paid.booked_at
    invoice.refresh_from_db()
    assert (invoice.status, invoice.amount_paid_outside) == ("paid", 2900)
    assert Payment.objects.filter(card_brand="zelle").count() == 2


# Who decides


def test_nobody_counts_money_for_themselves_or_without_a_permission(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    transfer = came(Money())
    own = expect(manager)
    with pytest.raises(AllocationError, match="own payment"):
        allocating.allocate(transfer.pk, {own.pk: 2900}, manager)
    with pytest.raises(PermissionDenied):
        allocating.allocate(transfer.pk, {expect(alice).pk: 2900}, alice)


def test_a_large_amount_takes_two_people(sandbox: Sandbox, alice: User, manager: User) -> None:
    expected, transfer = expect(alice, 10_000), came(Money(amount=10_000))
    [row] = allocating.allocate(transfer.pk, {expected.pk: 10_000}, manager)
    assert row.state == AllocationState.PROPOSED
    with pytest.raises(AllocationError, match="Somebody else"):
        allocating.confirm(row.pk, manager)
    assert allocating.confirm(row.pk, staff("Sam Second")).state == AllocationState.CONFIRMED
    expected.refresh_from_db()
    assert expected.state == ExpectedState.CONFIRMED


def test_no_money_counts_twice_and_no_payment_is_paid_twice(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    expected, other = expect(alice), expect(alice, 1000, purpose="invoice")
    transfer = came(Money(number="1000001"), Money(number="1000002"))
    first = BankTransfer.objects.exclude(pk=transfer.pk).get()
    allocating.allocate(transfer.pk, {expected.pk: 2000}, manager)
    with pytest.raises(AllocationError, match=r"\$9\.00 is left"):
        allocating.allocate(transfer.pk, {other.pk: 1000}, manager)
    with pytest.raises(AllocationError, match=r"\$9\.00 is still to come"):
        allocating.allocate(first.pk, {expected.pk: 901}, manager)
    expected.refresh_from_db()
    assert expected.state == ExpectedState.WAITING
    allocating.allocate(first.pk, {expected.pk: 900, other.pk: 1000}, manager)
    expected.refresh_from_db()
    assert expected.state == ExpectedState.CONFIRMED
    with pytest.raises(AllocationError, match="paid already"):
        allocating.allocate(first.pk, {expected.pk: 1}, manager)


def test_undoing_takes_back_what_was_booked_and_it_can_be_paid_again(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    asked = PaymentRequest.objects.create(
        user=alice, amount=2900, currency="usd", description="Locker"
    )
    paid = pay(expect(alice, purpose="request", request=asked), manager)
    invoice = paid.invoice
    assert invoice
    row = paid.allocations.get()
    allocating.undo(row.pk, manager, "It was Bob's")
    run_jobs()
    asked.refresh_from_db()
    paid.refresh_from_db()
    assert (asked.state, paid.state, paid.booked_at) == ("open", ExpectedState.WAITING, None)
    [note] = CreditNote.objects.filter(invoice=invoice)
    assert note.out_of_band == 2900
    assert Payment.objects.get(invoice=invoice).amount_refunded == 2900
    assert not Message.objects.filter(kind="credit_note").exists(), "it was told already"
    again = pay(paid, manager, number="1000009")
    assert again.invoice != invoice
    assert asked.__class__.objects.get(pk=asked.pk).state == RequestState.PAID
    with pytest.raises(AllocationError, match="undone already"):
        allocating.undo(row.pk, manager, "Again")


# Refunds


def email(user: User, kind: str) -> rendering.RenderedEmail:
    """Return the one email of a kind as its member reads it."""
    return rendering.render_email(Message.objects.get(user=user, kind=kind, channel="email"))


def test_a_refund_is_sent_by_people_and_proved_by_the_file(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    row = refunds.request(alice, payment.pk, refund_request(1000))
    assert row.state == RefundState.REQUESTED, "people send it, so people decide"
    refunds.approve(row.pk, manager)
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.APPROVED
    assert list(Refund.objects.by_zelle()) == [row]
    assert not Refund.objects.to_send().exists()
    with pytest.raises(RefundError, match="number"):
        by_zelle.mark_sent(row.pk, manager, " ")
    by_zelle.mark_sent(row.pk, manager, "30000000001")
    row.refresh_from_db()
    assert (row.state, row.reference) == (RefundState.PENDING, "30000000001")
    sent = email(alice, "refund_sent")
    assert sent.subject == "We’ve sent your refund of $10.00 by Zelle"
    assert "takes a little longer" not in sent.text
    came(Money("ALICE ARCHER", -1000, "30000000001"))
    run_jobs()
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
    assert row.credit_note_id
    arrived = email(alice, "refund_arrived")
    assert "We refunded you $10.00 by Zelle" in arrived.text
    assert "usually shows it between" not in arrived.text
    assert not Message.objects.filter(kind="credit_note").exists(), "it was told already"
    payment.refresh_from_db()
    assert payment.amount_refunded == 1000
    assert refund_terms.committed_of(payment) == 1000
    assert refund_terms.facts_of(payment).left == 1900
    assert ledger.verify().problems == []


def test_a_refund_that_did_not_go_out_is_free_again(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    payment = Payment.objects.get()
    row = refunds.give(payment.pk, manager, refund_request(2900))
    by_zelle.mark_sent(row.pk, manager, "30000000001")
    by_zelle.mark_not_sent(row.pk, manager, "The bank refused it")
    row.refresh_from_db()
    assert row.state == RefundState.FAILED
    assert refund_terms.facts_of(payment).left == 2900
    assert ledger.verify().problems == []
    with pytest.raises(RefundError):
        by_zelle.mark_sent(row.pk, manager, "30000000002")


def test_nobody_sends_a_refund_of_their_own_or_by_anothers_number(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    pay(expect(manager, purpose="invoice"), staff("Sam Second"), number="1000002")
    first = refunds.give(Payment.objects.get(customer__user=alice).pk, manager, refund_request(100))
    own_payment = Payment.objects.get(customer__user=manager)
    own = refunds.give(own_payment.pk, staff("Tia Third"), refund_request(100))
    with pytest.raises(RefundError, match="own refund"):
        by_zelle.mark_sent(own.pk, manager, "30000000001")
    by_zelle.mark_sent(first.pk, manager, "30000000001")
    with pytest.raises(RefundError, match="Another refund"):
        by_zelle.mark_sent(own.pk, staff("Una Fourth"), "30000000001")


def test_without_a_number_the_only_refund_of_that_name_and_amount_is_proved(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    pay(expect(alice), manager)
    row = refunds.give(Payment.objects.get().pk, manager, refund_request(1000))
    by_zelle.mark_sent(row.pk, manager, "JPM123")
    today = row.created_at.date()
    came(Money("KIM PARK", -1000, "", on=today))
    row.refresh_from_db()
    assert row.state == RefundState.PENDING
    came(Money("Archer Alice", -1000, "", on=today))
    row.refresh_from_db()
    assert row.state == RefundState.SUCCEEDED
