"""Staff move a member to another price of the plan, as they were shown."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.core.statuses import DecisionState
from billing.membership import by_staff, switching
from billing.membership.cancellation import MembershipError
from billing.models import MembershipDecision, Subscription
from billing.sync import catalog
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import auditor, signed_in_now, support
from conftest import Sandbox
from emails.models import Message

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def alice(sandbox: Sandbox, settings: Settings) -> User:
    """A member of an old monthly price; on sale are a yearly and a newer monthly one."""
    user = paid_member(sandbox)
    every: list[tuple[int, Any]] = [(3500, "month"), (29000, "year")]
    monthly, yearly = (
        sandbox.stripe.v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": interval},
                "product": "prod_membership",
            }
        ).id
        for amount, interval in every
    )
    settings.STRIPE_PRICE_ID, settings.STRIPE_YEARLY_PRICE_ID = monthly, yearly
    catalog.sync_current_plan()
    return user


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def row() -> Subscription:
    return Subscription.objects.get()


def url() -> str:
    return reverse("admin:billing_subscription_change_price", args=[row().pk])


def offers(client: Client) -> dict[str, str]:
    """Return what's offered, and the value that chooses it."""
    page = unescape(client.get(url()).content.decode())
    one = re.compile(
        r'<input type="radio" name="offer" value="([^"]+)".*?>(.*?)</label>', re.DOTALL
    )
    found = one.findall(page)
    return {" ".join(re.sub(r"<[^>]+>", " ", words).split()): value for value, words in found}


def sentences(client: Client) -> list[str]:
    """Return what's said above the choice."""
    page = unescape(client.get(url()).content.decode())
    return re.findall(r"<li>([^<]+)</li>", page)


def offer(client: Client, begin: str) -> str:
    [value] = [value for words, value in offers(client).items() if words.startswith(begin)]
    return value


def press(client: Client, **fields: Any) -> str:
    answer = client.post(url(), {"_form_submitted": "on", **fields}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_year_is_charged_as_shown_and_only_once(
    sandbox: Sandbox, alice: User, desk: Client, settings: Settings
) -> None:
    shown = offers(desk)
    assert len(shown) == 4
    yearly = "$290.00 a year, now"
    said = next(one for one in sentences(desk) if one.startswith(f"{yearly}:"))
    assert "is charged today" in said
    assert "credit for unused time" in said
    assert "Next charge $290.00 on" in said
    charged = re.search(r"now: \$(\d+)\.(\d\d)", said)
    assert charged
    said = press(desk, offer=shown[yearly])
    assert "Changed the price from $29.00 to $290.00 a year." in said
    assert row().price_id == settings.STRIPE_YEARLY_PRICE_ID
    decision = MembershipDecision.objects.get()
    assert decision.actor.is_staff
    assert decision.state == DecisionState.CONFIRMED
    assert decision.amount == int(charged[1] + charged[2])
    deliver(sandbox.events())
    assert Message.objects.filter(user=alice, kind="price_switched", channel="email").exists()
    # The second of two tabs.
    press(desk, offer=shown[yearly])
    assert MembershipDecision.objects.count() == 1
    log = [one.change_message for one in LogEntry.objects.all()]
    assert log.count("Changed the price from $29.00 to $290.00 a year.") == 2


def test_the_current_price_counts_from_the_renewal_on_with_nothing_due_today(
    sandbox: Sandbox, alice: User, desk: Client, settings: Settings
) -> None:
    end = row().current_period_end
    later = offer(desk, "$35.00 a month, later")
    said = next(one for one in sentences(desk) if one.startswith("$35.00 a month, later:"))
    assert "nothing is charged today. Next charge $35.00 on" in said
    payments = len(sandbox.stripe.v1.payment_intents.list().data)
    press(desk, offer=later)
    assert row().price_id == settings.STRIPE_PRICE_ID
    assert row().current_period_end == end
    assert len(sandbox.stripe.v1.payment_intents.list().data) == payments
    assert MembershipDecision.objects.get().amount == 0


def test_what_was_shown_no_longer_is_changed(alice: User, desk: Client, settings: Settings) -> None:
    yearly = offer(desk, "$290.00 a year, now")
    settings.STRIPE_YEARLY_PRICE_ID = ""
    catalog.sync_current_plan()
    assert by_staff.CHANGED in press(desk, offer=yearly)
    assert by_staff.CHANGED in press(desk, offer=f"{yearly}x")
    assert not MembershipDecision.objects.exists()


def test_if_stripe_is_away_it_says_so_and_nothing_changes(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    yearly = offer(desk, "$290.00 a year, now")
    sandbox.control("switches", api_fail=1)
    # What begins with the next period needs no figures of Stripe's.
    assert set(offers(desk)) == {"$290.00 a year, later"}
    press(desk, offer=yearly)
    sandbox.control("switches", api_fail=0)
    assert not MembershipDecision.objects.exists()
    assert "Changed the price" in press(desk, offer=yearly)


def test_one_that_is_paused_cannot_be_changed_and_says_why(
    sandbox: Sandbox, alice: User, desk: Client
) -> None:
    yearly = offer(desk, "$290.00 a year, now")
    change: Any = {"pause_collection": {"behavior": "void"}}
    sandbox.stripe.v1.subscriptions.update(row().stripe_id, change)
    deliver(sandbox.events())
    assert offers(desk) == {}
    assert "Your payments are paused." in unescape(desk.get(url()).content.decode())
    with pytest.raises(MembershipError, match="paused"):
        switching.switch_by_staff(row(), yearly, support())


def test_it_takes_the_permission(alice: User) -> None:
    viewer = auditor()
    assert signed_in_now(viewer).post(url(), {"_form_submitted": "on"}).status_code == 403
    with pytest.raises(PermissionDenied):
        switching.switch_by_staff(row(), "any", viewer)
