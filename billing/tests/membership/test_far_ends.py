"""A membership that ends several renewals from now: it renews until then, unless it's canceled."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.admin import labels
from billing.core.dates import long_date, plain_date
from billing.core.statuses import DecisionState, MembershipAction, PauseBehavior
from billing.facts import memberships
from billing.membership import by_staff, cancellation, free_time, pausing, planning, switch_options
from billing.membership.pausing import Pause
from billing.models import Payment, Subscription
from billing.refunds import service as refunds
from billing.sync.refresh import sync_subscription
from billing.tests import factories
from billing.tests.life import a_minute_passes, deliver, paid_member
from billing.tests.membership.test_scheduled_changes import (
    YEARLY,
    end_by_schedule,
    newest_mail,
    told,
)
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import signed_in_now, support
from common import days as common_days
from common.staff import show
from conftest import Sandbox, run_jobs
from emails.models import Message
from portal.selfservice import closing

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


def row() -> Subscription:
    return Subscription.objects.get()


def end_on_a_date(sandbox: Sandbox, months: int) -> None:
    """Have it end as the dashboard does on a custom date, without a schedule."""
    at = row().current_period_end + timedelta(days=31 * (months - 1))
    v1 = sandbox.stripe.v1
    v1.subscriptions.update(row().stripe_id, {"cancel_at": int(at.timestamp())})
    deliver(sandbox.events())


FAR_ENDS = pytest.mark.parametrize("end_later", [end_by_schedule, end_on_a_date])


def assert_is_never_charged_again(sandbox: Sandbox) -> None:
    deliver(sandbox.events())
    assert row().ends_with_period
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert (row().status, Payment.objects.count()) == ("canceled", 1)


def page(client: Client, name: str) -> str:
    return " ".join(unescape(client.get(reverse(name)).content.decode()).split())


@FAR_ENDS
def test_its_member_can_cancel_it(
    sandbox: Sandbox, client: Client, alice: User, end_later: Any
) -> None:
    end_later(sandbox, 3)
    assert not row().ends_with_period
    client.force_login(alice)
    assert f'href="{reverse("billing:cancel")}"' in page(client, "billing:membership")
    assert client.post(reverse("billing:cancel"), follow=True).status_code == 200
    assert_is_never_charged_again(sandbox)
    assert told(alice) == ["membership_ends", "membership_ends", "membership_ended"]
    with pytest.raises(cancellation.MembershipError):
        cancellation.cancel(alice)


def test_nobody_reads_that_it_continues_while_it_is_canceled(sandbox: Sandbox, alice: User) -> None:
    made = end_by_schedule(sandbox, 3)
    # Stripe's news of the release is read before the membership's new end is set.
    sandbox.stripe.v1.subscription_schedules.release(made.id)
    deliver(sandbox.events())
    assert row().ends_at is None
    cancellation.cancel(alice)
    deliver(sandbox.events())
    run_jobs()
    a_minute_passes()
    [mail] = Message.objects.filter(kind="membership_goes_on", channel="email")
    assert mail.sent_at is None
    assert mail.error == "The membership ends after all."


def test_who_is_released_from_a_far_end_reads_that_it_continues(
    sandbox: Sandbox, alice: User
) -> None:
    made = end_by_schedule(sandbox, 3)
    sandbox.stripe.v1.subscription_schedules.release(made.id)
    deliver(sandbox.events())
    a_minute_passes()
    [mail] = Message.objects.filter(kind="membership_goes_on", channel="email")
    assert mail.sent_at is not None


@pytest.mark.parametrize("action", [MembershipAction.CANCEL, MembershipAction.RESUME])
def test_its_end_confirms_no_decision(sandbox: Sandbox, alice: User, action: str) -> None:
    end_by_schedule(sandbox, 3)
    decision = cancellation.decide(alice, MembershipAction(action))
    sync_subscription(row().stripe_id)
    decision.refresh_from_db()
    assert decision.state == DecisionState.PENDING


@FAR_ENDS
def test_it_ends_with_a_refund(sandbox: Sandbox, alice: User, end_later: Any) -> None:
    policy()
    end_later(sandbox, 3)
    payment = Payment.objects.get()
    refunds.request(alice, payment.pk, refund_request(900, cancels_membership=True))
    run_jobs()
    assert_is_never_charged_again(sandbox)


def test_the_refund_page_offers_to_cancel_it(sandbox: Sandbox, client: Client, alice: User) -> None:
    policy()
    end_by_schedule(sandbox, 3)
    client.force_login(alice)
    at = reverse("billing:request-refund", args=[Payment.objects.get().pk])
    text = unescape(client.get(at).content.decode())
    assert "It continues, and your next payment is taken as usual." in text
    assert "Cancel it too" in text
    assert "as you chose" not in text


@FAR_ENDS
def test_closing_the_account_stops_it(sandbox: Sandbox, alice: User, end_later: Any) -> None:
    end_later(sandbox, 3)
    assert [one.pk for one in closing.renewing(alice)] == [row().pk]
    made = closing.plan(alice)
    assert made.stopped == [row().pk]
    assert_is_never_charged_again(sandbox)


def test_staff_can_cancel_it(sandbox: Sandbox, alice: User) -> None:
    end_by_schedule(sandbox, 3)
    client, pk = signed_in_now(support()), row().pk
    at = reverse("admin:billing_subscription_cancel_at_end", args=[pk])
    assert client.get(at).status_code == 200
    assert client.post(at, {"_form_submitted": "on"}, follow=True).status_code == 200
    assert_is_never_charged_again(sandbox)
    with pytest.raises(cancellation.MembershipError):
        by_staff.cancel(row(), support())


def test_help_says_how_it_is_canceled(sandbox: Sandbox, client: Client, alice: User) -> None:
    end_by_schedule(sandbox, 3)
    client.force_login(alice)
    text, ends_at = page(client, "selfservice:help"), row().ends_at
    assert ends_at is not None
    assert f"Your membership ends on {long_date(ends_at)}." in text
    assert "Cancel anytime." in text
    assert reverse("billing:cancel") in text
    assert "You’ve already canceled" not in text


# Paused, or free


def pause(sandbox: Sandbox, until: datetime | None) -> None:
    paused: Any = {"behavior": "void"}
    if until:
        paused["resumes_at"] = int(until.timestamp())
    v1 = sandbox.stripe.v1
    v1.subscriptions.update(row().stripe_id, {"pause_collection": paused})
    deliver(sandbox.events())


@pytest.mark.parametrize("days", [10, None])
def test_while_payments_are_paused_nobody_reads_that_they_are_over(
    sandbox: Sandbox, client: Client, alice: User, days: int | None
) -> None:
    resumes_at = row().current_period_end + timedelta(days=days) if days else None
    pause(sandbox, resumes_at)
    end_by_schedule(sandbox, 6)
    mail, ends_at = newest_mail(alice), row().ends_at
    assert ends_at is not None
    assert f"Ends on: {common_days.full(timezone.localtime(ends_at))}" in mail
    if resumes_at:
        assert (
            f"Your payments are paused until {common_days.full(timezone.localtime(resumes_at))}."
            in mail
        )
        assert "After that, it renews and is charged as usual." in mail
    else:
        assert "Your payments are paused for now." in mail
    assert "won’t charge you" not in mail
    client.force_login(alice)
    for name in ("home", "billing:membership", "selfservice:help"):
        text = page(client, name)
        paused = f"until {long_date(resumes_at)}" if resumes_at else "for now"
        assert f"Nothing is charged {paused}." in text
        assert "Nothing more is charged" not in text
        assert "won’t be charged again" not in text
    assert long_date(ends_at) in page(client, "billing:membership")


def test_who_is_free_until_then_still_reads_so(client: Client) -> None:
    now = timezone.now()
    it = factories.make_subscription(
        status="trialing", trial_end=now + timedelta(days=15), cancel_at=now + timedelta(days=700)
    )
    client.force_login(it.customer.user)
    text = page(client, "billing:membership")
    assert "Free until" in text
    assert "Free trial" in text
    assert "Ending" not in text
    assert it.cancel_at is not None
    lines = re.sub(r"<[^>]+>", "", text)
    assert f"Ends{common_days.long(timezone.localtime(it.cancel_at))}" in lines


def test_staff_read_the_next_charge_and_the_end() -> None:
    later = timezone.now() + timedelta(days=700)
    it = factories.make_subscription(cancel_at=later, next_charge=2900)
    said = labels.next_step(it)
    assert said.startswith("Next charge of $29.00 on ")
    assert said.endswith(f"; ends {show.day(later)}")
    soon = factories.make_subscription(cancel_at_period_end=True)
    assert labels.next_step(soon) == f"Ends {show.day(soon.current_period_end)}"


def test_staff_find_it_among_those_that_go_on() -> None:
    far = factories.make_subscription(cancel_at=timezone.now() + timedelta(days=700))
    soon = factories.make_subscription(cancel_at=timezone.now() + timedelta(days=3))
    client, at = signed_in_now(support()), reverse("admin:billing_subscription_changelist")
    for chosen, found in (("yes", soon), ("no", far)):
        listed = client.get(f"{at}?ending={chosen}").context["cl"].result_list
        assert [one.pk for one in listed] == [found.pk]


# Two at once


@pytest.mark.parametrize(("days", "is_twice"), [(None, True), (700, True), (15, False), (1, False)])
def test_who_has_two_that_renew_is_a_task(days: int | None, is_twice: bool) -> None:
    one = factories.make_subscription()
    end, ends_at = one.current_period_end, None
    if days is not None:
        ends_at = end + timedelta(days=days - 15)
    factories.make_subscription(one.customer, current_period_end=end, cancel_at=ends_at)
    users = [found["customer__user"] for found in memberships.paid_twice()]
    assert users == ([one.customer.user_id] if is_twice else [])


def test_who_has_two_is_looked_for_in_an_index() -> None:
    with CaptureQueriesContext(connection) as asked:
        list(memberships.paid_twice())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + asked.captured_queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "billing_membership_renewing" in plan


def test_one_that_ends_far_away_counts_before_one_that_ends_with_its_period() -> None:
    later = timezone.now() + timedelta(days=700)
    far = factories.make_subscription(cancel_at=later)
    soon = factories.make_subscription(far.customer, cancel_at_period_end=True)
    plain = factories.make_subscription(far.customer)
    assert memberships.ranked([soon, far, plain]) == [plain, far, soon]


# Changed meanwhile


def sell_a_year(settings: Any) -> None:
    factories.make_plan(stripe_id=YEARLY, amount=29000, interval="year")
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY


@FAR_ENDS
@pytest.mark.parametrize("who", ["member", "staff", "closing"])
def test_taking_back_a_cancellation_brings_the_end_back(
    sandbox: Sandbox, alice: User, end_later: Any, who: str
) -> None:
    end_later(sandbox, 3)
    end = row().ends_at
    assert end is not None
    desk, pk = signed_in_now(support()), row().pk
    if who == "closing":
        closing.plan(alice)
        closing.keep(alice)
        run_jobs()
    else:
        cancellation.cancel(alice)
        keep = reverse("admin:billing_subscription_keep_going", args=[pk])
        assert f"Its later end, {show.day(end)}, applies again." in unescape(
            desk.get(keep).content.decode()
        )
        if who == "member":
            cancellation.resume(alice)
        else:
            assert desk.post(keep, {"_form_submitted": "on"}).status_code == 302
    deliver(sandbox.events())
    assert (row().ends_at, row().ends_with_period) == (end, False)
    resumed = row().decisions.filter(action=MembershipAction.RESUME)
    assert [(one.state, one.until) for one in resumed] == [(DecisionState.CONFIRMED, end)]
    # Kept once more, it has no end. Canceled and kept again, it still has none.
    cancellation.resume(alice)
    assert row().ends_at is None
    cancellation.cancel(alice)
    cancellation.resume(alice)
    assert row().ends_at is None


def test_an_end_on_a_date_refuses_only_what_lasts_longer(
    sandbox: Sandbox, alice: User, settings: Any
) -> None:
    sell_a_year(settings)
    actor, before = support(), row().current_period_end
    end_on_a_date(sandbox, 3)
    end = row().ends_at
    assert end is not None
    for late in (end, end + timedelta(days=1)):
        with pytest.raises(cancellation.MembershipError, match="It ends before that"):
            free_time.give(row(), before, late, actor)
    [yearly] = switch_options.choices(row())
    assert "before the first payment’s time is over" in yearly.why_not
    with pytest.raises(cancellation.MembershipError, match="nothing can be planned"):
        planning.preview(row(), yearly)
    pausing.pause(row(), Pause(), Pause(PauseBehavior.VOID), actor)
    pausing.resume(row(), Pause.of(row()), actor)
    free_time.give(row(), before, before + timedelta(days=10), actor)
    assert row().is_in_free_time
    assert row().ends_at == end


def test_an_end_by_a_schedule_says_who_can_change_it(
    sandbox: Sandbox, alice: User, client: Client, settings: Any
) -> None:
    sell_a_year(settings)
    end_by_schedule(sandbox, 3)
    why = "A schedule at Stripe ends it. Let it continue first."
    assert free_time.why_not(row()) == why
    page_of_it = signed_in_now(support()).get(show.page_of(row())).content.decode()
    assert f"No free time for now: a{why[1:]}" in page_of_it
    client.force_login(alice)
    ends_at = row().ends_at
    assert ends_at is not None
    assert f"Your membership ends on {plain_date(ends_at)}. Keep it to switch plans." in page(
        client, "billing:membership"
    )
