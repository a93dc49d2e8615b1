"""A member's credit: said beside the next charge, on the membership page, and before it ends."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.models import Customer, Invoice, Subscription
from billing.reconcile import comparison
from billing.stripe import snapshots
from billing.tests import factories
from billing.tests.life import deliver, paid_member
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A signed-in member whose first payment went through."""
    user = paid_member(sandbox)
    client.force_login(user)
    return user


def set_balance(sandbox: Sandbox, balance: int) -> None:
    """Set the customer's balance as Stripe's dashboard does: less than 0 is credit."""
    sandbox.stripe.v1.customers.update(Customer.objects.get().stripe_id, {"balance": balance})
    deliver(sandbox.events())


def words(client: Client, url: str) -> str:
    """Return what a page says, without its tags."""
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def mail_of(kind: str) -> str:
    """Return the text of the one mail of a kind."""
    return rendering.render_email(Message.objects.get(kind=kind, channel="email")).text


def test_credit_lowers_the_next_charge_and_both_are_said(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    assert "credit" not in words(client, "/")
    set_balance(sandbox, -1200)
    home = words(client, "/")
    assert "Your next charge of $17.00 is on" in home
    assert "We’ll use $12.00 of your credit first." in home
    assert "Your credit $12.00 Used before your card" in home
    page = words(client, "/membership/")
    assert "Next payment $17.00 on" in page
    assert "Credit $12.00 , used before your card is charged" in page

    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    # What was said is what was charged, and the credit is gone.
    assert Invoice.objects.latest("created_at").amount_paid == 1700
    assert "Your next charge of $29.00 is on" in words(client, "/")
    assert "credit" not in words(client, "/")


def test_more_credit_than_the_next_charge_takes_pays_all_of_it(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    set_balance(sandbox, -10_000)
    home = words(client, "/")
    assert "your card won’t be charged" in home
    assert "We’ll use $29.00 of your credit instead." in home
    assert "Your credit $100.00" in home
    assert "Next payment $0.00 on" in words(client, "/membership/")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert "Your credit $71.00" in words(client, "/")


def test_a_card_that_is_not_charged_next_is_not_called_so(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    assert "Next charge to Visa ending in 4242" in words(client, "/")
    set_balance(sandbox, -10_000)
    assert "Card on file Visa ending in 4242" in words(client, "/")
    set_balance(sandbox, 0)
    assert "Next charge to Visa ending in 4242" in words(client, "/")
    client.post("/membership/cancel/", {})
    home = words(client, "/")
    assert "Nothing more is charged" in home
    assert "Card on file Visa ending in 4242" in home
    assert "Next charge" not in home


def test_a_free_month_uses_no_credit(sandbox: Sandbox, client: Client, alice: User) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 100, "duration": "once"})
    row = Subscription.objects.get()
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"discounts": [{"coupon": coupon.id}]})
    set_balance(sandbox, -1200)
    home = words(client, "/")
    assert "your card won’t be charged" in home
    assert "of credit will be used" not in home
    assert "Your credit $12.00" in home


def test_what_is_still_open_on_the_balance_is_part_of_the_next_charge(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    set_balance(sandbox, 500)
    home = words(client, "/")
    assert "Your next charge of $34.00 is on" in home
    assert "It includes $5.00 from before." in home
    assert "Your credit" not in home


def test_who_cancels_reads_what_becomes_of_it(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    assert "credit" not in words(client, "/membership/cancel/")
    set_balance(sandbox, -1200)
    page = words(client, "/membership/cancel/")
    assert "Your credit of $12.00 stays in your account" in page
    assert "Want it paid out instead?" in page
    client.post("/membership/cancel/", {})
    assert "Account credit: $12.00" in mail_of("membership_ends")
    assert "Your credit $12.00 Kept for you" in words(client, "/")
    assert "Credit $12.00 , kept for you" in words(client, "/membership/")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Subscription.objects.get().status == "canceled"
    assert "Account credit: $12.00" in mail_of("membership_ended")
    for url in ("/", "/membership/"):
        assert "we’ll use it first if you rejoin" in words(client, url)


def test_credit_that_changes_after_the_end_is_followed(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.get().stripe_id)
    set_balance(sandbox, -700)
    assert "Your credit of $7.00 stays in your account" in words(client, "/membership/")


def test_credit_in_another_currency_counts_for_nothing_here(sandbox: Sandbox, alice: User) -> None:
    set_balance(sandbox, -1200)
    subscription = sandbox.stripe.v1.subscriptions.retrieve(
        Subscription.objects.get().stripe_id, {"expand": ["customer"]}
    ).to_dict()
    assert snapshots.subscription(subscription).balance == -1200
    subscription["customer"]["currency"] = "eur"
    assert snapshots.subscription(subscription).balance == 0


def test_the_nightly_comparison_notices_a_balance_that_was_missed(
    sandbox: Sandbox, alice: User
) -> None:
    set_balance(sandbox, -1200)
    row = Subscription.objects.get()
    Subscription.objects.update(balance=0, read_at=timezone.now())
    compared = comparison.compare()
    told = [(one.id, one.field, one.ours, one.stripe) for one in compared.differences]
    assert told == [(row.stripe_id, "balance", "0", "-1200")]


def test_a_stranger_sees_nothing_of_it(sandbox: Sandbox, client: Client, alice: User) -> None:
    set_balance(sandbox, -1200)
    client.force_login(factories.make_member("Mallory Marsh"))
    for url in ("/", "/membership/"):
        assert "$12.00" not in words(client, url)
