"""Disputes: opened, answered, decided; told to staff once, whatever fails."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from billing.core.statuses import DisputeStatus, EventState
from billing.facts import disputes
from billing.inbound import events
from billing.models import Customer, Dispute, Payment, Reconciliation, StripeEvent
from billing.models.locks import queue_lock
from billing.reconcile import history, missed_events
from billing.stripe import gateway, snapshots
from billing.sync import refresh
from billing.tests import factories
from billing.tests.inbound.test_events import forget_everything_but_the_customer, messages, rows
from billing.tests.life import ASKED_ABOUT_CARD, DISPUTED_CARD, deliver, sign_up, subscribe
from billing.tests.reconcile.test_reconcile import run
from conftest import Sandbox, run_jobs
from emails.models import Message
from testing import thorough
from testing.thorough import examples

pytestmark = pytest.mark.django_db

DAY = 86_400


@pytest.fixture(autouse=True)
def staff_address(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com", "office@example.com"]


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose first payment is disputed a second later; nothing has arrived here yet."""
    user = sign_up()
    subscribe(sandbox, user, DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=5)
    return user


def answer(sandbox: Sandbox, text: str) -> None:
    """Send evidence; the bank decides within seconds."""
    dispute_id = sandbox.stripe.v1.disputes.list().data[0].id
    sandbox.stripe.v1.disputes.update(dispute_id, {"evidence": {"uncategorized_text": text}})


def told() -> list[tuple[str, str]]:
    """Return what was written to the staff: kind and address."""
    mails = Message.objects.filter(kind__startswith="dispute_").order_by("kind", "recipient")
    return list(mails.values_list("kind", "recipient"))


@pytest.mark.slow
def test_a_dispute_is_copied_and_told_to_the_staff_but_not_to_the_member(
    sandbox: Sandbox, alice: User
) -> None:
    deliver(sandbox.events())
    row = Dispute.objects.for_user(alice).get()
    assert row.payment == Payment.objects.for_user(alice).get()
    assert (row.status, row.reason, row.amount, row.currency) == (
        "needs_response",
        "fraudulent",
        2900,
        "usd",
    )
    assert row.network_reason_code == "10.4"
    assert row.evidence_due_at
    assert (row.has_evidence, row.submission_count) == (False, 0)
    assert told() == [
        ("dispute_opened", "office@example.com"),
        ("dispute_opened", "owner@example.com"),
    ]
    assert not Message.objects.filter(user=alice, kind__startswith="dispute_").exists()
    mail = Message.objects.get(kind="dispute_opened", recipient="owner@example.com")
    assert mail.subject.startswith("Dispute: $29.00 from Alice Archer, answer by ")
    assert f"/staff/billing/dispute/{row.pk}/" in mail.context["url"]


def test_without_an_address_only_the_staff_site_shows_it(
    sandbox: Sandbox, alice: User, settings: Settings
) -> None:
    settings.STAFF_EMAIL = []
    deliver(sandbox.events())
    assert Dispute.objects.for_user(alice).exists()
    assert told() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("evidence", "status", "subject"),
    [
        ("winning_evidence", "won", "Dispute won: $29.00 from Alice Archer"),
        ("losing_evidence", "lost", "Dispute lost: $29.00 from Alice Archer"),
    ],
)
def test_from_opened_to_decided(
    sandbox: Sandbox, alice: User, evidence: str, status: str, subject: str
) -> None:
    deliver(sandbox.events())
    answer(sandbox, evidence)
    deliver(sandbox.events())
    row = Dispute.objects.get()
    assert (row.status, row.has_evidence, row.submission_count) == ("under_review", True, 1)
    assert len(told()) == 2, "That it is under review is no news."

    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.status == status
    assert not row.is_open
    assert disputes.closed_at(row)
    assert [kind for kind, _ in told()] == ["dispute_closed"] * 2 + ["dispute_opened"] * 2
    closed = Message.objects.filter(kind="dispute_closed")
    assert {message.subject for message in closed} == {subject}


@pytest.mark.slow
def test_nobody_answers_and_it_is_lost(sandbox: Sandbox, alice: User) -> None:
    sandbox.control("clock", advance_seconds=10 * DAY)
    deliver(sandbox.events())
    assert Dispute.objects.get().status == "lost"
    assert {kind for kind, _ in told()} == {"dispute_closed"}


def dispute_status(payment: Payment) -> tuple[bool, int] | None:
    return disputes.status_of([payment]).get(payment.pk)


