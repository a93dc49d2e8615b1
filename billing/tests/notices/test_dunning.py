"""What a member is told, and sees, when money does not come by itself; and ahead of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import Collection, collection_of
from billing.models import Customer, Invoice, Payment, Subscription
from billing.notices import reminders
from billing.tests import factories
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
ALWAYS_ASKS = "4000002760003184"
DAY = 86_400


def told(user: User) -> list[tuple[str, str]]:
    """Return the kinds and subjects of what the member was told after the start, in order."""
    rows = Message.objects.filter(user=user, channel="email").order_by("pk")
    messages = list(rows.values_list("kind", "subject"))
    assert messages[0][0] == "joined"
    return messages[1:]


def kinds(user: User) -> list[str]:
    return [kind for kind, _ in told(user)]


def text_of(user: User, kind: str) -> str:
    """Return the newest email of a kind as text."""
    message = Message.objects.filter(user=user, kind=kind, channel="email").latest("pk")
    return rendering.render_email(message).text


def member(sandbox: Sandbox, card: str = GOOD_CARD) -> User:
    return paid_member(sandbox, card=card)


def page(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    return str(client.get(url).content.decode())


def next_try(sandbox: Sandbox) -> None:
    """Go to just after Stripe's next retry, and hear of it."""
    at = Invoice.objects.get(collection="failed").next_payment_attempt_at
    assert at
    sandbox.control("clock", set=int(at.timestamp()) + 1)
    deliver(sandbox.events())


@pytest.mark.slow
def test_every_retry_is_told_once_and_the_end_once(sandbox: Sandbox) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    deliver(sandbox.events())
    assert kinds(alice) == ["payment_failed"]
    assert "We’ll try again on" in text_of(alice, "payment_failed")

    for times in (2, 3):
        next_try(sandbox)
        assert kinds(alice) == ["payment_failed"] * times
        assert "We’ll try again on" in text_of(alice, "payment_failed")

    next_try(sandbox)
    assert kinds(alice) == ["payment_failed"] * 3 + ["membership_ended"]
    assert "the last try failed as well" in text_of(alice, "membership_ended")


@pytest.mark.slow
def test_a_next_try_that_is_set_later_is_not_called_the_last(
    sandbox: Sandbox, client: Client
) -> None:
    """Stripe's smart retries choose the next day a while after a payment failed."""
    sandbox.control("switches", retry_set_later=True)
    alice = member(sandbox, DECLINED_LATER_CARD)
    end = Subscription.objects.for_user(alice).get().current_period_end
    sandbox.control("clock", set=int(end.timestamp()) + 3601)
    deliver(sandbox.events())
    invoice = Invoice.objects.get(collection="failed")
    assert (invoice.next_payment_attempt_at, invoice.auto_advance) == (None, True)
    mail = text_of(alice, "payment_failed")
    assert "Pay now to stay one." in mail
    client.force_login(alice)
    home = client.get("/").content.decode()
    assert "Pay now to keep your membership." in home
    for words in (mail, home):
        assert "last try" not in words

    sandbox.control("clock", advance_seconds=120)
    deliver(sandbox.events())
    assert kinds(alice) == ["payment_failed"]
    assert "We’ll try again on" in client.get("/").content.decode()


def test_the_last_try_is_called_that_once_stripe_has_given_up(client: Client) -> None:
    row = factories.make_subscription(status="past_due")
    invoice = factories.make_invoice(
        row.customer,
        subscription=row,
        status="open",
        attempt_count=4,
        collection="failed",
        auto_advance=False,
    )
    factories.make_payment(
        invoice=invoice, status="requires_payment_method", failure_code="card_declined"
    )
    client.force_login(row.customer.user)
    assert "This was the last try" in client.get("/").content.decode()


