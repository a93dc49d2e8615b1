"""A membership whose next price somebody scheduled in Stripe's dashboard."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.admin import labels
from billing.models import Payment, Subscription
from billing.sync.refresh import sync_subscription
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from common import days
from conftest import Sandbox
from emails import rendering
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


def told(user: User) -> list[str]:
    """Return the kinds of the emails about an end, the oldest first."""
    kinds = ("membership_ends", "membership_goes_on", "membership_ended")
    rows = Message.objects.filter(user=user, kind__in=kinds, channel="email").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def newest_mail(user: User) -> str:
    message = Message.objects.filter(user=user, channel="email").latest("pk")
    return " ".join(rendering.render_email(message).text.split())


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
    # Whatever else Stripe says of it isn't news.
    sync_subscription(row.stripe_id)
    assert told(user) == ["membership_ends"]
    assert "We won’t charge you for your membership again." in newest_mail(user)
    # A member who changes their mind stays: the schedule is released.
    assert client.post(reverse("billing:resume"), follow=True).status_code == 200
    row.refresh_from_db()
    assert (row.ends_at, row.next_charge) == (None, 2900)
    assert told(user) == ["membership_ends", "membership_goes_on"]


def end_by_schedule(sandbox: Sandbox, months: int) -> Any:
    """Have a schedule end the membership after so many months, and return it."""
    schedules = sandbox.stripe.v1.subscription_schedules
    made = schedules.create({"from_subscription": Subscription.objects.get().stripe_id})
    phase = made.phases[0]
    now: Any = {"start_date": phase.start_date, "end_date": phase.end_date}
    items = [{"price": MONTHLY, "quantity": 1}]
    phases: Any = [now | {"items": items}, *[{"items": items}] * (months - 1)]
    schedules.update(made.id, {"end_behavior": "cancel", "phases": phases})
    deliver(sandbox.events())
    return made


def test_an_end_that_is_dropped_and_scheduled_again_is_told_each_time(sandbox: Sandbox) -> None:
    user = paid_member(sandbox)
    for _ in range(2):
        made = end_by_schedule(sandbox, 1)
        sandbox.stripe.v1.subscription_schedules.release(made.id)
        deliver(sandbox.events())
    assert told(user) == ["membership_ends", "membership_goes_on"] * 2


def test_until_an_end_that_is_renewals_away_the_next_payment_is_told(
    sandbox: Sandbox, client: Client
) -> None:
    user = paid_member(sandbox)
    client.force_login(user)
    end_by_schedule(sandbox, 3)
    row = Subscription.objects.get()
    assert row.ends_at is not None
    assert row.ends_at > row.current_period_end
    assert (row.next_charge, row.is_renewal_charged) == (2900, True)
    mail = newest_mail(user)
    assert "Until then, it renews and is charged as usual." in mail
    assert (
        f"Next payment: $29.00 on {days.full(timezone.localtime(row.current_period_end))}" in mail
    )
    assert "won’t charge you" not in mail
    for name in ("billing:membership", "home"):
        page = unescape(client.get(reverse(name)).content.decode())
        assert "Your next charge of $29.00 is on" in page
        assert "Nothing more is charged" not in page
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.status, row.next_charge) == ("active", 2900)
    for _ in range(2):
        sandbox.control("clock", advance="renewal")
        deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.status, Payment.objects.count()) == ("canceled", 3)
    assert told(user) == ["membership_ends", "membership_ended"]


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
