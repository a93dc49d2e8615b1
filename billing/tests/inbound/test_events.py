"""Events in any order and number: the same rows, the same messages."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from billing.core.statuses import EventState
from billing.inbound import inbox
from billing.models import (
    Checkout,
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    Reconciliation,
    StripeEvent,
    Subscription,
)
from billing.reconcile import missed_events
from billing.stripe.gateway import StripeUnavailable
from billing.sync import refresh, writing
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    paid_member,
    sign_up,
    subscribe,
)
from common.one_by_one import SomeFailed
from conftest import Sandbox, run_jobs
from emails.models import Message
from testing import thorough
from testing.thorough import examples, phases

pytestmark = pytest.mark.django_db
MODELS = (Subscription, Invoice, Payment, Dispute, FraudWarning)


def rows() -> list[dict[str, Any]]:
    """Return all that Stripe told us, without what differs from run to run."""
    ours = {"id", "read_at", "subscription_id", "invoice_id", "payment_id", "customer_id"}
    copies = []
    for model in MODELS:
        for row in model._default_manager.order_by("stripe_id").values():
            invoice = Invoice.objects.filter(pk=cast("int", row.get("invoice_id"))).first()
            links = {"invoice": invoice.stripe_id if invoice else None}
            copies.append({key: value for key, value in row.items() if key not in ours} | links)
    return copies


def messages() -> list[str]:
    """Return what the outbox holds, by cause."""
    return sorted(Message.objects.values_list("dedupe_key", flat=True))


def forget_everything_but_the_customer() -> None:
    """Go back to the moment before the first event."""
    for model in (*reversed(MODELS), StripeEvent, Message, Reconciliation):
        model._default_manager.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_events; DELETE FROM procrastinate_jobs")


def full_life(sandbox: Sandbox) -> User:
    """Subscribe, renew, fail, recover with another card, cancel, end."""
    alice = sign_up()
    subscribe(sandbox, alice)
    sandbox.control("clock", advance="renewal")
    customer = Customer.objects.get(user=alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    sandbox.control("clock", advance_seconds=30 * 86_400)
    subscription = sandbox.stripe.v1.subscriptions.list({"customer": customer}).data[0].id
    sandbox.stripe.v1.subscriptions.update(subscription, {"cancel_at_period_end": True})
    sandbox.control("clock", advance="renewal")
    return alice


@thorough.MARK
def test_any_order_number_and_loss_end_in_the_same_rows_and_messages(sandbox: Sandbox) -> None:
    full_life(sandbox)
    events = sandbox.events()
    assert len(events) > 25
    deliver(events)
    expected = (rows(), messages())
    assert len(expected[0]) > 6

    @settings(
        max_examples=examples(few=3, many=12),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.randoms(use_true_random=False), lost=st.floats(0, 0.9))
    def faults(seed: random.Random, lost: float) -> None:
        forget_everything_but_the_customer()
        arriving = [event for event in events if seed.random() >= lost]
        arriving += [event for event in arriving if seed.random() < 0.5]
        seed.shuffle(arriving)
        deliver(arriving)
        missed_events.find_missed_events()
        run_jobs()
        assert StripeEvent.objects.count() == len(events)
        assert not StripeEvent.objects.exclude(
            state__in=[EventState.PROCESSED, EventState.IGNORED]
        ).exists()
        assert (rows(), messages()) == expected

    faults()


Stage = Callable[[Sandbox, str], object]
DAY = 86_400


def _cancel(wanted: bool) -> Stage:
    def stage(sandbox: Sandbox, customer: str) -> None:
        # Each decision has its own second at Stripe.
        sandbox.control("clock", advance_seconds=60)
        subscription_id = sandbox.stripe.v1.subscriptions.list({"customer": customer}).data[0].id
        sandbox.stripe.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": wanted})

    return stage


def _renewal(sandbox: Sandbox, _customer: str) -> None:
    sandbox.control("clock", advance="renewal")


def _renewal_with_bad_card(sandbox: Sandbox, customer: str) -> None:
    sandbox.control(f"customers/{customer}/card", card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")


def _failing_retry(sandbox: Sandbox, _customer: str) -> None:
    sandbox.control("clock", advance_seconds=4 * DAY)


def _retry_with_good_card(sandbox: Sandbox, customer: str) -> None:
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    sandbox.control("clock", advance_seconds=6 * DAY)


def _switch(sandbox: Sandbox, customer: str) -> None:
    subscription = sandbox.stripe.v1.subscriptions.list({"customer": customer}).data[0]
    item = subscription["items"]["data"][0]["id"]
    sandbox.stripe.v1.subscriptions.update(
        subscription.id, {"items": [{"id": item, "price": "price_membership_yearly"}]}
    )


# What happens at Stripe, and what the member is told of it.
STAGES: list[tuple[Stage, list[str]]] = [
    (_renewal, ["payment_received"]),
    (_renewal_with_bad_card, ["payment_failed"]),
    (_failing_retry, ["payment_failed"]),
    (_retry_with_good_card, ["payment_received"]),
    (_cancel(True), ["membership_ends"]),
    (_cancel(False), ["membership_goes_on"]),
    (_switch, ["price_switched", "payment_received"]),
    (_cancel(True), ["membership_ends"]),
    (_renewal, ["membership_ended"]),
]


def everything_read_again() -> list[dict[str, Any]]:
    """Read every object from Stripe once more, and return the rows."""
    for subscription in Subscription.objects.all():
        refresh.sync_subscription(subscription.stripe_id)
    for invoice in Invoice.objects.all():
        refresh.sync_invoice(invoice.stripe_id)
    return rows()


@thorough.MARK
def test_each_step_of_a_life_is_told_once_whatever_fails(sandbox: Sandbox) -> None:
    """Events come late, doubled, shuffled or never; the missed ones are found before each step."""

    @settings(
        max_examples=3,
        phases=phases(),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(number=st.integers(0, 2**32), lost=st.floats(0, 0.9))
    @example(number=1, lost=0.4)
    def faults(number: int, lost: float) -> None:
        seed = random.Random(number)
        forget_everything_but_the_customer()
        Checkout.objects.all().delete()
        Customer.objects.all().delete()
        User.objects.all().delete()
        sandbox.control("reset")
        alice = sign_up()
        told: list[str] = []

        def step(expected: list[str]) -> None:
            arriving = [event for event in sandbox.events() if seed.random() >= lost]
            arriving += [event for event in arriving if seed.random() < 0.3]
            seed.shuffle(arriving)
            deliver(arriving)
            missed_events.find_missed_events()
            run_jobs()
            told.extend(expected)
            # Another card is news only to who had seen the first.
            steps = Message.objects.filter(channel="email").exclude(kind="card_changed")
            kinds = steps.values_list("kind", flat=True)
            assert sorted(kinds) == sorted(told)

        subscribe(sandbox, alice)
        step(["joined"])
        customer = Customer.objects.get(user=alice).stripe_id
        for stage, expected in STAGES:
            stage(sandbox, customer)
            step(expected)
        assert rows() == everything_read_again()
        mails = Message.objects.filter(channel="email").exclude(kind="card_changed")
        assert mails.count() == len(told)

    faults()


def test_failed_renewal_tells_once_an_attempt_and_never_a_receipt(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox, card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    deliver(sandbox.events())

    keys = messages()
    failed = [key for key in keys if key.startswith("payment_failed")]
    assert len(failed) == 1
    assert not [key for key in keys if key.startswith("payment_received")]
    assert Subscription.objects.for_user(alice).get().status == "past_due"


@pytest.mark.slow
def test_recovered_payment_gets_its_receipt(sandbox: Sandbox) -> None:
    alice = sign_up()
    subscribe(sandbox, alice, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    customer = Customer.objects.get(user=alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    invoice = Invoice.objects.for_user(alice).get(status="open")
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id)
    deliver(sandbox.events())

    invoice.refresh_from_db()
    assert invoice.status == "paid"
    assert Subscription.objects.for_user(alice).get().status == "active"
    assert f"payment_received:{invoice.stripe_id}:email" in messages()


@pytest.mark.slow
def test_stripe_down_is_tried_again_and_then_right(sandbox: Sandbox) -> None:
    alice = sign_up()
    subscribe(sandbox, alice)
    events = [event for event in sandbox.events() if event["type"] == "invoice.paid"]
    sandbox.control("switches", api_fail=1)
    with pytest.raises(StripeUnavailable):
        deliver(events)
    assert StripeEvent.objects.get().state == EventState.RETRYING

    sandbox.control("switches", api_fail=0)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    run_jobs()
    assert StripeEvent.objects.get().state == EventState.PROCESSED
    assert Invoice.objects.for_user(alice).get().status == "paid"


def test_unknown_type_is_stored_and_ignored(sandbox: Sandbox) -> None:
    alice = sign_up()
    subscribe(sandbox, alice)
    event = sandbox.events()[0] | {"id": "evt_new", "type": "coupon.invented"}
    deliver([event])
    assert StripeEvent.objects.get().state == EventState.IGNORED


def test_event_that_arrived_before_the_last_read_costs_no_other_read(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    notes = StripeEvent.objects.filter(type__startswith="invoice.").values_list("error", flat=True)
    assert [note for note in notes if note.startswith("Read already")]


def test_replay_reads_the_object_again(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    Invoice.objects.update(status="open")
    inbox.replay(StripeEvent.objects.get(type="invoice.paid"))
    run_jobs()
    assert Invoice.objects.for_user(alice).get().status == "paid"


def test_older_read_yields_to_a_later_one(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    later = writing.database_now() + timedelta(days=36_500)
    Subscription.objects.update(read_at=later, status="paused")
    refresh.sync_subscription(Subscription.objects.get().stripe_id)
    assert Subscription.objects.get().status == "paused"


def test_news_from_long_ago_change_rows_but_send_nothing(sandbox: Sandbox) -> None:
    """An import a week later: everything is known, nobody is written to."""
    sandbox.control("clock", set=1_760_000_000)
    alice = paid_member(sandbox)
    assert Invoice.objects.for_user(alice).get().status == "paid"
    assert messages() == []
    assert Checkout.objects.for_user(alice).get().state == "complete"


def test_a_missed_event_that_can_not_be_stored_keeps_no_other_out(
    sandbox: Sandbox, db: None
) -> None:
    """A rule of the database stands for whatever the database may refuse one row for."""
    subscribe(sandbox, sign_up())
    events = sandbox.events()
    bad = events[len(events) // 2]["id"]
    refuse = f"ALTER TABLE billing_stripeevent ADD CONSTRAINT no_bad CHECK (stripe_id <> '{bad}')"
    with connection.cursor() as cursor:
        cursor.execute(refuse)
    with pytest.raises(SomeFailed, match=bad):
        missed_events.find_missed_events()
    stored = set(StripeEvent.objects.values_list("stripe_id", flat=True))
    assert stored == {event["id"] for event in events} - {bad}
    run = Reconciliation.objects.latest("pk")
    assert bad in run.error
    assert run.finished_at is None, "the next one starts where this one did"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_stripeevent DROP CONSTRAINT no_bad")
    missed_events.find_missed_events()
    assert StripeEvent.objects.filter(stripe_id=bad).exists()
