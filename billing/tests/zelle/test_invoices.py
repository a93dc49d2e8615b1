"""Renewals of a membership that's paid by Zelle, what books a payment, and its one receipt."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.facts import zelle
from billing.membership import checkout
from billing.models import ExpectedTransfer, Invoice, Subscription
from billing.sync import refresh
from billing.tests import factories
from billing.tests.life import YEARLY, deliver, paid_member, sign_up
from billing.tests.zelle.world import make_terms, receive
from billing.zelle import expecting, notices
from conftest import Sandbox
from emails import rendering
from emails.causes import why_not_needed
from emails.models import Message

pytestmark = pytest.mark.django_db
MONTHLY = "price_membership_monthly"


def told(user: User, kind: str) -> list[Message]:
    return list(Message.objects.filter(user=user, kind=kind, channel="email").order_by("pk"))


def paid_by_zelle(sandbox: Sandbox, user: User) -> Subscription:
    """Let a member's running membership be one that was paid by Zelle, and is sent from now on."""
    row = Subscription.objects.for_user(user).get()
    ExpectedTransfer.objects.create(
        user=user,
        reference="7K3P4",
        purpose="membership",
        price_id=MONTHLY,
        amount=2900,
        currency="usd",
        description="Membership, one month",
        state="confirmed",
        subscription=row,
        created_at=timezone.now(),
        confirmed_at=timezone.now(),
        booked_at=timezone.now(),
    )
    wanted: Any = {
        "collection_method": "send_invoice",
        "days_until_due": 7,
        "metadata": {"portal_zelle": "7K3P4-1"},
    }
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, wanted)
    deliver(sandbox.events())
    return row


