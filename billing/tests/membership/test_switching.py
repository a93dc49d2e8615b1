"""Monthly to yearly and back: what is shown is what is charged, once, or nothing changes."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing.core.statuses import DecisionState
from billing.membership import cancellation, switch_options, switching
from billing.models import Customer, Invoice, MembershipDecision, Plan, Subscription
from billing.sync import catalog
from billing.tests import staff_world
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    know_the_plan,
    paid_member,
    sign_up,
    subscribe,
)
from billing.tests.membership.test_cancellation import kinds
from common.money import Money
from conftest import Sandbox
from emails.models import Message
from testing.made_once import made_once

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
ALWAYS_ASKS = "4000002760003184"
DAY = 86_400


@pytest.fixture(autouse=True)
def both_prices(sandbox: Sandbox, settings: Settings, db: None) -> None:
    """Sell the membership by the month and by the year."""
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)


@made_once
def member(sandbox: Sandbox, card: str = GOOD_CARD, price: str = "", days: int = 10) -> User:
    """Return a member in the middle of a period."""
    user = sign_up()
    subscribe(sandbox, user, card, price=price)
    sandbox.control("clock", advance_seconds=days * DAY)
    deliver(sandbox.events())
    return user


def page_of(price: str) -> str:
    return reverse("billing:switch", args=[Plan.objects.get(stripe_id=price).pk])


def look(client: Client, user: User, price: str) -> tuple[str, str]:
    """Open the page of a switch; return what it says and what its form sends back."""
    client.force_login(user)
    answer = client.get(page_of(price), follow=True)
    text = answer.content.decode()
    match = re.search(r'name="shown" value="([^"]+)"', text)
    return text, match[1] if match else ""


def confirm(client: Client, price: str, shown: str) -> str:
    answer = client.post(page_of(price), {"shown": shown}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def invoices_at_stripe(sandbox: Sandbox) -> list[Any]:
    return sandbox.stripe.v1.invoices.list().data


@pytest.mark.slow
def test_the_membership_page_leads_there_with_the_saving(sandbox: Sandbox, client: Client) -> None:
    client.force_login(member(sandbox))
    text = client.get("/membership/").content.decode()
    assert "Switch to yearly" in text
    assert "two months free" in text
    assert page_of(YEARLY) in text
    assert page_of(MONTHLY) not in text


@pytest.mark.slow
def test_up_what_is_shown_is_what_is_charged(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    text, shown = look(client, alice, YEARLY)
    assert "Credit for unused time" in text
    assert "Your next year, from today" in text
    assert not MembershipDecision.objects.exists()
    # Time goes by while the member reads; the second that counts stays the one that was shown.
    sandbox.control("clock", advance_seconds=600)
    after = confirm(client, YEARLY, shown)
    assert "You’re now on yearly billing at $290.00 a year." in after
    assert "Switch to monthly" in after

    invoice = invoices_at_stripe(sandbox)[0]
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    decision = MembershipDecision.objects.get()
    assert decision.amount == invoice.amount_paid
    assert f"${invoice.amount_paid / 100:.2f}" in text
    assert (decision.action, decision.state) == ("switch", DecisionState.CONFIRMED)
    assert (decision.price_id, decision.actor) == (YEARLY, alice)
    row = Subscription.objects.get()
    assert (row.price_id, row.interval, row.next_charge) == (YEARLY, "year", 29000)
    deliver(sandbox.events())
    assert kinds(alice)[1:] == ["price_switched", "payment_received"]


@pytest.mark.slow
def test_down_leaves_a_credit_that_pays_what_comes(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox, price=YEARLY, days=30)
    text, shown = look(client, alice, MONTHLY)
    assert "in credit. We’ll use it before charging your card" in text
    assert "Switch to monthly" in text
    confirm(client, MONTHLY, shown)
    assert invoices_at_stripe(sandbox)[0].amount_due == 0
    deliver(sandbox.events())
    row = Subscription.objects.get()
    assert (row.price_id, row.next_charge) == (MONTHLY, 0)
    assert "your card won’t be charged" in client.get("/membership/").content.decode()
    assert kinds(alice)[1:] == ["price_switched"]
    told = Message.objects.get(kind="price_switched", channel="email").context
    assert (told["rate"], told["next_charge"]) == ("$29.00 a month", "$0.00")


@pytest.mark.slow
def test_a_declined_card_changes_nothing(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    _, shown = look(client, alice, YEARLY)
    text = confirm(client, YEARLY, shown)
    assert "Your bank declined the card" in text
    assert "You now pay" not in text
    assert "Nothing was charged or changed." in text
    assert MembershipDecision.objects.get().state == DecisionState.FAILED
    assert len(invoices_at_stripe(sandbox)) == 1
    at_stripe = sandbox.stripe.v1.subscriptions.retrieve(Subscription.objects.get().stripe_id)
    assert (at_stripe.status, at_stripe["items"]["data"][0]["price"]["id"]) == ("active", MONTHLY)

    # With another card it works.
    sandbox.control(f"customers/{Customer.objects.get().stripe_id}/card", card=GOOD_CARD)
    _, shown = look(client, alice, YEARLY)
    confirm(client, YEARLY, shown)
    assert Subscription.objects.get().price_id == YEARLY


@pytest.mark.slow
def test_a_bank_that_asks_changes_nothing_and_says_what_to_do(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, ALWAYS_ASKS)
    _, shown = look(client, alice, YEARLY)
    text = confirm(client, YEARLY, shown)
    assert "Your bank wants you to confirm this payment" in text
    assert "Nothing was charged or changed" in text
    deliver(sandbox.events())
    assert kinds(alice) == ["joined"]
    assert Subscription.objects.get().price_id == MONTHLY


@pytest.mark.slow
def test_a_card_that_fails_is_no_obstacle_where_nothing_is_due(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD, price=YEARLY)
    _, shown = look(client, alice, MONTHLY)
    confirm(client, MONTHLY, shown)
    assert Subscription.objects.get().price_id == MONTHLY


def test_two_clicks_charge_once(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    confirm(client, YEARLY, shown)
    confirm(client, YEARLY, shown)
    assert len(invoices_at_stripe(sandbox)) == 2
    assert MembershipDecision.objects.count() == 1


def test_a_switch_whose_answer_was_lost_is_not_made_again(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    row = Subscription.objects.get()
    item = sandbox.stripe.v1.subscriptions.retrieve(row.stripe_id)["items"]["data"][0]["id"]
    sandbox.stripe.v1.subscriptions.update(
        row.stripe_id, {"items": [{"id": item, "price": YEARLY}]}
    )
    confirm(client, YEARLY, shown)
    assert len(invoices_at_stripe(sandbox)) == 2
    assert Subscription.objects.get().price_id == YEARLY


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_once_charge_once(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    row = Subscription.objects.get()
    choice = switch_options.choices(row)[0]
    barrier = threading.Barrier(3)
    outcomes: list[str] = []

    def click() -> None:
        barrier.wait()
        try:
            switching.switch(alice, choice, shown)
            outcomes.append("")
        except cancellation.MembershipError as error:
            outcomes.append(str(error))
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click) for _ in range(3)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(outcomes) == 3
    assert "" in outcomes
    assert len(invoices_at_stripe(sandbox)) == 2
    switched = MembershipDecision.objects.filter(action="switch", state=DecisionState.CONFIRMED)
    assert switched.count() == 1


def test_amounts_that_have_changed_are_shown_again_first(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    customer = Customer.objects.get().stripe_id
    sandbox.stripe.v1.customers.update(customer, {"balance": 5000})
    text = confirm(client, YEARLY, shown)
    assert "The amounts have changed since you looked" in text
    assert "Charged today" in text
    assert not MembershipDecision.objects.exists()
    assert len(invoices_at_stripe(sandbox)) == 1


@pytest.mark.parametrize(
    ("balance", "line"),
    [(-5000, "Your credit"), (5000, "Still unpaid from before")],
)
def test_credit_and_debt_are_in_the_reckoning(
    sandbox: Sandbox, client: Client, balance: int, line: str
) -> None:
    alice = member(sandbox)
    sandbox.stripe.v1.customers.update(Customer.objects.get().stripe_id, {"balance": balance})
    text, shown = look(client, alice, YEARLY)
    assert line in text
    assert f"{Money(balance, 'usd')}" in text
    confirm(client, YEARLY, shown)
    due = invoices_at_stripe(sandbox)[0].amount_paid
    assert MembershipDecision.objects.get().amount == due
    assert str(Money(due, "usd")) in text


@pytest.mark.slow
def test_a_trial_that_ended_meanwhile_is_looked_at_again(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    alice = on_trial(sandbox, settings)
    _, shown = look(client, alice, YEARLY)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert "The amounts have changed" in confirm(client, YEARLY, shown)
    assert not MembershipDecision.objects.exists()


@pytest.mark.parametrize("odd", ["", "x", "x:y:z", "é" * 300])
def test_a_form_that_was_tampered_with_only_shows_the_page(
    sandbox: Sandbox, client: Client, odd: str
) -> None:
    client.force_login(member(sandbox))
    assert "Here are today’s" in confirm(client, YEARLY, odd)
    assert not MembershipDecision.objects.exists()


@pytest.mark.slow
def test_what_another_member_was_shown_counts_for_nothing(sandbox: Sandbox, client: Client) -> None:
    _, shown = look(client, member(sandbox), YEARLY)
    bob = paid_member(sandbox, "Bob Baker")
    client.force_login(bob)
    assert "for something else" in confirm(client, YEARLY, shown)
    assert not MembershipDecision.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_visitor_and_stranger_switch_nothing(sandbox: Sandbox, client: Client, method: str) -> None:
    member(sandbox)
    url = page_of(YEARLY)
    assert getattr(client, method)(url)["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    assert getattr(client, method)(url)["Location"] == "/membership/"
    assert getattr(client, method)("/membership/switch/999999/")["Location"] == "/membership/"
    assert not MembershipDecision.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "past_due"}, "Pay it to switch plans"),
        ({"cancel_at_period_end": True}, "Keep it to switch plans"),
        ({"status": "paused"}, "is paused"),
    ],
)
def test_when_it_is_not_possible_the_page_says_why(
    sandbox: Sandbox, client: Client, changes: dict[str, Any], words: str
) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    Subscription.objects.update(**changes)
    assert words in client.get("/membership/").content.decode()
    assert words in client.get(page_of(YEARLY), follow=True).content.decode()
    assert words in confirm(client, YEARLY, shown)
    assert not MembershipDecision.objects.exists()


def on_trial(sandbox: Sandbox, settings: Settings) -> User:
    """Return a member in the middle of a trial of thirty days."""
    trial = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product": "prod_membership",
            "metadata": {"trial_days": "30"},
        }
    )
    settings.STRIPE_PRICE_ID = trial.id
    catalog.sync_current_plan()
    return member(sandbox)


@pytest.mark.slow
def test_on_trial_nothing_is_paid_and_the_new_price_comes_after_it(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    alice = on_trial(sandbox, settings)
    text, shown = look(client, alice, YEARLY)
    assert "You won’t be charged today" in text
    assert '<span class="money">$290.00</span> on' in text
    confirm(client, YEARLY, shown)
    row = Subscription.objects.get()
    assert (row.status, row.price_id, row.next_charge) == ("trialing", YEARLY, 29000)
    assert len(invoices_at_stripe(sandbox)) == 1
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Invoice.objects.latest("created_at").amount_paid == 29000


@pytest.mark.slow
def test_stripe_down_is_said_and_changes_nothing(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    sandbox.control("switches", api_fail=1)
    text, _ = look(client, alice, YEARLY)
    assert "try again in a moment" in text
    assert "try again in a moment" in confirm(client, YEARLY, shown)
    sandbox.control("switches", api_fail=0)
    confirm(client, YEARLY, shown)
    assert Subscription.objects.get().price_id == YEARLY


def test_a_membership_that_is_gone_at_stripe_is_said(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox)
    _, shown = look(client, alice, YEARLY)
    Subscription.objects.update(stripe_id="sub_gone")
    gone = "has already ended at our payment provider. Nothing changed."
    assert gone in look(client, alice, YEARLY)[0]
    assert gone in confirm(client, YEARLY, shown)


@pytest.mark.slow
def test_a_discount_goes_on_and_is_in_the_figures(sandbox: Sandbox, client: Client) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    alice = member(sandbox)
    row = Subscription.objects.get()
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"discounts": [{"coupon": coupon.id}]})
    deliver(sandbox.events())
    text, shown = look(client, alice, YEARLY)
    assert "−$58.00" in text
    confirm(client, YEARLY, shown)
    assert MembershipDecision.objects.get().amount == invoices_at_stripe(sandbox)[0].amount_paid
    assert Subscription.objects.get().next_charge == 23200


@pytest.mark.slow
def test_staff_see_the_switch(sandbox: Sandbox, client: Client) -> None:
    _, shown = look(client, member(sandbox), YEARLY)
    confirm(client, YEARLY, shown)
    staff = Client()
    staff.force_login(staff_world.auditor())
    decision = MembershipDecision.objects.get()
    url = reverse("admin:billing_membershipdecision_change", args=[decision.pk])
    text = staff.get(url).content.decode()
    assert "$290.00 a year" in text
    assert str(Money(decision.amount or 0, "usd")) in text
