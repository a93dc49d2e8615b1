"""A membership whose next price somebody scheduled in Stripe's dashboard."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.admin import labels
from billing.models import Subscription
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    user = sign_up()
    subscribe(sandbox, user)
    [subscription] = sandbox.stripe.v1.subscriptions.list().data
    sandbox.control(f"subscriptions/{subscription.id}/schedule", price=YEARLY)
    deliver(sandbox.events())
    client.force_login(user)
    return user


def test_a_member_can_cancel_all_the_same(sandbox: Sandbox, client: Client, alice: User) -> None:
    answer = client.post(reverse("billing:cancel"), follow=True)
    assert answer.status_code == 200
    row = Subscription.objects.get()
    assert (row.cancel_at_period_end, row.price_id) == (True, MONTHLY)
    [schedule] = sandbox.stripe.v1.subscription_schedules.list().data
    assert schedule.status == "released"
    deliver(sandbox.events())
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Subscription.objects.get().status == "canceled"


def test_an_end_can_be_taken_back_all_the_same(sandbox: Sandbox, client: Client) -> None:
    user = paid_member(sandbox)
    client.force_login(user)
    client.post(reverse("billing:cancel"))
    row = Subscription.objects.get()
    assert row.cancel_at_period_end
    sandbox.control(f"subscriptions/{row.stripe_id}/schedule", price=YEARLY)
    assert client.post(reverse("billing:resume"), follow=True).status_code == 200
    assert not Subscription.objects.get().cancel_at_period_end


def test_the_scheduled_price_comes_and_is_shown(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert (row.price_id, row.interval, row.status) == (YEARLY, "year", "active")


def test_a_schedule_that_ends_the_membership_is_its_end(sandbox: Sandbox, client: Client) -> None:
    user = paid_member(sandbox)
    client.force_login(user)
    made = sandbox.stripe.v1.subscription_schedules.create(
        {"from_subscription": Subscription.objects.get().stripe_id}
    )
    phase = made.phases[0]
    now: Any = {"start_date": phase.start_date, "end_date": phase.end_date}
    now["items"] = [{"price": MONTHLY, "quantity": 1}]
    asked: Any = {"end_behavior": "cancel", "phases": [now]}
    sandbox.stripe.v1.subscription_schedules.update(made.id, asked)
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert (row.ends_at, row.next_charge) == (row.current_period_end, None)
    page = client.get(reverse("billing:membership")).content.decode()
    assert "Next payment" not in page
    # A member who changes their mind stays: the schedule is released.
    assert client.post(reverse("billing:resume"), follow=True).status_code == 200
    row.refresh_from_db()
    assert (row.ends_at, row.next_charge) == (None, 2900)


@pytest.mark.parametrize("change", ["quantity", "discount", "nothing"])
def test_staff_see_that_something_else_is_scheduled(sandbox: Sandbox, change: str) -> None:
    paid_member(sandbox)
    row = Subscription.objects.get()
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 50, "duration": "once"})
    schedules = sandbox.stripe.v1.subscription_schedules
    made = schedules.create({"from_subscription": row.stripe_id})
    phase = made.phases[0]
    now: Any = {"start_date": phase.start_date, "end_date": phase.end_date}
    now["items"] = [{"price": MONTHLY, "quantity": 1}]
    then: Any = {"items": [{"price": MONTHLY, "quantity": 2 if change == "quantity" else 1}]}
    if change == "discount":
        then["discounts"] = [{"coupon": coupon.id}]
    schedules.update(made.id, {"phases": [now, then]})
    deliver(sandbox.events())
    row.refresh_from_db()
    if change == "nothing":
        assert (row.planned_at, labels.planned(row)) == (None, "")
    else:
        assert (row.planned_at, row.planned_price_id) == (row.current_period_end, "")
        assert "something else is scheduled at Stripe from" in labels.planned(row)
    # Members hear of other prices; what's this, nobody can say in words.
    assert not Message.objects.filter(kind__contains="plan").exists()