def inquiry(sandbox: Sandbox) -> Dispute:
    subscribe(sandbox, sign_up(), ASKED_ABOUT_CARD)
    sandbox.control("clock", advance_seconds=5)
    deliver(sandbox.events())
    return Dispute.objects.get()


@pytest.mark.slow
def test_an_inquiry_that_ends_well(sandbox: Sandbox) -> None:
    row = inquiry(sandbox)
    assert (row.status, row.is_inquiry) == ("warning_needs_response", True)
    subjects = Message.objects.filter(kind="dispute_opened").values_list("subject", flat=True)
    assert all(subject.startswith("Bank inquiry: $29.00 from Alice") for subject in subjects)
    answer(sandbox, "winning_evidence")
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.status == "warning_under_review"
    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.status, row.is_open) == ("warning_closed", False)
    assert dispute_status(row.payment) == (False, 0)
    closed = Message.objects.filter(kind="dispute_closed").values_list("subject", flat=True)
    assert set(closed) == {"Bank inquiry closed: $29.00 from Alice Archer"}


@pytest.mark.slow
def test_an_inquiry_that_becomes_a_dispute_is_told_as_one_more_to_answer(sandbox: Sandbox) -> None:
    row = inquiry(sandbox)
    answer(sandbox, "escalate_inquiry_evidence")
    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.status, row.submission_count) == ("needs_response", 0)
    assert [kind for kind, _ in told()] == ["dispute_opened"] * 4
    subjects = Message.objects.filter(recipient="owner@example.com").values_list(
        "subject", flat=True
    )
    assert {subject.partition(":")[0] for subject in subjects} == {"Bank inquiry", "Dispute"}


@pytest.mark.slow
def test_a_running_dispute_and_a_lost_one_are_known_to_whoever_refunds(
    sandbox: Sandbox, alice: User
) -> None:
    deliver(sandbox.events())
    payment = Payment.objects.get()
    assert disputes.open_disputes(payment).count() == 1
    assert dispute_status(payment) == (True, 0)
    answer(sandbox, "losing_evidence")
    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    assert not disputes.open_disputes(payment).exists()
    assert dispute_status(payment) == (False, 2900)
    assert dispute_status(factories.make_payment()) is None


@pytest.mark.parametrize("status", DisputeStatus)
def test_every_status_is_open_or_over(status: DisputeStatus) -> None:
    row = factories.make_dispute(status=status)
    is_over = status in ("won", "lost", "prevented", "warning_closed")
    assert row.is_open != is_over
    assert disputes.open_disputes(row.payment).exists() != is_over


@thorough.MARK
def test_any_order_number_and_loss_end_in_the_same_rows_and_messages(
    sandbox: Sandbox, alice: User
) -> None:
    answer(sandbox, "winning_evidence")
    sandbox.control("clock", advance_seconds=30)
    life = sandbox.events()
    deliver(life)
    expected = (rows(), messages())
    assert Dispute.objects.get().status == "won"
    about = [event for event in life if event["type"].startswith("charge.dispute.")]
    assert len(about) == 5

    @hypothesis_settings(
        max_examples=examples(few=2, many=8),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.randoms(use_true_random=False), lost=st.floats(0, 0.9))
    def faults(seed: random.Random, lost: float) -> None:
        forget_everything_but_the_customer()
        arriving = [event for event in life if seed.random() >= lost]
        arriving += [event for event in arriving if seed.random() < 0.5]
        seed.shuffle(arriving)
        deliver(arriving)
        missed_events.find_missed_events()
        run_jobs()
        assert (rows(), messages()) == expected
        assert not StripeEvent.objects.exclude(
            state__in=[EventState.PROCESSED, EventState.IGNORED]
        ).exists()

    faults()


@pytest.mark.slow
def test_each_step_is_told_once_with_events_twice_and_shuffled(
    sandbox: Sandbox, alice: User
) -> None:
    def step(expected: list[str]) -> None:
        arriving = sandbox.events() * 2
        random.Random(5).shuffle(arriving)
        deliver(arriving)
        assert sorted({kind for kind, _ in told()}) == expected
        assert len(told()) == 2 * len(expected)

    step(["dispute_opened"])
    answer(sandbox, "losing_evidence")
    step(["dispute_opened"])
    sandbox.control("clock", advance_seconds=30)
    step(["dispute_closed", "dispute_opened"])


def test_a_dispute_event_alone_brings_its_payment_and_customer(
    sandbox: Sandbox, alice: User
) -> None:
    [event] = [one for one in sandbox.events() if one["type"] == "charge.dispute.created"]
    deliver([event])
    assert Dispute.objects.for_user(alice).get().payment.status == "succeeded"


