"""Tabs and clicks at once: one page that can be paid, and never two memberships unseen."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from billing.facts import memberships
from billing.membership import checkout
from billing.models import Checkout, Payment, Subscription
from billing.payments import payment_requests, single_payments
from billing.sync import catalog
from billing.tests import factories
from billing.tests.life import deliver, paid_member, sign_up, sold_twice, subscribe
from billing.tests.staff_world import superuser
from common.money import Money
from conftest import Sandbox
from emails.models import Message
from portal.backoffice import problems
from portal.models import Problem
from testing.own_database import at_once

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
# `CHECKOUT_ROUNDS=200 bin/test billing/tests/test_one_checkout.py` plays them all.
ROUNDS = int(os.environ.get("CHECKOUT_ROUNDS", "12"))


def open_sessions(sandbox: Sandbox) -> list[str]:
    """Return the ids of the sessions that could be paid now."""
    sessions = sandbox.stripe.v1.checkout.sessions.list({"limit": 100, "status": "open"})
    return [one.id for one in sessions.data]


@pytest.mark.slow
def test_eight_tabs_of_two_prices_leave_one_open_session(
    sandbox: Sandbox, own_database: None, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    user = sign_up()
    checkout.customer_of(user)
    for number in range(ROUNDS):
        calls = [partial(checkout.start_membership, user, one) for one in (MONTHLY, YEARLY) * 4]
        outcomes = at_once(calls)
        strange = [one for one in outcomes if not isinstance(one, str | checkout.CheckoutError)]
        assert strange == [], number
        assert len(open_sessions(sandbox)) <= 1, number
        rows = Checkout.objects.filter(state="open")
        assert [row.session_id for row in rows] == open_sessions(sandbox), number


@pytest.mark.slow
def test_eight_tabs_of_two_amounts_leave_one_open_session(
    sandbox: Sandbox, own_database: None
) -> None:
    user = sign_up()
    checkout.customer_of(user)
    for number in range(ROUNDS):
        calls = [partial(single_payments.pay_amount, user, one, "") for one in (1000, 2000) * 4]
        outcomes = at_once(calls)
        strange = [one for one in outcomes if not isinstance(one, str | checkout.CheckoutError)]
        assert strange == [], number
        assert len(open_sessions(sandbox)) <= 1, number


def test_a_request_that_is_canceled_while_it_is_opened_can_not_be_paid(
    sandbox: Sandbox, own_database: None
) -> None:
    user, boss = sign_up(), factories.make_member("Mona Manager")
    checkout.customer_of(user)
    for number in range(max(3, ROUNDS // 4)):
        asked = payment_requests.send(user, Money(4000 + number, "usd"), "Workshop", 7, boss)
        pay = partial(single_payments.pay_request, user, asked.pk)
        calls: list[Callable[[], object]] = [
            pay,
            partial(payment_requests.cancel, asked, boss),
            pay,
        ]
        at_once(calls)
        asked.refresh_from_db()
        assert asked.state == "canceled"
        assert open_sessions(sandbox) == [], number


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_paid_a_moment_ago_is_not_sold_again(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    alice = sign_up()
    subscribe(sandbox, alice)
    with pytest.raises(checkout.AlreadyMember):
        checkout.start_membership(alice, YEARLY)
    deliver(sandbox.events())
    assert len(memberships.live(alice)) == 1


@pytest.mark.slow
@pytest.mark.django_db
def test_two_memberships_are_told_to_staff_and_seen_by_the_member(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["team@example.com"]
    alice = sold_twice(sandbox)
    problems.watch()
    problems.watch()
    assert Message.objects.filter(kind="problem_found").count() == 1
    assert Message.objects.filter(kind="joined", channel="email").count() == 1
    client.force_login(alice)
    page = client.get("/membership/").content.decode()
    assert "You have two memberships" in page
    assert "$29.00 a month" in page
    assert "$290.00 a year" in page
    staff = Client()
    staff.force_login(superuser())
    assert "A member is charged for two memberships." in staff.get("/staff/").content.decode()
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.latest("started_at").stripe_id)
    deliver(sandbox.events())
    problems.watch()
    assert not Problem.objects.filter(key__startswith="two", solved_at=None).exists()
    ended = Message.objects.get(kind="membership_ended", channel="email")
    assert ended.context["another"]
    assert "You have two memberships" not in client.get("/membership/").content.decode()


def deleted_member(sandbox: Sandbox) -> User:
    """Return somebody whose customer was deleted in Stripe's dashboard; we do not know yet."""
    alice = paid_member(sandbox)
    sandbox.stripe.v1.customers.delete(alice.customers.get().stripe_id)
    return alice


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("is_told", [True, False])
def test_who_was_deleted_at_stripe_joins_and_pays_again(sandbox: Sandbox, is_told: bool) -> None:
    alice = deleted_member(sandbox)
    if is_told:
        deliver(sandbox.events())
    else:
        events = [one for one in sandbox.events() if one["type"] != "customer.deleted"]
        deliver(events)
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    assert alice.customers.count() == 2
    assert len(memberships.live(alice)) == 1
    assert Payment.objects.for_user(alice).count() == 2
    assert len(sandbox.stripe.v1.customers.list().data) == 1


@pytest.mark.django_db
def test_a_new_customer_is_made_once_whatever_the_retries(sandbox: Sandbox) -> None:
    alice = deleted_member(sandbox)
    deliver(sandbox.events())
    for _ in range(3):
        single_payments.pay_amount(alice, 1000, "")
    assert len(sandbox.stripe.v1.customers.list().data) == 1


@pytest.mark.django_db
def test_a_customer_deleted_while_a_page_is_open_is_replaced(sandbox: Sandbox) -> None:
    alice = sign_up()
    first = single_payments.pay_amount(alice, 1000, "")
    sandbox.stripe.v1.customers.delete(alice.customers.get().stripe_id)
    deliver(sandbox.events())
    assert single_payments.pay_amount(alice, 1000, "") != first
    assert len(open_sessions(sandbox)) == 1


@pytest.mark.django_db
def test_a_deleted_customers_buttons_say_why(sandbox: Sandbox, client: Client) -> None:
    alice = deleted_member(sandbox)
    client.force_login(alice)
    answer = client.post("/membership/card/", follow=True).content.decode()
    assert "Your card is no longer on file." in answer
