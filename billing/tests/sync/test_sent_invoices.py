"""Invoices that are sent to be paid: when they are due, where to pay, and nothing "declined"."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.core.dates import long_date
from billing.models import Customer, Invoice, Subscription
from billing.notices import reminders
from billing.tests import factories
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import superuser
from conftest import HTTP, Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db

DAY = 86_400
BLAMING = ("declined", "didn’t go through", "didn&#x27;t go through", "Payment failed", "last try")


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member by card."""
    return paid_member(sandbox)


def bill(sandbox: Sandbox, user: User, days: int = 14) -> Invoice:
    """Send an invoice of $40.00 from Stripe's dashboard."""
    stripe, customer = sandbox.stripe.v1, Customer.objects.get(user=user).stripe_id
    wanted: Any = {"customer": customer, "collection_method": "send_invoice"}
    draft = stripe.invoices.create(wanted | {"days_until_due": days})
    item: Any = {"customer": customer, "invoice": draft.id, "amount": 4000}
    stripe.invoice_items.create(item | {"description": "Workshop"})
    stripe.invoices.send_invoice(draft.id)
    deliver(sandbox.events())
    return Invoice.objects.get(stripe_id=draft.id)


def pay_by_invoice(sandbox: Sandbox, user: User, days: int = 14) -> Subscription:
    """Let a membership be paid by invoice from its next renewal on, and renew it."""
    row = Subscription.objects.for_user(user).get()
    wanted: Any = {"collection_method": "send_invoice", "days_until_due": days}
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, wanted)
    deliver(sandbox.events())
    row.refresh_from_db()
    return row


def told(user: User, kind: str) -> list[Message]:
    return list(Message.objects.filter(user=user, kind=kind, channel="email").order_by("pk"))


