"""What Zelle has paid isn't paid by card as well, in whatever tab; what's undone can be paid."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from pytest_django import Settings

from billing.membership import checkout
from billing.models import Checkout, ExpectedTransfer, Invoice, PaymentRequest, Subscription
from billing.payments import single_payments
from billing.tests.factories import PRICE_ID, make_member
from billing.tests.life import GOOD_CARD, deliver
from billing.tests.refund_world import policy
from billing.tests.zelle.world import make_terms, make_transfer
from billing.zelle import allocating, expecting
from billing.zelle.checks import AllocationError
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return make_member("Alice Archer")


@pytest.fixture
def manager(sandbox: Sandbox, settings: Settings) -> User:
    make_terms()
    policy()
    settings.ZELLE_PRICE_ID = PRICE_ID
    user = make_member("Mia Manager", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="match_bank_transfer"))
    return User.objects.get(pk=user.pk)


def count(row: ExpectedTransfer, actor: User) -> ExpectedTransfer:
    """Let money come for it and count; nothing is booked yet."""
    allocating.allocate(make_transfer(row.amount).pk, {row.pk: row.amount}, actor)
    row.refresh_from_db()
    return row


def told(user: User) -> list[str]:
    kinds = Message.objects.filter(user=user, channel="email").order_by("pk")
    return list(kinds.values_list("kind", flat=True))


def complete(sandbox: Sandbox) -> None:
    """Pay on the page that's open in another tab."""
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=GOOD_CARD, authenticate=True)


def test_the_page_for_a_card_is_closed_once_zelle_has_paid(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    request = PaymentRequest.objects.create(
        user=alice, amount=2900, currency="usd", description="Workshop", sent_at=timezone.now()
    )
    single_payments.pay_request(alice, request.pk)
    session_id = Checkout.objects.get().session_id
    count(expecting.start_request(alice, request.pk), manager)
    run_jobs()
    deliver(sandbox.events())
    assert Checkout.objects.get().state == "expired"
    assert sandbox.stripe.v1.checkout.sessions.retrieve(session_id).status == "expired"
    assert ExpectedTransfer.objects.get().problem == ""
    assert told(alice) == ["zelle_started", "zelle_received"]


def test_one_that_was_paid_in_that_moment_is_for_staff(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    request = PaymentRequest.objects.create(
        user=alice, amount=2900, currency="usd", description="Workshop", sent_at=timezone.now()
    )
    single_payments.pay_request(alice, request.pk)
    row = count(expecting.start_request(alice, request.pk), manager)
    complete(sandbox)
    run_jobs()
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.booked_at
    assert "by card, too" in row.problem
    # Both are in the books, and can be refunded.
    assert Invoice.objects.get(customer__user=alice).status == "paid"
    assert Checkout.objects.get().payment


@pytest.mark.parametrize("is_paid", [False, True])
def test_a_membership_begins_once_whichever_tab_is_paid(
    sandbox: Sandbox, alice: User, manager: User, is_paid: bool
) -> None:
    checkout.start_membership(alice)
    started = expecting.start_membership(alice, PRICE_ID)
    run_jobs()
    row = count(started, manager)
    if is_paid:
        complete(sandbox)
    run_jobs()
    deliver(sandbox.events())
    row.refresh_from_db()
    [membership] = Subscription.objects.for_user(alice).live()
    assert membership.is_sent is not is_paid
    assert row.booked_at
    assert row.invoice
    assert ("by card, too" in row.problem) is is_paid
    assert row.subscription == (None if is_paid else membership)
    welcome = ["zelle_received", "joined"] if is_paid else ["zelle_joined"]
    assert sorted(told(alice)) == sorted(["zelle_started", *welcome])


def test_what_is_undone_can_be_paid_again_in_time(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    row = count(expecting.start_amount(alice, 2900, "Mat"), manager)
    run_jobs()
    ExpectedTransfer.objects.update(expires_at=timezone.now() - timedelta(days=9))
    allocating.undo(row.allocations.get().pk, manager, "It was Bob's")
    run_jobs()
    expecting.expire()
    row.refresh_from_db()
    assert row.state == "waiting"
    assert "zelle_undone" in told(alice)
    assert count(row, manager).state == "confirmed"


def test_nothing_is_undone_while_another_payment_is_awaited(
    sandbox: Sandbox, alice: User, manager: User
) -> None:
    row = count(expecting.start_amount(alice, 2900, "Mat"), manager)
    run_jobs()
    other = expecting.start_amount(alice, 3500, "Block")
    allocation = row.allocations.get()
    with pytest.raises(AllocationError, match="started another payment"):
        allocating.undo(allocation.pk, manager, "It was Bob's")
    allocation.refresh_from_db()
    assert allocation.state == "confirmed"
    expecting.cancel(alice, other.pk)
    assert allocating.undo(allocation.pk, manager, "It was Bob's").state == "undone"