def test_a_renewal_is_awaited_and_its_messages_name_the_memo(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    make_terms()
    settings.ZELLE_PRICE_ID = MONTHLY
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    alice = paid_member(sandbox)
    row = paid_by_zelle(sandbox, alice)
    client.force_login(alice)
    assert "You pay by Zelle. To switch plans" in client.get("/membership/").content.decode()
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    awaited = ExpectedTransfer.objects.get(purpose="invoice")
    assert (awaited.amount, awaited.subscription, awaited.state) == (2900, row, "waiting")
    [message] = told(alice, "invoice_sent")
    mail = rendering.render_email(message)
    reference = zelle.shown(awaited)
    for text in (reference, "pay@harboryoga.example", "Harbor Yoga LLC", f"/zelle/{awaited.pk}/"):
        assert text in mail.text
        assert text in mail.html
    assert told(alice, "zelle_started") == []
    assert reference in client.get("/").content.decode()

    deliver(sandbox.events())
    assert ExpectedTransfer.objects.filter(purpose="invoice").count() == 1
    # Canceled by the member, it isn't started again without them.
    expecting.cancel(alice, awaited.pk)
    invoice = awaited.invoice
    assert invoice
    refresh.sync_invoice(invoice.stripe_id)
    assert ExpectedTransfer.objects.filter(purpose="invoice", state="waiting").count() == 0

    again = expecting.start_invoice(alice, invoice.pk)
    receive(again)
    again.refresh_from_db()
    notices.received(again)
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    again.refresh_from_db()
    assert again.state == "confirmed"
    [receipt] = told(alice, "zelle_received")
    assert receipt.context["invoice_number"] == invoice.number
    assert not told(alice, "payment_received")
    assert len(told(alice, "joined")) == 1  # The first period's, by card.
    page = client.get(f"/payments/invoices/{invoice.pk}/").content.decode()
    assert f"You paid this by Zelle with the memo {zelle.shown(again)}." in page


def test_a_renewal_by_card_is_not_awaited_and_neither_is_one_not_taken(sandbox: Sandbox) -> None:
    make_terms(takes_memberships=False)
    alice = paid_member(sandbox)
    paid_by_zelle(sandbox, alice)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert not ExpectedTransfer.objects.filter(purpose="invoice").exists()
    [message] = told(alice, "invoice_sent")
    assert "Zelle" not in rendering.render_email(message).text


@pytest.mark.parametrize("linked", [True, False])
def test_what_books_a_payment_is_neither_asked_for_nor_receipted_again(
    sandbox: Sandbox, linked: bool
) -> None:
    make_terms()
    alice = sign_up()
    row = expecting.start_amount(alice, 4000, "Workshop")
    receive(row)
    customer = checkout.customer_of(alice).stripe_id
    wanted: Any = {"customer": customer, "collection_method": "send_invoice"}
    draft = sandbox.stripe.v1.invoices.create(wanted | {"days_until_due": 0})
    item: Any = {"customer": customer, "invoice": draft.id, "amount": 4000, "currency": "usd"}
    sandbox.stripe.v1.invoice_items.create(item | {"description": "Workshop"})
    sandbox.stripe.v1.invoices.finalize_invoice(draft.id)
    deliver(sandbox.events())
    if linked:
        invoice = Invoice.objects.get(stripe_id=draft.id)
        ExpectedTransfer.objects.update(invoice=invoice, booked_at=timezone.now())
    sandbox.stripe.v1.invoices.pay(draft.id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    assert Invoice.objects.get(stripe_id=draft.id).status == "paid"
    assert told(alice, "invoice_sent") == []
    assert told(alice, "payment_received") == []


def test_another_invoice_keeps_its_receipt(sandbox: Sandbox) -> None:
    make_terms()
    alice = factories.make_member()
    customer = factories.make_customer(alice)
    receive(expecting.start_amount(alice, 4000, "Workshop"))
    single: dict[str, Any] = {
        "total": 4000,
        "billing_reason": "manual",
        "collection_method": "send_invoice",
    }
    assert zelle.books(factories.make_invoice(customer, **single))
    for fields in (
        {"billing_reason": "subscription_create"},
        {"total": 4001},
        {"billing_reason": "subscription_cycle"},
        {"currency": "eur"},
    ):
        assert not zelle.books(factories.make_invoice(customer, **single | fields))
    other = factories.make_customer(factories.make_member("Bob"))
    assert not zelle.books(factories.make_invoice(other, **single))
    ExpectedTransfer.objects.update(booked_at=timezone.now())
    assert not zelle.books(factories.make_invoice(customer, **single))


def test_messages_say_what_came_and_what_is_missing() -> None:
    make_terms()
    alice = factories.make_member()
    row = expecting.start_amount(alice, 4000, "Workshop")
    [started] = told(alice, "zelle_started")
    receive(row, 1500)
    notices.partly_received(row)
    notices.partly_received(row)
    [part] = told(alice, "zelle_part_received")
    mail = rendering.render_email(part)
    assert mail.subject == "$25.00 is still missing for Workshop"
    assert "$15.00 of $40.00" in mail.text
    assert zelle.shown(row) in mail.text
    receive(row, 2500)
    notices.received(row)
    notices.received(row)
    [receipt] = told(alice, "zelle_received")
    assert rendering.render_email(receipt).subject == "Receipt: $40.00 for Workshop"
    # What isn't true anymore isn't sent anymore.
    assert "received" in why_not_needed(started)
    assert "received" in why_not_needed(part)
    assert why_not_needed(receipt) == ""

    row.allocations.update(state="undone")
    row.state = "waiting"
    row.save()
    notices.undone(row)
    notices.undone(row)
    [undone] = told(alice, "zelle_undone")
    text = rendering.render_email(undone).text
    assert "$40.00 of $40.00 is still to be paid" in text
    assert "mix-up" in text


def test_long_names_fit_into_texts_and_subjects() -> None:
    make_terms(name="N" * 60, address="a" * 100 + "@harboryoga.example")
    alice = factories.make_member()
    row = expecting.start_amount(alice, 4000, "W" * 200)
    for tell in (
        notices.remind,
        notices.received,
        notices.partly_received,
        notices.expired,
        notices.undone,
    ):
        tell(row)
    for message in Message.objects.filter(user=alice):
        mail = rendering.render_email(message)
        assert "W" * 50 in mail.text
        assert mail.html
