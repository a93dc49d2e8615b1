"""Invoices drafted in Stripe's dashboard: staff see them, members don't, and deleted ones go."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.inbound import inbox
from billing.models import Customer, Invoice, StripeEvent
from billing.reconcile import missed_events
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import signed_in_now, support
from common.staff import show
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


def draft(sandbox: Sandbox) -> Invoice:
    """Draft an invoice of a mat, as in the dashboard."""
    customer = Customer.objects.get().stripe_id
    stripe = sandbox.stripe.v1
    wanted: Any = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 7}
    made = stripe.invoices.create(wanted)
    item: Any = {"customer": customer, "invoice": made.id, "amount": 4000, "description": "Mat"}
    stripe.invoice_items.create(item | {"currency": "usd"})
    deliver(sandbox.events())
    return Invoice.objects.get(stripe_id=made.id)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_members_never_see_a_draft_and_staff_do(sandbox: Sandbox, alice: User) -> None:
    told = Message.objects.count()
    row, client = draft(sandbox), browser(alice)
    assert (row.status, row.subscription, row.total) == ("draft", None, 4000)
    for page in ("home", "billing:payments", "billing:membership"):
        assert "$40.00" not in unescape(client.get(reverse(page)).content.decode())
    for page in ("billing:invoice", "billing:invoice-pdf"):
        assert client.get(reverse(page, args=[row.pk])).status_code == 404
    for page in ("billing:pay-again", "billing:pay-with-another"):
        assert client.post(reverse(page, args=[row.pk])).status_code == 404
    assert Message.objects.count() == told
    desk = signed_in_now(support())
    listed = unescape(desk.get(show.list_of("billing.invoice")).content.decode())
    assert "$40.00" in listed
    assert "Draft" in listed
    assert desk.get(show.page_of(row)).status_code == 200


def test_a_deleted_draft_disappears(sandbox: Sandbox, alice: User) -> None:
    row = draft(sandbox)
    sandbox.stripe.v1.invoices.delete(row.stripe_id)
    deliver(sandbox.events())
    assert not Invoice.objects.filter(pk=row.pk).exists()
    event = StripeEvent.objects.get(type="invoice.deleted")
    assert event.state == "processed"
    # A replay, and earlier events that come after it, change nothing.
    deliver(reversed(list(sandbox.events())))
    for one in StripeEvent.objects.filter(object_id=row.stripe_id):
        inbox.replay(one)
    run_jobs()
    assert not Invoice.objects.filter(pk=row.pk).exists()
    assert not StripeEvent.objects.filter(state__in=["failed", "retrying"]).exists()


def test_the_comparison_finds_one_whose_event_was_lost(sandbox: Sandbox, alice: User) -> None:
    row = draft(sandbox)
    sandbox.stripe.v1.invoices.delete(row.stripe_id)
    missed_events.reconcile(repair=True)
    assert not Invoice.objects.filter(pk=row.pk).exists()


def test_only_a_draft_is_ever_removed(sandbox: Sandbox, alice: User) -> None:
    paid = Invoice.objects.get()
    event: dict[str, Any] = {
        "id": "evt_wrong",
        "object": "event",
        "type": "invoice.deleted",
        "created": 1_790_000_000,
        "livemode": False,
        "data": {"object": {"id": "in_nowhere", "object": "invoice"}},
    }
    Invoice.objects.filter(pk=paid.pk).update(stripe_id="in_nowhere")
    deliver([event])
    assert Invoice.objects.filter(pk=paid.pk).exists()
