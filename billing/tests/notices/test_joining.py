"""Joining is told once: the welcome and the receipt are one message, whatever comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.tests.life import a_minute_passes, deliver, sign_up, subscribe
from conftest import Sandbox, run_jobs
from emails import combining, delivery, preferences, rendering, resending, stand_ins
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from emails.problems import DeliveryProblem
from emails.topics import Topic
from members.models import Member
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
PHONE = "+12025550143"
Events = list[dict[str, Any]]


def joining(*, texts: bool = True) -> User:
    """Make somebody who is about to join, and takes text messages."""
    alice = sign_up()
    now = timezone.now()
    if texts:
        Member.objects.filter(user=alice).update(
            phone=PHONE, phone_verified_at=now, sms_consent_at=now
        )
    return User.objects.get(pk=alice.pk)


def sent(user: User) -> list[tuple[str, str]]:
    """Return kinds and channels of what went out, in order."""
    rows = Message.objects.filter(user=user, state=MessageState.SENT).order_by("channel", "pk")
    return list(rows.values_list("kind", "channel"))


def is_about_invoice(event: dict[str, Any]) -> bool:
    return str(event["type"]).startswith(("invoice", "charge", "payment_intent"))


ORDERS: dict[str, Callable[[Events], Events]] = {
    "as they came": lambda events: events,
    "backward": lambda events: events[::-1],
    "invoice first": lambda events: sorted(events, key=lambda one: not is_about_invoice(one)),
    "invoice last": lambda events: sorted(events, key=is_about_invoice),
}


@pytest.mark.parametrize("order", ORDERS)
def test_welcome_and_receipt_are_one_message(sandbox: Sandbox, order: str) -> None:
    alice = joining()
    subscribe(sandbox, alice)
    events = ORDERS[order](sandbox.events())
    for event in events:
        deliver([event])
    deliver(events)
    a_minute_passes()

    assert sent(alice) == [("joined", "email"), ("joined", "sms")]
    assert Message.objects.filter(user=alice).count() == 2
    [mail] = sandbox.look("mailbox")
    assert mail["subject"].startswith("Welcome to Portal. Receipt: $29.00 for Membership, ")
    invoice = alice.customers.get().invoices.get()
    for fact in ("Paid: $29.00", f"Invoice: {invoice.number}", "Paid with: Visa ending in 4242"):
        assert fact in mail["text"]
    assert f"/payments/invoices/{invoice.pk}/" in mail["text"]
    assert "Price: $29.00" in mail["text"]
    [text] = sandbox.look("phone")
    assert "is active. We received $29.00." in text["body"]
    assert "Receipt: http" in text["body"]


def test_a_payment_that_comes_after_the_welcome_has_its_own_receipt(sandbox: Sandbox) -> None:
    alice = joining(texts=False)
    subscribe(sandbox, alice)
    events = sandbox.events()
    deliver([one for one in events if str(one["type"]).startswith("customer.subscription")])
    assert sent(alice) == []
    a_minute_passes()
    assert sent(alice) == [("welcome", "email")]
    deliver(events)
    a_minute_passes()
    assert sent(alice) == [("welcome", "email"), ("payment_received", "email")]


def test_who_turned_receipts_off_is_welcomed_without_one(sandbox: Sandbox) -> None:
    alice = joining()
    preferences.switch(alice, Topic.RECEIPTS, Channel.EMAIL, on=False)
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    a_minute_passes()

    assert sent(alice) == [("welcome", "email"), ("joined", "sms")]
    skipped = Message.objects.get(user=alice, state=MessageState.SKIPPED)
    assert (skipped.kind, skipped.channel) == ("payment_received", "email")


def put(user: User, kind: Kind) -> None:
    """Put one half into the outbox, as the code that notices it does."""
    welcome, receipt = (Kind.WELCOME, "sub_1"), (Kind.PAYMENT_RECEIVED, "in_1")
    (_, cause), other = (welcome, receipt) if kind == Kind.WELCOME else (receipt, welcome)
    with transaction.atomic():
        combining.put(
            user,
            CONTEXTS[kind],
            cause=cause,
            happened_at=timezone.now(),
            other=combining.Other(*other, Kind.JOINED, "in_1", is_coming=True),
        )


def test_a_receipt_that_waits_for_the_welcome_goes_alone_if_none_comes(sandbox: Sandbox) -> None:
    alice = joining(texts=False)
    put(alice, Kind.PAYMENT_RECEIVED)
    run_jobs()
    assert sent(alice) == []
    a_minute_passes()
    assert sent(alice) == [("payment_received", "email")]


def test_a_half_is_not_hurried_by_an_earlier_message_that_is_not_sent(sandbox: Sandbox) -> None:
    alice = joining(texts=False)
    earlier = Message.objects.create(
        kind=Kind.PAYMENT_FAILED,
        channel=Channel.EMAIL,
        recipient=alice.email,
        user=alice,
        cause="in_1:1",
        dedupe_key="earlier",
        context={},
        expires_at=timezone.now() - timedelta(minutes=1),
    )
    put(alice, Kind.PAYMENT_RECEIVED)
    delivery.deliver(earlier.pk)
    earlier.refresh_from_db()
    assert earlier.state in {MessageState.SKIPPED, MessageState.FAILED}
    run_jobs()
    assert sent(alice) == []

    put(alice, Kind.WELCOME)
    run_jobs()
    assert sent(alice) == [("joined", "email")]


def test_a_welcome_that_may_have_arrived_isnt_changed(sandbox: Sandbox) -> None:
    """The answer was lost: under the same Message-ID, mail programs would hide the receipt."""
    alice = joining(texts=False)
    sandbox.control("switches", mail_answer_lost=1)
    put(alice, Kind.WELCOME)
    with pytest.raises(DeliveryProblem):
        a_minute_passes()
    sandbox.control("switches", mail_answer_lost=0)
    put(alice, Kind.PAYMENT_RECEIVED)
    a_minute_passes()
    assert sent(alice) == [("welcome", "email"), ("payment_received", "email")]


def test_the_one_message_survives_a_busy_server_and_a_killed_worker(
    sandbox: Sandbox,
) -> None:
    alice = joining(texts=False)
    put(alice, Kind.WELCOME)
    put(alice, Kind.PAYMENT_RECEIVED)
    Message.objects.update(recipient="alice@busy.example")
    with pytest.raises(DeliveryProblem, match="451"):
        run_jobs()
    Message.objects.update(recipient=alice.email)
    # Its worker died after it had claimed the message, and before it sent it.
    long_ago = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    Message.objects.update(state=MessageState.SENDING, sending_at=long_ago)
    # Both halves are told again meanwhile.
    put(alice, Kind.PAYMENT_RECEIVED)
    put(alice, Kind.WELCOME)
    a_minute_passes()
    a_minute_passes()

    assert sent(alice) == [("joined", "email")]
    [mail] = sandbox.look("mailbox")
    assert "Paid: $29.00" in mail["text"]
    assert "Plan: Harbor Yoga membership" in mail["text"]


def test_the_one_message_is_sent_again_as_it_was(sandbox: Sandbox) -> None:
    alice = joining(texts=False)
    put(alice, Kind.WELCOME)
    put(alice, Kind.PAYMENT_RECEIVED)
    run_jobs()
    message = Message.objects.get()
    assert resending.why_not_resend(message) == ""
    copy = resending.resend(message, alice)
    assert rendering.render_email(copy).text == rendering.render_email(message).text


@pytest.mark.parametrize("receipts_by_text", [True, False])
def test_what_one_channel_loses_the_other_has_said(
    sandbox: Sandbox, receipts_by_text: bool
) -> None:
    alice = joining()
    if not receipts_by_text:
        with transaction.atomic():
            preferences.switch(alice, Topic.RECEIPTS, Channel.SMS, on=False)
    subscribe(sandbox, alice)
    # The whole then has the receipt's key.
    deliver(ORDERS["invoice first"](sandbox.events()))
    a_minute_passes()
    said = list(Message.objects.filter(user=alice, state=MessageState.SENT))
    assert {row.channel for row in said} == {Channel.EMAIL, Channel.SMS}
    for row in said:
        assert stand_ins.put(row) is None
