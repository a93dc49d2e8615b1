"""A Stripe account older than the portal is imported, and nobody gets a message."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from billing import tasks
from billing.models import Customer, Invoice, Payment, Subscription, UnassignedCustomer
from billing.reconcile import importing
from billing.sync import changes, refresh
from billing.tests import factories
from billing.tests.life import sign_up
from billing.tests.sync.test_assignment import made_in_the_dashboard, verify
from conftest import Sandbox, run_jobs
from emails import outbox
from emails.models import Message

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    printed = StringIO()
    call_command("import_from_stripe", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.mark.slow
def test_members_come_in_with_their_money_and_without_messages(sandbox: Sandbox) -> None:
    alice, bob = verify(sign_up()), verify(sign_up("Bob Baker"))
    for email in (alice.email, bob.email, "stranger@example.com"):
        made_in_the_dashboard(sandbox, email)
    printed = run()
    assert "[##############################] 2 of 2 members" in printed
    assert "3 customers at Stripe; 2 belong to members, 2 of them were read now" in printed
    assert "1 wait to be assigned" in printed
    for user in (alice, bob):
        assert Subscription.objects.for_user(user).get().status == "active"
        assert Invoice.objects.for_user(user).get().status == "paid"
        assert Payment.objects.for_user(user).get().amount == 2900
    run_jobs()
    assert Message.objects.count() == 0
    call_command("reconcile", stdout=StringIO())


def scheduled_to_end(sandbox: Sandbox) -> str:
    """Have a schedule end the subscription that was made in the dashboard; return its ID."""
    [subscription] = sandbox.stripe.v1.subscriptions.list().data
    schedules = sandbox.stripe.v1.subscription_schedules
    made = schedules.create({"from_subscription": subscription.id})
    items = [{"price": "price_membership_monthly", "quantity": 1}]
    dates = {"start_date": made.phases[0].start_date, "end_date": made.phases[0].end_date}
    asked: Any = {"end_behavior": "cancel", "phases": [dates | {"items": items}, {"items": items}]}
    schedules.update(made.id, asked)
    return subscription.id


def test_an_end_that_was_scheduled_before_isnt_news(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, verify(sign_up()).email)
    scheduled_to_end(sandbox)
    run()
    assert Subscription.objects.get().ends_at is not None
    assert not Message.objects.exists()


@pytest.mark.parametrize("collection", ["requires_action", "failed"])
def test_a_payment_that_failed_before_isnt_news_without_a_charge(collection: str) -> None:
    """The bank wants a confirmation, or there was no card: Stripe dates neither."""
    now = timezone.now()
    facts = {"status": "open", "attempt_count": 1, "collection": collection}
    row = factories.make_subscription(status="past_due")
    invoice = factories.make_invoice(
        row.customer, subscription=row, finalized_at=now - timedelta(days=1), **facts
    )
    with transaction.atomic(), outbox.nothing_before(now):
        changes.announce(changes.of_invoice(None, invoice, [], [], now + timedelta(seconds=1)))
    assert not Message.objects.exists()
    with transaction.atomic():
        changes.announce(changes.of_invoice(None, invoice, [], [], now))
    assert Message.objects.exists()


def test_an_end_is_told_once_although_its_row_is_read_anew(sandbox: Sandbox) -> None:
    sandbox.control("clock", advance_seconds=3600)
    refresh.sync_customer(made_in_the_dashboard(sandbox, verify(sign_up()).email))
    name = scheduled_to_end(sandbox)
    for _ in range(2):
        row = refresh.sync_subscription(name)
        # By its start, not by the time of the read.
        message = Message.objects.get(kind="membership_ends", channel="email")
        assert f".{int(row.started_at.timestamp())}:" in message.cause
        row.delete()


def test_a_second_run_changes_nothing(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, verify(sign_up()).email)
    run()
    before = [*Invoice.objects.values(), *Payment.objects.values(), *Customer.objects.values()]
    assert "0 of them were read now" in run()
    after = [*Invoice.objects.values(), *Payment.objects.values(), *Customer.objects.values()]
    assert before == after
    assert "1 of them were read now" in run("--again")
    assert Payment.objects.count() == 1


@pytest.mark.slow
def test_it_goes_on_where_it_was_stopped(sandbox: Sandbox) -> None:
    for name in ("Alice Archer", "Bob Baker", "Cleo Carter"):
        made_in_the_dashboard(sandbox, verify(sign_up(name)).email)

    def stop_after_one(done: int, _of: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.import_account(again=False, progress=stop_after_one)
    assert Subscription.objects.count() == 1
    assert "2 of them were read now" in run()
    assert Subscription.objects.count() == 3


@pytest.mark.slow
def test_stripe_away_ends_it_with_a_sentence(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, verify(sign_up()).email)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(CommandError, match="Run it again"):
        run()
    sandbox.control("switches", api_fail=0)
    run()
    assert Subscription.objects.count() == 1


def test_two_customers_with_one_address_wait_for_staff(sandbox: Sandbox) -> None:
    alice = verify(sign_up())
    for _ in range(2):
        made_in_the_dashboard(sandbox, alice.email)
    run()
    assert UnassignedCustomer.objects.count() == 2
    assert not Customer.objects.exists()


def test_those_with_a_membership_are_invited_once_and_find_their_history(sandbox: Sandbox) -> None:
    made_in_the_dashboard(sandbox, "alice@example.com")
    sandbox.stripe.v1.customers.create({"email": "no-membership@example.com"})
    assert "1 were invited by email." in run("--invite")
    assert "0 were invited by email." in run("--invite")
    run_jobs()
    [mail] = sandbox.look("mailbox")
    assert "alice@example.com" in str(mail["to"])
    assert UnassignedCustomer.objects.exclude(invited_at=None).get().email == "alice@example.com"

    alice = verify(sign_up())
    tasks.match_customers(0)
    run_jobs()
    assert Subscription.objects.for_user(alice).get().status == "active"
    assert Message.objects.count() == 1
