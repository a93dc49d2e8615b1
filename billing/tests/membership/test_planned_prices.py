"""Staff plan a price for the end of the period; members see it, and either takes it back."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from billing.core.statuses import DecisionState
from billing.membership import by_staff, planning, retention, switch_options, switching
from billing.membership.cancellation import MembershipError
from billing.models import MembershipDecision, Payment, RetentionOffer, Subscription
from billing.notices import announcing
from billing.notices.still_true import CHECKS
from billing.notices.transitions import PricePlanned
from billing.reconcile import missed_events
from billing.sync import catalog
from billing.tests.life import YEARLY, deliver, paid_member
from billing.tests.staff_world import auditor, signed_in_now, support
from conftest import Sandbox
from emails import rendering
from emails.catalog import Kind
from emails.delivery import job_key
from emails.models import Message
from members.models import AccountActivity, ActivityBy, ActivityKind

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MONTHLY = "price_membership_monthly"


@pytest.fixture
def alice(sandbox: Sandbox, settings: Settings) -> User:
    user = paid_member(sandbox)
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    return user


def row() -> Subscription:
    return Subscription.objects.get()


def shown() -> planning.Planned:
    [choice] = switch_options.choices(row())
    return planning.preview(row(), choice)


def plan(sandbox: Sandbox) -> None:
    planning.plan_by_staff(row(), shown().token, support())
    deliver(sandbox.events())


def schedule(sandbox: Sandbox) -> Any:
    [found] = sandbox.stripe.v1.subscription_schedules.list().data
    return found


def told(user: User) -> list[str]:
    """Return the kinds of emails about the price, the oldest first."""
    kinds = ("price_planned", "plan_dropped", "price_switched", "membership_ends")
    rows = Message.objects.filter(user=user, kind__in=kinds, channel="email").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def mail_of(user: User, kind: str) -> str:
    return rendering.render_email(Message.objects.get(user=user, kind=kind, channel="email")).text


def membership(user: User, page: str = "billing:membership", **asked: Any) -> str:
    client = Client()
    client.force_login(user)
    return unescape(client.get(reverse(page), **asked).content.decode())


def test_a_year_begins_with_the_next_period_and_is_charged_then(
    sandbox: Sandbox, alice: User
) -> None:
    end, paid = row().current_period_end, Payment.objects.count()
    assert shown().begins_at == end
    assert str(shown().first_charge) == "$290.00"
    plan(sandbox)
    assert (row().price_id, row().planned_price_id, row().planned_at) == (MONTHLY, YEARLY, end)
    assert row().next_charge == 29000
    decision = MembershipDecision.objects.get()
    assert (decision.state, decision.actor.is_staff) == (DecisionState.CONFIRMED, True)
    assert Payment.objects.count() == paid
    assert "$290.00 a year from" in membership(alice)
    assert "$290.00 a year from" in membership(alice, page="home")
    assert told(alice) == ["price_planned"]
    mail = mail_of(alice, "price_planned")
    assert "you’ll pay $290.00 a year instead of $29.00 a month." in " ".join(mail.split())
    assert "Next payment: $290.00" in mail
    assert reverse("billing:membership") in mail
    assert schedule(sandbox).end_behavior == "release"
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    now = row()
    assert (now.price_id, now.interval, now.current_period_start) == (YEARLY, "year", end)
    assert (now.planned_price_id, now.planned_at) == ("", None)
    newest = Payment.objects.order_by("-paid_at").first()
    assert newest is not None
    assert newest.amount_received == 29000
    assert told(alice) == ["price_planned", "price_switched"]
    assert "the change that was planned" in mail_of(alice, "price_switched")
    switched = AccountActivity.objects.get(user=alice, kind=ActivityKind.SWITCHED)
    assert switched.by == ActivityBy.STAFF
    assert "$290.00 a year from" not in membership(alice)


def test_a_member_takes_it_back_from_their_page(sandbox: Sandbox, alice: User) -> None:
    plan(sandbox)
    assert "Keep my present plan" in membership(alice)
    client = Client()
    client.force_login(alice)
    answer = client.post(reverse("billing:keep-price"), follow=True)
    assert "You keep your present plan." in unescape(answer.content.decode())
    assert (row().planned_price_id, row().schedule_id) == ("", "")
    assert schedule(sandbox).status == "released"
    # The second of two tabs.
    answer = client.post(reverse("billing:keep-price"), follow=True)
    assert "No other price is planned" in unescape(answer.content.decode())
    deliver(sandbox.events())
    assert told(alice) == ["price_planned", "plan_dropped"]
    assert "You keep paying $29.00 a month" in mail_of(alice, "plan_dropped")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert row().price_id == MONTHLY
    assert told(alice) == ["price_planned", "plan_dropped"]


def test_staff_plan_it_and_take_it_back_with_buttons(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    url = reverse("admin:billing_subscription_change_price", args=[row().pk])
    page = unescape(desk.get(url).content.decode())
    assert "$290.00 a year, later: nothing is charged today." in page
    answer = desk.post(url, {"_form_submitted": "on", "offer": shown().token}, follow=True)
    text = unescape(answer.content.decode())
    assert "Planned $290.00 a year from" in text
    assert "Keep the present price" in text
    assert row().planned_price_id == YEARLY
    keep = reverse("admin:billing_subscription_keep_price", args=[row().pk])
    answer = desk.post(keep, {"_form_submitted": "on"}, follow=True)
    assert "Kept the present price." in unescape(answer.content.decode())
    assert row().planned_price_id == ""


@pytest.mark.parametrize("who", ["member", "staff", "at once"])
def test_a_cancellation_drops_it(sandbox: Sandbox, alice: User, who: str) -> None:
    plan(sandbox)
    client = Client()
    client.force_login(alice)
    assert "is dropped" in unescape(client.get(reverse("billing:cancel")).content.decode())
    if who == "member":
        client.post(reverse("billing:cancel"))
    elif who == "staff":
        by_staff.cancel(row(), support())
    else:
        sandbox.stripe.v1.subscriptions.cancel(row().stripe_id)
    deliver(sandbox.events())
    assert row().planned_price_id == ""
    assert row().ends_at or row().status == "canceled"
    assert "plan_dropped" not in told(alice)
    assert schedule(sandbox).status in ("released", "canceled")


def test_nothing_else_changes_what_is_planned(sandbox: Sandbox, alice: User) -> None:
    offer: Any = {"headline": "Stay", "percent_off": 50, "coupon_id": "c", "duration": "once"}
    RetentionOffer.objects.create(**offer)
    assert retention.offer_for(alice)
    [choice] = switch_options.choices(row())
    at_once, planned = switching.preview(row(), choice).token, shown().token
    plan(sandbox)
    with pytest.raises(MembershipError, match="keep your present plan first"):
        switching.preview(row(), choice)
    with pytest.raises(MembershipError):
        switching.switch(alice, choice, at_once)
    with pytest.raises(MembershipError):
        planning.plan_by_staff(row(), planned, support())
    with pytest.raises(MembershipError, match="Take that back first"):
        by_staff.take_discount(row(), [], support())
    assert retention.offer_for(alice) is None
    assert row().planned_price_id == YEARLY
    assert MembershipDecision.objects.count() == 1


def test_a_discount_goes_on_through_the_change(sandbox: Sandbox, alice: User) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    by_staff.give_discount(row(), [], by_staff.coupon(coupon.id), support())
    deliver(sandbox.events())
    assert shown().first_charge is None
    plan(sandbox)
    given = [one["id"] for one in row().discounts]
    phases = schedule(sandbox).phases
    assert [[one.discount for one in phase.discounts] for phase in phases] == [given, given]
    assert row().next_charge == 14500
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert (row().price_id, [one["id"] for one in row().discounts]) == (YEARLY, given)


def test_what_stripe_refuses_leaves_no_schedule(sandbox: Sandbox, alice: User) -> None:
    token = shown().token
    sandbox.control(f"subscriptions/{row().stripe_id}/schedule", price=YEARLY)
    # Somebody was quicker, in Stripe's dashboard, and we haven't heard of it.
    with pytest.raises(MembershipError):
        planning.plan_by_staff(row(), token, support())
    assert MembershipDecision.objects.get().state == DecisionState.FAILED
    assert len(sandbox.stripe.v1.subscription_schedules.list().data) == 1
    deliver(sandbox.events())
    assert row().planned_price_id == YEARLY


def test_events_in_any_order_and_lost_ones_end_the_same(sandbox: Sandbox, alice: User) -> None:
    planning.plan_by_staff(row(), shown().token, support())
    deliver(reversed(list(sandbox.events())))
    assert row().planned_price_id == YEARLY
    deliver(sandbox.events())
    assert told(alice) == ["price_planned"]
    # In the dashboard, and the event is lost.
    sandbox.stripe.v1.subscription_schedules.release(schedule(sandbox).id)
    missed_events.reconcile(repair=True)
    assert row().planned_price_id == ""
    assert told(alice) == ["price_planned", "plan_dropped"]
    # It's planned again: that's news, too.
    plan(sandbox)
    assert told(alice) == ["price_planned", "plan_dropped", "price_planned"]


def test_what_the_dashboard_plans_for_later_is_told_without_an_amount(
    sandbox: Sandbox, alice: User
) -> None:
    """The next payment is still of the present price."""
    now, later = row(), row().current_period_end + timedelta(days=31)
    Subscription.objects.update(planned_price_id=YEARLY, planned_at=later, schedule_id="sub_s")
    announcing.announce(PricePlanned(row(), now.read_at))
    mail = mail_of(alice, "price_planned")
    assert "$290.00 a year" in mail
    assert "Next payment" not in mail


def test_an_end_or_a_switch_right_after_is_the_news(sandbox: Sandbox, alice: User) -> None:
    """In Stripe's dashboard, what's planned is dropped first."""
    plan(sandbox)
    sandbox.stripe.v1.subscription_schedules.release(schedule(sandbox).id)
    deliver(sandbox.events())
    [dropped] = Message.objects.filter(kind="plan_dropped", channel="email")
    job = ProcrastinateJob.objects.get(queueing_lock=job_key(dropped.pk))
    assert job.scheduled_at is not None
    assert job.scheduled_at > timezone.now()
    sandbox.stripe.v1.subscriptions.update(row().stripe_id, {"cancel_at_period_end": True})
    deliver(sandbox.events())
    assert CHECKS[Kind.PLAN_DROPPED](dropped) == "The membership ends."


def test_it_takes_the_permission_and_what_was_shown(sandbox: Sandbox, alice: User) -> None:
    token = shown().token
    with pytest.raises(PermissionDenied):
        planning.plan_by_staff(row(), token, auditor())
    with pytest.raises(MembershipError, match="changed since"):
        planning.plan_by_staff(row(), f"{token}x", support())
    plan(sandbox)
    with pytest.raises(PermissionDenied):
        planning.take_back_by_staff(row(), auditor())


def test_while_nothing_is_charged_the_switch_itself_counts_later(alice: User) -> None:
    [choice] = switch_options.choices(row())
    assert planning.can_wait(row(), choice)
    Subscription.objects.update(status="trialing")
    assert not planning.can_wait(row(), choice)
