"""A card that paid an open invoice by hand: shall it pay the next charges too?"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from billing.models import Customer, Invoice, Payment, Subscription
from billing.sync import refresh
from billing.tests.altered_stripe import altered
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    paid_member,
    sign_up,
    subscribe,
)
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db
QUESTION = "Use Visa ending in 4242 from now on?"


def pay_by_hand(sandbox: Sandbox, invoice: Invoice, card: str = GOOD_CARD) -> None:
    """Pay an invoice on its page at Stripe, with a card of its own."""
    form = {"number": card, "expiry": "12 / 34", "cvc": "123", "name": "A Member"}
    answer = httpx.post(f"{sandbox.url}/invoice/{invoice.stripe_id}", data=form, trust_env=False)
    assert answer.status_code == 303, answer.text
    deliver(sandbox.events())


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member whose renewal failed, and who paid it with another card."""
    user = sign_up()
    subscribe(sandbox, user, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    pay_by_hand(sandbox, Invoice.objects.get(status="open"))
    return user


def page(client: Client, user: User, url: str = "/membership/") -> str:
    client.force_login(user)
    return str(client.get(url).content.decode())


def test_one_button_makes_it_the_card_of_what_comes(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    assert Subscription.objects.get().card_last4 == "0341"
    for url in ("/", "/membership/"):
        text = page(client, alice, url)
        assert QUESTION in text
        assert "still charged to your Visa ending in 0341" in text
    paid = Payment.objects.get(card_last4="4242")
    answer = client.post(f"/membership/card/{paid.pk}/", follow=True).content.decode()
    assert "Your next charges go to Visa ending in 4242" in answer
    assert QUESTION not in answer
    assert Subscription.objects.get().card_last4 == "4242"
    [told] = Message.objects.filter(user=alice, kind="card_changed")
    assert told.subject == "Your membership is now paid with your Visa ending in 4242"
    assert "Until now: Visa ending in 0341" in rendering.render_email(told).text

    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Subscription.objects.get().status == "active"
    assert Invoice.objects.latest("created_at").status == "paid"


def test_the_thanks_say_which_card_pays_next_and_where_to_choose(
    settings: Settings, alice: User
) -> None:
    told = Message.objects.filter(user=alice, kind="payment_received", channel="email")
    thanks = rendering.render_email(told.latest("pk")).text
    assert "The payment went through this time." in thanks
    assert "Your next payment is still charged to your Visa ending in 0341" in thanks
    assert f"Choose which card pays from now on:\n{settings.PORTAL_URL}/\n" in thanks
    assert "nothing else to do" not in thanks


def test_twice_clicked_is_once_done(client: Client, alice: User) -> None:
    client.force_login(alice)
    paid = Payment.objects.get(card_last4="4242")
    for _ in range(2):
        answer = client.post(f"/membership/card/{paid.pk}/", follow=True).content.decode()
        assert "Your next charges go to" in answer


@pytest.mark.slow
def test_without_it_nothing_is_asked(sandbox: Sandbox, client: Client) -> None:
    bob = sign_up("Bob Baker")
    subscribe(sandbox, bob)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert "from now on" not in page(client, bob)


def test_who_changed_the_card_since_is_not_asked(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("clock", advance_seconds=60)
    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card="5555555555554444")
    deliver(sandbox.events())
    assert Subscription.objects.get().card_brand == "mastercard"
    assert QUESTION not in page(client, alice)


@pytest.mark.slow
def test_a_card_that_was_replaced_by_its_bank_is_the_same_card(
    sandbox: Sandbox, client: Client
) -> None:
    bob = paid_member(sandbox, "Bob Baker")
    Subscription.objects.update(card_last4="9999")
    assert "from now on" not in page(client, bob)


def test_whose_membership_ends_is_not_asked(sandbox: Sandbox, client: Client, alice: User) -> None:
    Subscription.objects.update(cancel_at_period_end=True)
    assert QUESTION not in page(client, alice)


def test_a_card_that_was_not_kept_is_refused_with_the_way_to_add_it(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    paid = Payment.objects.get(card_last4="4242")
    sandbox.stripe.v1.payment_methods.detach(paid.method_id)
    client.force_login(alice)
    answer = client.post(f"/membership/card/{paid.pk}/", follow=True).content.decode()
    assert "This card wasn’t saved" in answer
    assert Subscription.objects.get().card_last4 == "0341"


@pytest.mark.slow
def test_stripe_down_is_said(sandbox: Sandbox, client: Client, alice: User) -> None:
    paid = Payment.objects.get(card_last4="4242")
    client.force_login(alice)
    sandbox.control("switches", api_fail=1)
    answer = client.post(f"/membership/card/{paid.pk}/", follow=True).content.decode()
    assert "try again in a moment" in answer


def test_a_membership_that_is_gone_at_stripe_is_said(client: Client, alice: User) -> None:
    paid = Payment.objects.get(card_last4="4242")
    Subscription.objects.update(stripe_id="sub_gone")
    client.force_login(alice)
    answer = client.post(f"/membership/card/{paid.pk}/", follow=True).content.decode()
    assert "has already ended at our payment provider" in answer
    assert "This card wasn’t saved" not in answer


def test_visitor_and_stranger_change_no_card(client: Client, alice: User) -> None:
    paid = Payment.objects.get(card_last4="4242")
    url = f"/membership/card/{paid.pk}/"
    assert client.post(url)["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    assert client.post(url).status_code == 404
    assert client.get(url)["Location"] == "/membership/"
    assert Subscription.objects.get().card_last4 == "0341"


# Coming back


@pytest.mark.slow
def test_what_an_earlier_membership_left_open_is_a_matter_of_its_own(
    sandbox: Sandbox, client: Client
) -> None:
    bob = sign_up("Bob Baker")
    subscribe(sandbox, bob, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.get().stripe_id)
    deliver(sandbox.events())
    invoice = Invoice.objects.get(status="open")
    text = page(client, bob)
    assert "$29.00 from your earlier membership is still open" in text
    assert f"/payments/invoices/{invoice.pk}/stripe/" in text
    assert "Become a member again" in text

    subscribe(sandbox, bob)
    deliver(sandbox.events())
    text = page(client, bob)
    assert "Your next charge of $29.00" in text
    assert "from your earlier membership is still open" in text

    pay_by_hand(sandbox, invoice)
    assert "from your earlier membership" not in page(client, bob)


@pytest.mark.parametrize(
    ("paid", "interval", "words"),
    [
        (2900, "month", ""),
        (2500, "month", "You paid $25.00 a month. It’s now $29.00 a month."),
        (10000, "year", "You paid $100.00 a year. That price isn’t available anymore."),
    ],
)
def test_who_comes_back_reads_what_has_changed(
    sandbox: Sandbox, client: Client, paid: int, interval: str, words: str
) -> None:
    bob = paid_member(sandbox, "Bob Baker")
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.get().stripe_id)
    deliver(sandbox.events())
    Subscription.objects.update(amount=paid, plan_amount=paid, interval=interval)
    text = page(client, bob)
    assert "Become a member again" in text
    assert words in text
    assert bool(words) == ("You paid $" in text)


@pytest.mark.slow
@pytest.mark.parametrize("owner", ["subscription", "customer"])
@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"object": "card", "brand": "MasterCard"}, "Mastercard ending in 4444"),
        ({"object": "bank_account", "bank_name": "A bank"}, "Bank account ending in 4444"),
        (
            {"object": "source", "type": "card", "card": {"brand": "MasterCard", "last4": "4444"}},
            "Mastercard ending in 4444",
        ),
    ],
    ids=["card", "bank account", "source"],
)
def test_a_card_from_before_there_were_payment_methods_pays(
    sandbox: Sandbox,
    client: Client,
    settings: Settings,
    owner: str,
    source: dict[str, Any],
    says: str,
) -> None:
    """Older customers have a `default_source`, which Stripe charges where nothing else is set."""
    user = paid_member(sandbox)
    kept = {"id": "card_1Old", "last4": "4444", "exp_year": 2034, "exp_month": 7, **source}

    def as_before(answer: dict[str, Any]) -> dict[str, Any]:
        if answer["object"] == owner:
            answer["default_source"] = kept
        if answer["object"] == "customer":
            answer["invoice_settings"]["default_payment_method"] = None
        return answer | ({"default_payment_method": None} if "items" in answer else {})

    with altered(sandbox, settings, as_before):
        refresh.sync_subscription(Subscription.objects.get().stripe_id)
    text = page(client, user)
    assert f"Card {says}" in " ".join(re.sub("<[^>]+>", " ", text).split())
    assert f"still charged to your {says}" in text


@pytest.mark.slow
def test_who_has_no_card_reads_of_none(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    user = paid_member(sandbox)

    def without(answer: dict[str, Any]) -> dict[str, Any]:
        if answer["object"] == "customer":
            answer["invoice_settings"]["default_payment_method"] = None
        return answer | ({"default_payment_method": None} if "items" in answer else {})

    with altered(sandbox, settings, without):
        refresh.sync_subscription(Subscription.objects.get().stripe_id)
    text = page(client, user)
    assert QUESTION in text
    assert "There’s no card for your next payment yet." in text
    assert "another card" not in text