@pytest.mark.slow
def test_recovered_payment_says_thank_you_in_one_mail(sandbox: Sandbox) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    customer = Customer.objects.get(user=alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    sandbox.stripe.v1.invoices.pay(Invoice.objects.get(status="open").stripe_id)
    deliver(sandbox.events())
    assert kinds(alice) == ["payment_failed", "card_changed", "payment_received"]
    assert told(alice)[-1][1].startswith("Payment received: $29.00")
    assert "nothing else to do" in text_of(alice, "payment_received")


@pytest.mark.slow
def test_debt_of_an_earlier_membership_is_not_held_against_a_new_one(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.get().stripe_id)
    deliver(sandbox.events())
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    assert Invoice.objects.filter(collection="failed").exists()
    home = page(client, alice, "/")
    assert "Active" in home
    assert "didn’t go through" not in home


def test_failure_that_is_mended_before_we_hear_of_it_is_not_told(sandbox: Sandbox) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    customer = Customer.objects.get(user=alice).stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    sandbox.control("clock", advance_seconds=4 * DAY)
    deliver(sandbox.events())
    assert kinds(alice) == ["card_changed", "payment_received"]
    assert told(alice)[-1][1].startswith("Payment received")


@pytest.mark.slow
def test_plain_renewal_gets_a_plain_receipt(sandbox: Sandbox) -> None:
    alice = member(sandbox)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert [subject.split(":")[0] for _, subject in told(alice)] == ["Receipt"]


@pytest.mark.slow
def test_bank_that_asks_is_explained_with_a_button(sandbox: Sandbox, client: Client) -> None:
    alice = member(sandbox, ALWAYS_ASKS)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert kinds(alice) == ["payment_confirmation"]
    invoice = Invoice.objects.get(status="open")
    address = f"/payments/invoices/{invoice.pk}/stripe/"
    assert address in text_of(alice, "payment_confirmation")
    for url in ("/", "/membership/"):
        text = page(client, alice, url)
        assert "Please confirm your payment of $29.00" in text
        assert f'href="{address}"' in text
        assert "Needs your confirmation" in text
    assert "Needs your confirmation" in page(client, alice, "/payments/")
    assert client.get(address)["Location"].startswith(sandbox.url)


def test_payment_that_takes_days_is_explained_and_not_asked_for_again(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    # The sandbox knows cards only: the rows are those of a bank debit.
    invoice = Invoice.objects.get(status="open")
    Invoice.objects.filter(pk=invoice.pk).update(collection=Collection.PROCESSING)
    Payment.objects.filter(invoice=invoice).update(status="processing")
    home = page(client, alice, "/")
    assert "Your payment of $29.00 is on its way" in home
    assert "Pay $29.00" not in home
    detail = page(client, alice, f"/payments/invoices/{invoice.pk}/")
    assert "Your bank is processing it" in detail
    assert "Pay now" not in detail


@pytest.mark.parametrize(
    ("status", "attempts", "payments", "expected"),
    [
        ("open", 0, [], Collection.NONE),
        ("open", 1, ["requires_payment_method"], Collection.FAILED),
        ("open", 1, [], Collection.FAILED),
        ("open", 1, ["requires_payment_method", "processing"], Collection.PROCESSING),
        ("open", 1, ["requires_action"], Collection.REQUIRES_ACTION),
        ("paid", 2, ["succeeded"], Collection.NONE),
        ("void", 2, ["canceled"], Collection.NONE),
    ],
)
def test_collection_of_an_invoice(
    status: str, attempts: int, payments: list[str], expected: Collection
) -> None:
    assert collection_of(status, attempts, payments) == expected


def on_trial(sandbox: Sandbox, settings: Settings, days: int = 14) -> User:
    price = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Membership"},
            "metadata": {"trial_days": str(days)},
        }
    )
    settings.STRIPE_PRICE_ID = price.id
    return paid_member(sandbox)


def of_kind(kind: str) -> int:
    return Message.objects.filter(kind=kind, channel="email").count()


@pytest.mark.slow
def test_trial_that_ends_is_told_once(sandbox: Sandbox, settings: Settings) -> None:
    on_trial(sandbox, settings)
    sandbox.control("clock", advance_seconds=12 * DAY)
    deliver(sandbox.events())
    deliver(
        event | {"id": f"{event['id']}again"}
        for event in sandbox.events()
        if event["type"] == "customer.subscription.trial_will_end"
    )
    assert of_kind("trial_ending") == 1
    message = Message.objects.get(kind="trial_ending", channel="email")
    assert message.expires_at == Subscription.objects.get().trial_end


@pytest.mark.slow
def test_trial_that_was_cancelled_or_is_over_is_not_announced(
    sandbox: Sandbox, settings: Settings
) -> None:
    on_trial(sandbox, settings)
    sandbox.stripe.v1.subscriptions.update(
        Subscription.objects.get().stripe_id, {"cancel_at_period_end": True}
    )
    sandbox.control("clock", advance_seconds=12 * DAY)
    deliver(sandbox.events())
    sandbox.stripe.v1.subscriptions.update(
        Subscription.objects.get().stripe_id, {"cancel_at_period_end": False}
    )
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert of_kind("trial_ending") == 0


@pytest.mark.slow
def test_yearly_renewal_is_announced_and_a_monthly_one_is_not(
    sandbox: Sandbox, settings: Settings
) -> None:
    member(sandbox)
    sandbox.control("clock", advance_seconds=26 * DAY)
    deliver(sandbox.events())
    assert any(event["type"] == "invoice.upcoming" for event in sandbox.events())
    assert of_kind("renewal_coming") == 0

    settings.STRIPE_PRICE_ID = "price_membership_yearly"
    bob = sign_up("Bob Baker")
    subscribe(sandbox, bob)
    sandbox.control("clock", advance_seconds=360 * DAY)
    deliver(sandbox.events())
    assert of_kind("renewal_coming") == 1
    assert "$290.00" in text_of(bob, "renewal_coming")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 1),
        ({"card_expires": "2099-01"}, 0),
        ({"card_expires": ""}, 0),
        ({"card_expires": "2020-01"}, 0),
        ({"cancel_at_period_end": True}, 0),
        ({"status": "canceled"}, 0),
    ],
)
def test_card_that_expires_soon_is_told_once(
    sandbox: Sandbox, client: Client, changes: dict[str, Any], expected: int
) -> None:
    alice = member(sandbox)
    this_month = f"{timezone.now():%Y-%m}"
    Subscription.objects.update(**{"card_expires": this_month} | changes)
    reminders.remind_all()
    reminders.remind_all()
    assert of_kind("card_expiring") == expected
    assert ("expires soon" in page(client, alice, "/")) == bool(expected)


def test_daily_job_finds_what_no_event_told(sandbox: Sandbox) -> None:
    member(sandbox)
    now = timezone.now()
    Subscription.objects.update(
        status="trialing",
        started_at=now - timedelta(days=12),
        trial_end=now + timedelta(days=2),
        current_period_start=now - timedelta(days=12),
        current_period_end=now + timedelta(days=2),
    )
    reminders.remind_all()
    assert of_kind("trial_ending") == 1
    Subscription.objects.update(
        status="active", current_period_start=now - timedelta(days=363), trial_end=None
    )
    reminders.remind_all()
    reminders.remind_all()
    assert of_kind("renewal_coming") == 1