def page(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def test_it_is_told_when_it_comes_with_its_due_date(sandbox: Sandbox, alice: User) -> None:
    invoice = bill(sandbox, alice)
    [message] = told(alice, "invoice_sent")
    mail = rendering.render_email(message)
    assert mail.subject.startswith("Invoice: $40.00 for Workshop, due ")
    assert f"/payments/invoices/{invoice.pk}/" in mail.text
    assert "Pay $40.00" in mail.text
    deliver(sandbox.events())
    assert len(told(alice, "invoice_sent")) == 1


def test_home_and_invoice_ask_to_pay_it_and_blame_nobody(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    invoice = bill(sandbox, alice)
    assert invoice.due_at
    client.force_login(alice)
    home, shown = page(client, "/"), page(client, f"/payments/invoices/{invoice.pk}/")
    assert f"Please pay $40.00 by {long_date(invoice.due_at)}" in home
    assert f"Invoice {invoice.number} for Workshop." in home
    assert "Pay $40.00 now" in home
    assert "Pay now" in shown
    assert "To pay" in shown
    assert "Please pay by" in shown
    listed = page(client, "/payments/")
    assert "To pay" in listed
    assert "Due " in listed
    for wrong in BLAMING:
        assert wrong not in home + shown + listed


def test_it_is_paid_on_stripes_page_and_then_gone(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    invoice = bill(sandbox, alice)
    client.force_login(alice)
    answer = client.get(reverse("billing:invoice-hosted", args=[invoice.pk]))
    assert f"/invoice/{invoice.stripe_id}" in answer["Location"]
    [card] = sandbox.stripe.v1.payment_methods.list({"customer": invoice.customer.stripe_id}).data
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"payment_method": card.id})
    deliver(sandbox.events())
    assert "Please pay" not in page(client, "/")
    assert told(alice, "payment_received")[-1].context["amount"] == "$40.00"


def test_a_card_that_the_member_tried_is_named_on_the_page_and_not_mailed(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    invoice = bill(sandbox, alice)
    form = {"number": "4000000000000002", "expiry": "12/40", "cvc": "123", "name": "Alice"}
    HTTP.post(f"{sandbox.url}/invoice/{invoice.stripe_id}", data=form)
    deliver(sandbox.events())
    invoice.refresh_from_db()
    assert invoice.attempt_count == 1
    client.force_login(alice)
    home = page(client, "/")
    assert "Your last try didn’t go through." in home
    assert "Pay $40.00 now" in home
    assert not told(alice, "payment_failed")


def test_reminders_before_and_after_the_due_date(sandbox: Sandbox, alice: User) -> None:
    invoice = bill(sandbox, alice)
    assert invoice.due_at
    reminders.invoice_due(invoice.stripe_id, invoice.due_at - timedelta(days=4))
    assert not told(alice, "invoice_due")
    for hours in (60, 30):
        reminders.invoice_due(invoice.stripe_id, invoice.due_at - timedelta(hours=hours))
    [message] = told(alice, "invoice_due")
    assert rendering.render_email(message).subject.startswith("$40.00 is due on ")
    for hours in (1, 30):
        reminders.invoice_due(invoice.stripe_id, invoice.due_at + timedelta(hours=hours))
    [message] = told(alice, "invoice_overdue")
    mail = rendering.render_email(message)
    assert mail.subject == "Overdue: $40.00 for Workshop"
    assert "we haven’t received your payment yet" in mail.text


def test_the_daily_job_finds_them(sandbox: Sandbox, alice: User) -> None:
    invoice = bill(sandbox, alice)
    now = invoice.created_at
    Invoice.objects.filter(pk=invoice.pk).update(
        due_at=now + timedelta(days=2), finalized_at=now - timedelta(days=12)
    )
    reminders.remind_all()
    assert len(told(alice, "invoice_due")) == 1
    Invoice.objects.filter(pk=invoice.pk).update(due_at=now - timedelta(hours=1))
    reminders.remind_all()
    assert len(told(alice, "invoice_overdue")) == 1


def test_a_short_time_to_pay_is_told_once(sandbox: Sandbox, alice: User) -> None:
    """An invoice that is due in two days says so when it comes."""
    invoice = bill(sandbox, alice, days=2)
    reminders.invoice_due(invoice.stripe_id, invoice.created_at + timedelta(hours=1))
    assert not told(alice, "invoice_due")


def test_one_that_is_due_at_once_is_told(sandbox: Sandbox, alice: User) -> None:
    bill(sandbox, alice, days=0)
    assert len(told(alice, "invoice_sent")) == 1


def test_nobody_is_reminded_of_what_is_paid(sandbox: Sandbox, alice: User) -> None:
    invoice = bill(sandbox, alice)
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    assert invoice.due_at
    reminders.invoice_due(invoice.stripe_id, invoice.due_at - timedelta(days=1))
    reminders.invoice_due(invoice.stripe_id, invoice.due_at + timedelta(days=1))
    assert not told(alice, "invoice_due")
    assert not told(alice, "invoice_overdue")


def test_a_membership_paid_by_invoice_says_so(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    row = pay_by_invoice(sandbox, alice)
    client.force_login(alice)
    home = page(client, "/")
    day = long_date(row.current_period_end)
    assert f"We’ll send your next invoice for $29.00 on {day}." in home
    assert "Next charge" not in home
    assert "next charge" not in home


@pytest.mark.slow
def test_a_renewal_by_invoice_is_sent_then_overdue_then_paid(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    row = pay_by_invoice(sandbox, alice)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    client.force_login(alice)
    assert [one.context["amount"] for one in told(alice, "invoice_sent")] == ["$29.00"]
    home = page(client, "/")
    assert "Please pay $29.00 by" in home
    assert "Active" in home

    sandbox.control("clock", advance_seconds=15 * DAY)
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.status == "past_due"
    home, membership = page(client, "/"), page(client, "/membership/")
    invoice = Invoice.objects.for_user(alice).latest("created_at")
    assert invoice.due_at
    for shown in (home, membership):
        assert "Overdue" in shown
        assert f"Your invoice for $29.00 was due on {long_date(invoice.due_at)}." in shown
        for wrong in BLAMING:
            assert wrong not in shown
    assert "Update your card" not in home
    assert len(told(alice, "invoice_overdue")) == 1

    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    row.refresh_from_db()
    assert row.status == "active"
    assert "Overdue" not in page(client, "/")


@pytest.mark.slow
def test_staff_read_overdue_and_not_failed(sandbox: Sandbox, client: Client, alice: User) -> None:
    pay_by_invoice(sandbox, alice)
    sandbox.control("clock", advance="renewal")
    sandbox.control("clock", advance_seconds=15 * DAY)
    deliver(sandbox.events())
    invoice = Invoice.objects.for_user(alice).latest("created_at")
    # Our clock has stood still while Stripe's went on.
    Invoice.objects.filter(pk=invoice.pk).update(due_at=timezone.now() - timedelta(days=1))
    client.force_login(superuser())
    home = page(client, "/staff/")
    assert "1 member has an overdue invoice." in home
    assert "The last payment of" not in home
    assert "Invoices overdue" in home
    listed = client.get(reverse("admin:billing_invoice_changelist"), {"to_pay": "overdue"})
    assert [row.pk for row in listed.context["cl"].result_list] == [invoice.pk]
    assert "Was due" in listed.content.decode()
    rows = page(client, reverse("admin:billing_subscription_changelist"))
    assert "Invoice was due" in rows
    assert "No retry scheduled" not in rows
    shown = page(client, reverse("admin:billing_invoice_change", args=[invoice.pk]))
    assert "Overdue" in shown


def test_automations_of_stripe_tell_earlier(sandbox: Sandbox, alice: User) -> None:
    sandbox.control("switches", invoice_automations=True)
    bill(sandbox, alice)
    sandbox.control("clock", advance_seconds=12 * DAY)
    deliver(sandbox.events())
    assert len(told(alice, "invoice_due")) == 1
    sandbox.control("clock", advance_seconds=3 * DAY)
    deliver(sandbox.events())
    assert len(told(alice, "invoice_overdue")) == 1


def test_a_stranger_sees_and_pays_nothing(client: Client) -> None:
    invoice = factories.make_invoice(status="open", collection_method="send_invoice")
    client.force_login(factories.make_member("Eve Evans"))
    assert "Please pay" not in page(client, "/")
    assert client.get(f"/payments/invoices/{invoice.pk}/").status_code == 404
    assert client.get(f"/payments/invoices/{invoice.pk}/stripe/").status_code == 404


def test_who_leaves_reads_what_is_still_to_pay(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    row = pay_by_invoice(sandbox, alice)
    client.force_login(alice)
    assert "You won’t be charged for your membership again" in page(client, "/membership/cancel/")
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    shown = page(client, "/membership/cancel/")
    assert "Your invoice for $29.00 still needs to be paid." in shown
    for wrong in BLAMING:
        assert wrong not in shown
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"cancel_at_period_end": True})
    deliver(sandbox.events())
    membership = page(client, "/membership/")
    assert "Please pay $29.00 by" in membership
    assert "Nothing more is charged" not in membership


def test_one_that_was_given_up_is_paid_late(sandbox: Sandbox, client: Client, alice: User) -> None:
    invoice = bill(sandbox, alice)
    client.force_login(alice)
    sandbox.stripe.v1.invoices.mark_uncollectible(invoice.stripe_id)
    deliver(sandbox.events())
    assert "Please pay" not in page(client, "/")
    sandbox.stripe.v1.invoices.pay(invoice.stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    invoice.refresh_from_db()
    assert (invoice.status, invoice.amount_paid_outside) == ("paid", 4000)
    assert told(alice, "payment_received")[-1].context["amount"] == "$40.00"
    shown = page(client, f"/payments/invoices/{invoice.pk}/")
    assert "Paid" in shown
    assert "To pay" not in shown
