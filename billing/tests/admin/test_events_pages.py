"""The event log on the staff site: attempts with what they changed, and trying out a replay."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import EventAttempt, Invoice, RowChange, StripeEvent
from billing.tests.life import paid_member
from billing.tests.staff_world import auditor, superuser
from common.staff import show
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    """Return a superuser's browser."""
    client = Client()
    client.force_login(superuser())
    return client


def event() -> StripeEvent:
    """Return the newest event that says an invoice is paid."""
    return StripeEvent.objects.filter(type="invoice.paid").latest("pk")


def text_of(client: Client, address: str) -> str:
    """Return a page's HTML."""
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def try_out(row: StripeEvent) -> str:
    """Return the address of the page that tries out a replay."""
    return reverse("admin:billing_stripeevent_rehearse", args=[row.pk])


def test_an_event_shows_what_it_changed(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    change = RowChange.objects.filter(table="billing_invoice", action="I").get()
    page = text_of(staff, show.page_of(change.attempt.event))
    assert "took" in page
    assert f'href="{show.page_of(Invoice.objects.get())}"' in page
    assert "$29.00" in page


def test_an_event_without_attempts_or_with_what_was_deleted(
    sandbox: Sandbox, staff: Client
) -> None:
    paid_member(sandbox)
    RowChange.objects.all().delete()
    assert "It changed nothing." in text_of(staff, show.page_of(event()))
    EventAttempt.objects.all().delete()
    text_of(staff, show.page_of(event()))


def test_trying_out_shows_rows_and_messages(sandbox: Sandbox, staff: Client) -> None:
    alice = paid_member(sandbox)
    Message.objects.all().delete()
    Invoice.objects.update(status="open", amount_paid=0)
    page = text_of(staff, try_out(event()))
    assert "Nothing was changed or sent" in page
    assert "Payment received" in page
    assert alice.email in page
    assert not Message.objects.exists()
    assert Invoice.objects.get().status == "open"


def test_trying_out_says_that_nothing_would_change(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    assert "Our copy is what Stripe says now." in text_of(staff, try_out(event()))


def test_trying_out_while_stripe_is_away(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    sandbox.control("switches", api_fail=1)
    assert "Stripe can’t be reached right now." in text_of(staff, try_out(event()))


def test_an_auditor_sees_what_changed_but_tries_out_nothing(
    sandbox: Sandbox, client: Client
) -> None:
    paid_member(sandbox)
    client.force_login(auditor())
    assert "took" in text_of(client, show.page_of(event()))
    assert client.get(try_out(event())).status_code == 403
