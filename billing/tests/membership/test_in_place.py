"""Over HTMX, the membership changes in place, and what can't be done is said there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.membership import cancellation
from billing.models import MembershipDecision, Plan, Subscription
from billing.tests.life import deliver, know_the_plan, paid_member, sign_up
from billing.tests.membership.test_retention import STAY, make_offer
from conftest import Sandbox

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
MEMBERSHIP = "/membership/"
LATER = "Please try again in a moment."


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A member who's signed in."""
    user = paid_member(sandbox)
    client.force_login(user)
    return user


def send(client: Client, name: str, *keys: int, **form: str) -> Any:
    return client.post(reverse(f"billing:{name}", args=keys), form, headers=HTMX)


def part(answer: Any, anchor: str) -> str:
    """Return a part of a page, which it must be alone."""
    assert answer.status_code == 200
    text = re.sub(r"\s+", " ", answer.content.decode())
    assert "<html" not in text
    assert f'id="{anchor}"' in text
    return text


def test_joining_goes_to_checkout_or_says_at_the_offer_why_not(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)
    client.force_login(sign_up())
    assert 'hx-target="#offer"' in client.get(MEMBERSHIP).content.decode()
    sandbox.control("switches", api_fail=1)
    text = part(send(client, "subscribe", price=YEARLY), "offer")
    assert LATER in text
    # What was chosen stays chosen.
    assert re.search(f'value="{YEARLY}" checked', text)
    assert not re.search(f'value="{MONTHLY}" checked', text)
    sandbox.control("switches", api_fail=0)
    sent = [send(client, "subscribe", price=YEARLY)["HX-Redirect"] for _ in range(2)]
    assert "/checkout/" in sent[0]
    assert sent[0] == sent[1]


def test_who_is_a_member_already_is_led_to_the_membership(client: Client, alice: User) -> None:
    assert send(client, "subscribe", price=MONTHLY)["HX-Redirect"] == MEMBERSHIP
    assert "You’re already a member." in client.get(MEMBERSHIP).content.decode()


def test_canceling_keeps_what_was_said_if_it_fails_and_then_leads_on(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("switches", api_fail=1)
    said = {"reason": "unused", "comment": "I moved away."}
    text = part(send(client, "cancel", **said), "leaving")
    assert LATER in text
    assert "I moved away.</textarea>" in text
    assert re.search('value="unused"[^>]* checked', text)
    sandbox.control("switches", api_fail=0)
    assert send(client, "cancel", **said)["HX-Redirect"] == MEMBERSHIP
    # A second click comes too late: there's nothing to cancel anymore.
    assert send(client, "cancel", **said)["HX-Redirect"] == MEMBERSHIP
    assert Subscription.objects.get().cancel_at_period_end
    assert MembershipDecision.objects.filter(state="confirmed").count() == 1


def test_a_comment_that_is_too_long_is_said_at_its_field(client: Client, alice: User) -> None:
    text = part(send(client, "cancel", comment="x" * 501), "leaving")
    assert "at most 500 characters" in text
    assert not MembershipDecision.objects.exists()


def test_the_offer_to_stay_is_taken_or_says_why_not(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    make_offer(sandbox)
    page = client.get("/membership/cancel/").content.decode()
    assert STAY in page
    assert 'formaction="/membership/stay/" hx-post="/membership/stay/"' in page
    sandbox.control("switches", api_fail=1)
    text = part(send(client, "stay", reason="too_expensive"), "leaving")
    assert LATER in text
    assert STAY in text
    sandbox.control("switches", api_fail=0)
    assert send(client, "stay", reason="too_expensive")["HX-Redirect"] == MEMBERSHIP
    assert Subscription.objects.get().discounts


def test_keeping_the_membership_is_said_in_its_place(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    cancellation.cancel(alice)
    page = client.get(MEMBERSHIP).content.decode()
    assert 'hx-post="/membership/resume/"' in page
    sandbox.control("switches", api_fail=1)
    text = part(send(client, "resume"), "current")
    assert LATER in text
    assert "Keep my membership" in text
    sandbox.control("switches", api_fail=0)
    text = part(send(client, "resume"), "current")
    assert "Your membership continues." in text
    assert "Keep my membership" not in text
    again = part(send(client, "resume"), "current")
    assert "Your membership is already set to continue." in again
    deliver(sandbox.events())
    assert not Subscription.objects.get().cancel_at_period_end


def test_a_switch_is_previewed_on_the_membership_page_and_made_as_shown(
    sandbox: Sandbox, client: Client, alice: User, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)
    plan = Plan.objects.get(stripe_id=YEARLY)
    url = reverse("billing:switch", args=[plan.pk])
    page = client.get(MEMBERSHIP).content.decode()
    assert f'hx-get="{url}" hx-target="#switching" hx-swap="outerHTML" hx-push-url="true"' in page
    # The same address is a page of its own.
    assert "<h1" in client.get(url).content.decode().split("<main")[1]
    text = part(client.get(url, headers=HTMX), "switching")
    assert "Switch to yearly billing" in text
    [shown] = re.findall(r'name="shown" value="([^"]+)"', text)
    # What was signed for something else is shown anew, with why.
    text = part(send(client, "switch", plan.pk, shown="nonsense"), "switching")
    assert "These amounts have changed. Here are today’s." in text
    assert "Charged today" in text
    done = [send(client, "switch", plan.pk, shown=shown)["HX-Redirect"] for _ in range(2)]
    assert set(done) == {MEMBERSHIP}
    assert Subscription.objects.get().price_id == YEARLY
    told = client.get(MEMBERSHIP).content.decode()
    assert "You’re now on yearly billing at $290.00 a year." in told
