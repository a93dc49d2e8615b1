"""Staff give a member free time: the next charge moves, and nothing counts it as a trial."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.dates import long_date
from billing.core.statuses import DecisionState, MembershipAction
from billing.facts import daily
from billing.membership import by_staff, free_time
from billing.membership.cancellation import MembershipError
from billing.models import Invoice, MembershipDecision, Subscription, TrialSpan
from billing.notices import reminders
from billing.tests.life import DECLINED_LATER_CARD, deliver, paid_member
from billing.tests.staff_world import auditor, signed_in_now, support
from common.staff import show
from conftest import Sandbox
from emails.models import Message
from portal.backoffice.home.business import business

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
GIVE = "subscription_give_free_time"


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def row() -> Subscription:
    return Subscription.objects.get()


def url() -> str:
    return reverse(f"admin:billing_{GIVE}", args=[row().pk])


def shown() -> int:
    return int(row().current_period_end.timestamp())


def press(client: Client, **fields: Any) -> str:
    answer = client.post(url(), {"_form_submitted": "on", **fields}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def page(client: Client, address: str) -> str:
    return unescape(client.get(address).content.decode())


def test_ten_days_move_the_next_charge_by_ten_days(
    sandbox: Sandbox, alice: User, desk: Client, client: Client
) -> None:
    end, seen = row().current_period_end, shown()
    until = end + timedelta(days=10)
    paid_for = f"{show.day(row().current_period_start)} to {show.day(end)}"
    assert "Next charge of $29.00" in page(desk, url())
    assert f"Gave free time until {show.day(until)}." in press(desk, days=10, shown_end=seen)
    at_stripe = sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id)
    assert at_stripe.status == "trialing"
    assert at_stripe.trial_end == int(until.timestamp())
    # The form of the first tab again.
    assert by_staff.CHANGED in press(desk, days=10, shown_end=seen)
    deliver(sandbox.events())
    assert row().is_in_free_time
    assert row().current_period_end == until
    [decision] = MembershipDecision.objects.all()
    assert (decision.action, decision.state) == (MembershipAction.FREE, DecisionState.CONFIRMED)
    [mail] = Message.objects.filter(user=alice, kind="free_time")
    assert datetime.fromisoformat(mail.context["until"]) == until
    log = [one.change_message for one in LogEntry.objects.all()]
    assert log.count(f"Gave free time until {show.day(until)}.") == 2
    # What members and staff read isn't about a trial.
    client.force_login(alice)
    home = page(client, "/")
    assert f"Your membership is free until {long_date(until)}." in home
    assert "you’ll be charged $29.00" in home
    assert "trial" not in home.lower()
    assert "trial" not in page(client, "/membership/cancel/").lower()
    assert "Free time" in page(desk, show.page_of(row()))
    about_alice = page(desk, show.page_of(alice))
    for staffs in (about_alice, page(desk, show.page_of(row()))):
        assert paid_for in staffs
        assert f"to {show.day(until)}" not in staffs
    assert f"{show.day(until)}, given by staff" in about_alice
    reminders.trial_ending(row().stripe_id, until - timedelta(days=1))
    [ending] = Message.objects.filter(user=alice, kind="trial_ending", channel="email")
    assert ending.subject.startswith("Your free time ends on")
    # And no number counts it as one.
    daily.rebuild()
    assert not TrialSpan.objects.exists()
    assert business().trials == 0
    paid = Invoice.objects.filter(amount_paid__gt=0).count()
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert row().status == "active"
    assert not row().is_in_free_time
    assert Invoice.objects.filter(amount_paid__gt=0).count() == paid + 1
    daily.rebuild()
    assert not TrialSpan.objects.exists()


def test_it_can_be_given_until_a_day_and_again(sandbox: Sandbox, alice: User, desk: Client) -> None:
    day = timezone.localdate(row().current_period_end) + timedelta(days=20)
    press(desk, until=day.isoformat(), shown_end=shown())
    assert timezone.localdate(row().current_period_end) == day
    first = row().current_period_end
    press(desk, days=5, shown_end=shown())
    assert row().current_period_end == first + timedelta(days=5)
    assert not by_staff.can_extend(row())
    assert MembershipDecision.objects.filter(state=DecisionState.CONFIRMED).count() == 2


@pytest.mark.parametrize(
    "fields",
    [{}, {"days": 5, "until": "2099-01-01"}, {"until": "2020-01-01"}, {"days": 366}, {"days": 0}],
)
def test_what_makes_no_sense_is_refused(alice: User, desk: Client, fields: dict[str, Any]) -> None:
    before = row().current_period_end
    press(desk, **fields, shown_end=shown())
    assert row().current_period_end == before
    assert not MembershipDecision.objects.exists()


def test_if_stripe_is_away_nothing_changes_and_it_can_be_tried_again(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    sandbox.control("switches", api_fail=1)
    assert "Gave free time" not in press(desk, days=10, shown_end=shown())
    sandbox.control("switches", api_fail=0)
    assert MembershipDecision.objects.get().state == DecisionState.FAILED
    assert "Gave free time" in press(desk, days=10, shown_end=shown())


def test_what_ends_is_paused_or_owes_gets_none(sandbox: Sandbox) -> None:
    paid_member(sandbox, card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    actor, end = support(), row().current_period_end
    with pytest.raises(MembershipError, match="still open"):
        free_time.give(row(), end, end + timedelta(days=5), actor)
    ending = Subscription(status="active", cancel_at=end, current_period_end=end)
    assert "set to end" in free_time.why_not(ending)
    paused = Subscription(status="active", pause_behavior="void", current_period_end=end)
    assert "paused" in free_time.why_not(paused)
    trial = Subscription(status="trialing", current_period_end=end)
    assert "Extend that" in free_time.why_not(trial)


def test_it_takes_the_permission(alice: User) -> None:
    viewer, end = auditor(), row().current_period_end
    assert signed_in_now(viewer).post(url(), {"_form_submitted": "on"}).status_code == 403
    with pytest.raises(PermissionDenied):
        free_time.give(row(), end, end + timedelta(days=5), viewer)
