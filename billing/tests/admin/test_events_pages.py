"""The event log on the staff site: attempts with what they changed, and trying out a replay."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import EventAttempt, Invoice, Payment, Replay, RowChange, StripeEvent
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import auditor, superuser
from common.staff import show
from conftest import Sandbox, run_jobs
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


@pytest.mark.slow
def test_each_event_of_a_month_has_its_page(sandbox: Sandbox, staff: Client) -> None:
    """Among them changes whose links to other rows are all empty, such as a payout's."""
    sandbox.control("switches", automatic_payouts=True)
    paid_member(sandbox)
    sandbox.control(f"charges/{Payment.objects.get().charge_id}/warning")
    sandbox.control("clock", advance_seconds=32 * 86_400)
    known = set(StripeEvent.objects.values_list("stripe_id", flat=True))
    deliver(one for one in sandbox.events() if one["id"] not in known)
    assert StripeEvent.objects.filter(type="payout.paid").exists()
    for row in StripeEvent.objects.all():
        assert row.type in text_of(staff, show.page_of(row))


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


# All that match


def page_of_all(name: str, query: str = "") -> str:
    """Return the address of the page about all events that match."""
    return f"{reverse(f'admin:billing_stripeevent_{name}')}?{query}"


def pressed(client: Client, query: str) -> str:
    """Press the button on the page about all events that match; return where it leads."""
    page = client.get(page_of_all("replay_all", query))
    answer = client.post(page_of_all("replay_all", query), {"key": page.context["key"]})
    return answer.headers["Location"]


def test_all_that_match_are_replayed_after_a_look(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    now = timezone.localtime()
    query = f"type=invoice.paid&created_at_from_0={now - timedelta(days=1):%Y-%m-%d}"
    listed = text_of(staff, f"{show.list_of('billing.stripeevent')}?{query}")
    assert page_of_all("replay_all", query).replace("&", "&amp;") in listed
    page = text_of(staff, page_of_all("replay_all", query))
    assert "Replay 1 event?" in page
    assert "type: invoice.paid; time it happened: from 20" in page
    assert not Replay.objects.exists()
    where = pressed(staff, query)
    replay = Replay.objects.get()
    assert where == show.page_of(replay)
    assert replay.event_ids == [event().pk]
    page = text_of(staff, where)
    assert "Replaying, 0 of 1" in page
    assert staff.get(where).headers["Refresh"]
    assert "Replaying, 0 of 1" in text_of(staff, show.list_of("billing.stripeevent"))
    assert pressed(staff, "type=invoice.created") == where
    run_jobs()
    assert EventAttempt.objects.filter(is_replay=True).get().event == event()
    page = text_of(staff, where)
    assert "Processed: 1" in page
    assert "&lt;span" not in page


def test_a_replay_is_stopped_by_its_button(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    where = pressed(staff, "")
    replay = Replay.objects.get()
    stop = reverse("admin:billing_replay_stop", args=[replay.pk])
    assert "Stop this replay?" in text_of(staff, stop)
    staff.post(stop, {"_form_submitted": "on"})
    replay.refresh_from_db()
    assert replay.stopped_at is not None
    page = text_of(staff, where)
    assert f"Stopped after 0 of {replay.total}" in page
    assert "Refresh" not in staff.get(where).headers
    assert "all events" in text_of(staff, show.list_of("billing.replay"))


def test_filters_that_find_nothing_or_are_not_ours(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    page = text_of(staff, page_of_all("replay_all", "created_at_to_0=2001-01-01"))
    assert "No event matches." in page
    assert staff.get(page_of_all("replay_all", "state__exact=odd")).status_code == 302
    assert staff.get(page_of_all("replay_all", "payload__x=1")).status_code == 400
    answer = staff.post(page_of_all("replay_all"), {"key": "none"})
    assert answer.status_code == 302
    assert not Replay.objects.exists()


def test_a_time_has_hours(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    at = timezone.localtime(event().created_at)
    day = f"{at:%Y-%m-%d}"
    around = f"created_at_from_0={day}&created_at_from_1={at:%H:%M}:00&created_at_to_0={day}"
    assert "No event matches." not in text_of(staff, page_of_all("replay_all", around))
    before = f"created_at_to_0={day}&created_at_to_1=00:00:00&created_at_from_0={day}"
    if at.hour or at.minute:
        assert "No event matches." in text_of(staff, page_of_all("replay_all", before))


def test_selected_events_and_all_that_match_are_tried_out(sandbox: Sandbox, staff: Client) -> None:
    paid_member(sandbox)
    Message.objects.all().delete()
    Invoice.objects.update(status="open", amount_paid=0)
    page = text_of(staff, page_of_all("try_all", "type=invoice.paid"))
    assert "Each event was tried out after those before it" in page
    assert "Payment received" in page
    form = {"action": "try_selected", "_selected_action": [event().pk]}
    answer = staff.post(show.list_of("billing.stripeevent"), form)
    assert "Payment received" in answer.content.decode()
    assert not Message.objects.exists()
    assert Invoice.objects.get().status == "open"
    sandbox.control("switches", api_fail=1)
    page = text_of(staff, page_of_all("try_all"))
    assert "Stripe can’t be reached right now." in page


def test_an_auditor_replays_nothing(sandbox: Sandbox, client: Client) -> None:
    paid_member(sandbox)
    client.force_login(auditor())
    assert client.get(page_of_all("replay_all")).status_code == 403
    assert client.get(page_of_all("try_all")).status_code == 403
    assert client.post(page_of_all("replay_all"), {"key": uuid4()}).status_code == 403
    assert "Replay all events that match" not in text_of(
        client, show.list_of("billing.stripeevent")
    )


def test_an_auditor_sees_what_changed_but_tries_out_nothing(
    sandbox: Sandbox, client: Client
) -> None:
    paid_member(sandbox)
    client.force_login(auditor())
    assert "took" in text_of(client, show.page_of(event()))
    assert client.get(try_out(event())).status_code == 403
