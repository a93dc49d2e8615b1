"""Staff pause the payments of a membership and let them resume, without Stripe's dashboard."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import DecisionState, MembershipAction
from billing.membership import by_staff, pausing
from billing.membership.cancellation import MembershipError
from billing.membership.pausing import Pause
from billing.models import Invoice, MembershipDecision, Subscription
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import auditor, signed_in_now, support
from common.staff import show
from conftest import Sandbox
from emails.models import Message
from members.models import AccountActivity

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PAUSE, RESUME = "subscription_pause_payments", "subscription_resume_payments"


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def row() -> Subscription:
    return Subscription.objects.get()


def url(button: str) -> str:
    return reverse(f"admin:billing_{button}", args=[row().pk])


def press(client: Client, button: str, **fields: Any) -> str:
    answer = client.post(url(button), {"_form_submitted": "on", **fields}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def question(client: Client, button: str) -> str:
    answer = client.get(url(button))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def at_stripe(sandbox: Sandbox) -> Any:
    return sandbox.stripe.v1.subscriptions.retrieve(row().stripe_id).pause_collection


def told(user: User, kind: str) -> int:
    return Message.objects.filter(user=user, kind=kind, channel="email").count()


def test_payments_are_paused_until_a_day_and_resume_at_once(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    asked = question(desk, PAUSE)
    assert "Next charge of $29.00" in asked
    assert "the member keeps everything" in asked
    assert "Resume payments" not in unescape(desk.get(show.page_of(alice)).content.decode())
    day = timezone.localdate() + timedelta(days=60)
    until = timezone.make_aware(datetime.combine(day, time()))
    said = press(desk, PAUSE, behavior="void", resumes_on=day.isoformat(), shown="")
    assert f"Paused the payments until {show.day(until)}." in said
    paused = at_stripe(sandbox)
    assert (paused.behavior, paused.resumes_at) == ("void", int(until.timestamp()))
    assert Pause.of(row()) == Pause("void", until)
    deliver(sandbox.events())
    assert told(alice, "membership_paused") == 1
    assert "Payments paused until" in unescape(desk.get(show.page_of(alice)).content.decode())
    # The form of the first tab again.
    again = press(desk, PAUSE, behavior="void", resumes_on=day.isoformat(), shown="")
    assert by_staff.CHANGED in again
    shown = f"void {row().resumes_at.isoformat()}"  # type: ignore[union-attr]
    assert f'value="{shown}"' in question(desk, RESUME)
    assert "The payments resume." in press(desk, RESUME, shown=shown)
    assert at_stripe(sandbox) is None
    assert not row().is_paused
    deliver(sandbox.events())
    assert told(alice, "membership_resumed") == 1
    assert list(MembershipDecision.objects.order_by("pk").values_list("action", "state")) == [
        (MembershipAction.PAUSE, DecisionState.CONFIRMED),
        (MembershipAction.UNPAUSE, DecisionState.CONFIRMED),
    ]
    rows = AccountActivity.objects.filter(user=alice, kind__in=["paused", "resumed"])
    assert [(one.kind, one.by) for one in rows.order_by("pk")] == [
        ("paused", "staff"),
        ("resumed", "staff"),
    ]
    log = [one.change_message for one in LogEntry.objects.all()]
    assert log.count("The payments resume.") == 2  # on the membership and on the member
    decision = MembershipDecision.objects.order_by("pk")[0]
    page = unescape(desk.get(show.page_of(decision)).content.decode())
    assert "Invoices from this time are voided." in page


def test_drafts_that_wait_are_counted_before_payments_resume(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    assert "until further notice" in press(desk, PAUSE, behavior="keep_as_draft", shown="")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Invoice.objects.filter(status="draft").count() == 1
    asked = question(desk, RESUME)
    assert "Kept as drafts: 1 invoice, $29.00. Resuming charges none of it." in asked


def test_a_pause_can_be_changed_and_the_same_again_is_refused(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    press(desk, PAUSE, behavior="void", shown="")
    assert "already paused this way" in press(desk, PAUSE, behavior="void", shown="void")
    press(desk, PAUSE, behavior="mark_uncollectible", shown="void")
    assert at_stripe(sandbox).behavior == "mark_uncollectible"
    # A pause that Stripe's dashboard changed meanwhile isn't ended unseen.
    assert by_staff.CHANGED in press(desk, RESUME, shown="void")
    assert at_stripe(sandbox)


@pytest.mark.parametrize("days", [0, -3, 367])
def test_days_that_are_over_or_far_away_are_refused(
    sandbox: Sandbox, alice: User, desk: Client, days: int
) -> None:
    day = timezone.localdate() + timedelta(days=days)
    said = press(desk, PAUSE, behavior="void", resumes_on=day.isoformat(), shown="")
    assert "Choose a day within the next year." in said
    assert not MembershipDecision.objects.exists()


def test_what_no_page_holds_is_refused(alice: User, desk: Client) -> None:
    assert "Open the question again." in press(desk, PAUSE, behavior="void", shown="void tomorrow")
    assert "valid choice" in press(desk, PAUSE, behavior="forgive", shown="")
    with pytest.raises(MembershipError, match="this way"):
        pausing.pause(row(), Pause(), Pause("forgive"), support())
    assert not MembershipDecision.objects.exists()


def test_if_stripe_is_away_nothing_changes_and_it_can_be_tried_again(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    sandbox.control("switches", api_fail=1)
    said = press(desk, PAUSE, behavior="void", shown="")
    sandbox.control("switches", api_fail=0)
    assert "Paused the payments" not in said
    assert MembershipDecision.objects.get().state == DecisionState.FAILED
    assert not row().is_paused
    assert "Paused the payments" in press(desk, PAUSE, behavior="void", shown="")
    assert at_stripe(sandbox).behavior == "void"


def test_one_that_ends_is_not_paused(sandbox: Sandbox, alice: User, desk: Client) -> None:
    actor = support()
    by_staff.cancel(row(), actor)
    assert desk.get(url(PAUSE)).status_code == 403
    with pytest.raises(MembershipError, match="set to end"):
        pausing.pause(row(), Pause(), Pause("void"), actor)


def test_it_takes_the_permission(alice: User) -> None:
    viewer = auditor()
    client = signed_in_now(viewer)
    for button in (PAUSE, RESUME):
        assert client.post(url(button), {"_form_submitted": "on"}).status_code == 403
    with pytest.raises(PermissionDenied):
        pausing.pause(row(), Pause(), Pause("void"), viewer)
    with pytest.raises(PermissionDenied):
        pausing.resume(row(), Pause(), viewer)