def test_events_of_a_dispute_wait_for_each_other() -> None:
    payload = {"data": {"object": {"id": "du_1", "object": "dispute", "charge": "ch_1"}}}
    assert events.lock_of(payload) == ""
    assert queue_lock("", "du_1", "evt_1") == "stripe:du_1"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_dispute_read_beside_its_customers_other_objects_is_right(
    sandbox: Sandbox, alice: User
) -> None:
    """A dispute's events do not wait for those of its customer: the row lock decides."""
    payment_id = sandbox.stripe.v1.disputes.list().data[0].payment_intent
    dispute_id = sandbox.stripe.v1.disputes.list().data[0].id
    refresh.sync_payment(str(payment_id))
    done: list[str] = []

    def read(function: Any, identifier: str) -> None:
        try:
            for _ in range(3):
                function(identifier)
            done.append(identifier)
        finally:
            connection.close()

    pairs = [(refresh.sync_dispute, dispute_id)] * 3 + [(refresh.sync_payment, str(payment_id))] * 3
    threads = [threading.Thread(target=read, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == len(pairs)
    assert Dispute.objects.get().status == "needs_response"
    assert len(told()) == 2


@pytest.mark.slow
def test_the_comparison_finds_a_changed_dispute_and_repairs_it(
    sandbox: Sandbox, alice: User
) -> None:
    deliver(sandbox.events())
    before = told()
    assert run()[1]
    Dispute.objects.update(status="won", amount=1)
    printed, is_well = run()
    assert not is_well
    assert "status: Won here, Needs response at Stripe" in printed
    assert "amount: $0.01 here, $29.00 at Stripe" in printed
    assert run("--repair")[1]
    assert Dispute.objects.get().amount == 2900
    Dispute.objects.all().delete()
    printed, is_well = run()
    assert "Not in our records. Found at Stripe." in printed
    assert run("--repair")[1]
    assert Dispute.objects.get().status == "needs_response"
    assert told() == before
    assert Reconciliation.objects.latest("pk").differences_left == 0


def test_the_history_of_a_customer_has_its_disputes_and_writes_to_nobody(
    sandbox: Sandbox,
) -> None:
    sandbox.control("clock", set=int((timezone.now() - timedelta(hours=1)).timestamp()))
    for name in ("Alice Archer", "Bob Baker"):
        subscribe(sandbox, sign_up(name), DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=60)
    history.read_history(Customer.objects.get(user__first_name="Alice").stripe_id)
    assert Dispute.objects.get().customer.user.first_name == "Alice"
    assert told() == []


def test_a_charge_says_whose_its_dispute_is_where_it_names_no_payment_intent(
    sandbox: Sandbox, alice: User
) -> None:
    dispute = sandbox.stripe.v1.disputes.list({"expand": ["data.charge"]}).data[0].to_dict()
    seen = snapshots.dispute(dispute | {"payment_intent": None})
    assert seen.customer_id == Customer.objects.get(user=alice).stripe_id
    assert seen.payment_intent_id.startswith("pi_")
    alone = snapshots.dispute(dispute | {"payment_intent": None, "charge": "ch_1"})
    assert (alone.customer_id, alone.payment_intent_id, alone.charge_id) == ("", "", "ch_1")


def test_an_import_of_what_was_decided_long_ago_writes_to_nobody(
    sandbox: Sandbox, settings: Settings
) -> None:
    sandbox.control("clock", set=int((timezone.now() - timedelta(days=60)).timestamp()))
    subscribe(sandbox, sign_up(), DISPUTED_CARD)
    sandbox.control("clock", advance_seconds=20 * DAY)
    assert run("--repair")[1]
    assert Dispute.objects.get().status == "lost"
    assert told() == []


def test_a_dispute_that_is_gone_is_ignored(sandbox: Sandbox, alice: User) -> None:
    event = next(one for one in sandbox.events() if one["type"] == "charge.dispute.created")
    event["data"]["object"]["id"] = "du_gone"
    deliver([event | {"id": "evt_gone"}])
    stored = StripeEvent.objects.get()
    assert (stored.state, stored.error) == ("ignored", "The object is no longer at Stripe.")
    with pytest.raises(gateway.StripeMissing):
        refresh.sync_dispute("du_gone")


@pytest.mark.slow
def test_strangers_see_no_disputes(sandbox: Sandbox, alice: User) -> None:
    deliver(sandbox.events())
    assert not Dispute.objects.for_user(factories.make_member("Mallory Marsh")).exists()
