"""Payments that are paused in Stripe's dashboard: said everywhere, and nothing promised besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.core.dates import long_date
from billing.membership import cancellation, retention, switch_options
from billing.models import Invoice, RetentionOffer, Subscription
from billing.notices import reminders
from billing.sync import catalog
from billing.tests import factories
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import superuser
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose first payment went through."""
    return paid_member(sandbox)


@pytest.fixture
def her(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


def row_of(user: User) -> Subscription:
    return Subscription.objects.for_user(user).get()


def pause(sandbox: Sandbox, user: User, behavior: str = "void", days: int = 0) -> datetime | None:
    """Pause as in Stripe's dashboard, for some days or until further notice; return the end."""
    wanted: Any = {"behavior": behavior}
    if days:
        wanted["resumes_at"] = sandbox.look("clock")["now"] + days * 86_400
    change: Any = {"pause_collection": wanted}
    sandbox.stripe.v1.subscriptions.update(row_of(user).stripe_id, change)
    deliver(sandbox.events())
    return datetime.fromtimestamp(wanted["resumes_at"], UTC) if days else None


def resume(sandbox: Sandbox, user: User) -> None:
    sandbox.stripe.v1.subscriptions.update(row_of(user).stripe_id, {"pause_collection": ""})
    deliver(sandbox.events())


def told(user: User, kind: str) -> list[Message]:
    return list(Message.objects.filter(user=user, kind=kind, channel="email").order_by("pk"))


def home(client: Client) -> str:
    return str(client.get("/").content.decode())


def test_a_pause_with_an_end_is_said_at_home_and_under_membership(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    until = pause(sandbox, alice, days=60)
    assert until
    row = row_of(alice)
    assert (row.status, row.pause_behavior, row.resumes_at) == ("active", "void", until)
    assert row.next_charge is None
    for page in (home(her), her.get("/membership/").content.decode()):
        assert "Paused" in page
        assert f"Nothing is charged until {long_date(until)}." in page
        assert "You’re still a member." in page
        assert "renews as usual" in page
        for wrong in ("Next payment", "Next charge", "next charge"):
            assert wrong not in page


def test_a_pause_without_an_end_says_who_ends_it(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    pause(sandbox, alice)
    page = home(her)
    assert "Nothing is charged for now. You’re still a member." in page
    assert "We’ll email you when payments resume." in page
    assert "Card on file" in page


def test_a_pause_that_is_over_before_the_renewal_keeps_its_charge(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    until = pause(sandbox, alice, days=5)
    assert until
    page = home(her)
    assert f"Nothing is charged until {long_date(until)}." in page
    day = long_date(row_of(alice).current_period_end)
    assert f"Your next charge of $29.00 is on {day}." in page


def test_each_fact_is_one_message(sandbox: Sandbox, alice: User) -> None:
    until = pause(sandbox, alice, days=60)
    deliver(sandbox.events())
    [message] = told(alice, "membership_paused")
    mail = rendering.render_email(message)
    assert until
    assert mail.subject.startswith("Your payments are paused until ")
    assert "still a member" in mail.text
    assert "You won’t be billed for this time." in mail.text

    pause(sandbox, alice)
    latest = told(alice, "membership_paused")[-1]
    assert rendering.render_email(latest).subject == "Your payments are paused"
    assert len(told(alice, "membership_paused")) == 2

    resume(sandbox, alice)
    [message] = told(alice, "membership_resumed")
    mail = rendering.render_email(message)
    assert "Next payment: $29.00" in mail.text
    pause(sandbox, alice)
    assert len(told(alice, "membership_paused")) == 3, "A second pause is news."


def test_invoices_that_wait_as_drafts_are_not_called_forgiven(
    sandbox: Sandbox, alice: User
) -> None:
    pause(sandbox, alice, "keep_as_draft")
    [message] = told(alice, "membership_paused")
    text = rendering.render_email(message).text
    assert "We may send them to you later." in text
    assert "won’t be billed" not in text


@pytest.mark.parametrize("behavior", ["void", "mark_uncollectible", "keep_as_draft"])
def test_a_renewal_during_the_pause_asks_for_nothing(
    sandbox: Sandbox, her: Client, alice: User, behavior: str
) -> None:
    pause(sandbox, alice, behavior)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    page = her.get("/payments/").content.decode()
    assert "Not paid" not in page
    assert "Payment failed" not in page
    assert "Paused" in home(her)
    assert not told(alice, "payment_failed")
    if behavior == "mark_uncollectible":
        invoice = Invoice.objects.for_user(alice).latest("created_at")
        assert invoice.given_up_reason == "subscription_paused"
        assert "Not charged" in page
        shown = her.get(f"/payments/invoices/{invoice.pk}/").content.decode()
        assert "Your payments were paused" in shown


def test_a_pause_ends_by_itself_and_that_is_told(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    pause(sandbox, alice, days=5)
    sandbox.control("clock", advance_seconds=6 * 86_400)
    deliver(sandbox.events())
    assert not row_of(alice).is_paused
    assert len(told(alice, "membership_resumed")) == 1
    assert "Your next charge of $29.00" in home(her)


@pytest.mark.slow
def test_no_reminders_while_paused(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_PRICE_ID = "price_membership_yearly"
    alice = paid_member(sandbox)
    row = row_of(alice)
    near = row.current_period_end - timedelta(days=5)
    pause(sandbox, alice)
    reminders.renewal_coming(row.stripe_id, near)
    Subscription.objects.update(card_expires=f"{near:%Y-%m}")
    reminders.card_expiring(row.stripe_id, near)
    assert not told(alice, "renewal_coming")
    assert not told(alice, "card_expiring")
    resume(sandbox, alice)
    reminders.renewal_coming(row.stripe_id, near)
    assert len(told(alice, "renewal_coming")) == 1


def test_a_trial_that_ends_in_a_pause_is_not_announced(her: Client, alice: User) -> None:
    now = timezone.now()
    row = row_of(alice)
    end = now + timedelta(days=2)
    Subscription.objects.filter(pk=row.pk).update(
        status="trialing",
        trial_end=end,
        current_period_end=end,
        started_at=now - timedelta(days=20),
        pause_behavior="void",
    )
    reminders.trial_ending(row.stripe_id, now)
    assert not told(alice, "trial_ending")
    page = home(her)
    assert f"Your trial is free until {long_date(end)}. Nothing is charged for now." in page


@pytest.mark.slow
def test_cancelling_and_keeping_while_paused_promise_no_charge(
    sandbox: Sandbox, her: Client, alice: User
) -> None:
    until = pause(sandbox, alice, days=60)
    assert until
    assert her.get("/membership/cancel/").status_code == 200
    her.post("/membership/cancel/", {"reason": "", "comment": ""})
    deliver(sandbox.events())
    assert "Your membership ends on" in home(her)
    her.post("/membership/resume/")
    deliver(sandbox.events())
    [message] = told(alice, "membership_goes_on")
    mail = rendering.render_email(message)
    assert "Payments paused: Until" in mail.text
    assert "Next payment" not in mail.text
    assert "Paused" in home(her)


def test_an_end_that_comes_with_the_pause_is_told_once_resumed(
    sandbox: Sandbox, alice: User
) -> None:
    pause(sandbox, alice)
    cancellation.cancel(alice)
    deliver(sandbox.events())
    resume(sandbox, alice)
    [message] = told(alice, "membership_resumed")
    mail = rendering.render_email(message)
    assert "still ends on" in mail.text
    assert "Next payment" not in mail.text


def test_switching_waits_and_says_why(
    sandbox: Sandbox, her: Client, alice: User, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = "price_membership_yearly"
    catalog.sync_current_plan()
    pause(sandbox, alice, days=60)
    assert "Your payments are paused until" in switch_options.why_not(row_of(alice))
    page = her.get("/membership/").content.decode()
    assert "You can switch once they resume." in page
    assert "Switch to yearly" not in page
    choice = switch_options.choices(row_of(alice))[0]
    answer = her.get(reverse("billing:switch", args=[choice.plan.pk]), follow=True)
    assert "You can switch once they resume." in answer.content.decode()


def test_no_discount_is_offered_on_nothing(sandbox: Sandbox, her: Client, alice: User) -> None:
    RetentionOffer.objects.create(
        headline="Would it help?", coupon_id="STAY", percent_off=20, duration="forever"
    )
    assert retention.offer_for(alice)
    pause(sandbox, alice)
    assert retention.offer_for(alice) is None
    assert "Would it help?" not in her.get("/membership/cancel/").content.decode()
    with pytest.raises(cancellation.MembershipError, match="payments are paused"):
        retention.accept(alice)


@pytest.mark.slow
def test_staff_see_who_is_paused_and_what_that_does(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    pause(sandbox, alice, days=60)
    client.force_login(superuser())
    home_page = client.get("/staff/").content.decode()
    assert "Payments paused" in home_page
    assert "still members" in home_page
    rows = client.get(reverse("admin:billing_subscription_changelist"), {"paused": "yes"})
    assert [row.pk for row in rows.context["cl"].result_list] == [row_of(alice).pk]
    assert "Payments paused until" in rows.content.decode()
    page = client.get(reverse("admin:billing_subscription_change", args=[row_of(alice).pk]))
    assert "Invoices from this time are voided." in page.content.decode()
    resume(sandbox, alice)
    assert "Payments paused" not in client.get("/staff/").content.decode()


def test_a_row_from_before_the_column_sends_no_news(sandbox: Sandbox, alice: User) -> None:
    """An upgrade finds pauses that are months old."""
    Subscription.objects.update(pause_behavior=None)
    pause(sandbox, alice)
    assert row_of(alice).is_paused
    assert not told(alice, "membership_paused")
    resume(sandbox, alice)
    assert len(told(alice, "membership_resumed")) == 1


def test_an_open_payment_comes_first(client: Client) -> None:
    row = factories.make_subscription(
        status="past_due", pause_behavior="void", resumes_at=timezone.now() + timedelta(days=60)
    )
    client.force_login(row.customer.user)
    page = home(client)
    assert "Your last payment didn’t go through" in page
    assert "Later payments are paused until" in page
