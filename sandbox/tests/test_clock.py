"""Time: it advances, goes back only in an empty world, and survives a restart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import stripe

from sandbox.tests.conftest import Receiver, Server, open_session, subscribe


def test_the_clock_begins_in_the_past_when_empty(server: Server, api: stripe.StripeClient) -> None:
    year_ago = int(time.time()) - 365 * 86400
    assert server.post("clock", set=year_ago)["now"] == year_ago
    assert api.v1.customers.create().created - year_ago < 5
    assert api.v1.prices.retrieve("price_membership_monthly").created <= year_ago


def test_the_clock_does_not_go_back_once_there_are_customers(
    server: Server, api: stripe.StripeClient
) -> None:
    api.v1.customers.create()
    refused = server.http.post("/_sandbox/clock", json={"set": 1_600_000_000})
    assert refused.status_code == 400
    assert "empty" in refused.json()["error"]


def test_steps(server: Server) -> None:
    before = server.get("clock")["now"]
    assert 0 <= server.advance("day") - before - 86400 < 5
    assert 27 * 86400 < server.advance("month") - before < 33 * 86400
    assert server.http.post("/_sandbox/clock", json={"advance": "renewal"}).status_code == 400
    assert server.http.post("/_sandbox/clock", json={}).status_code == 400


@pytest.mark.slow
def test_a_year_happens_in_order_and_at_its_times(server: Server, api: stripe.StripeClient) -> None:
    start = int(time.time()) - 365 * 86400
    server.post("clock", set=start)
    alice = subscribe(server, api)
    server.advance_days(9)
    bob = subscribe(server, api)
    server.post("clock", set=start + 360 * 86400)
    for member in (alice, bob):
        assert [invoice.status for invoice in member.invoices] == ["paid"] * 12
    events = list(api.v1.events.list({"limit": 100}).auto_paging_iter())[::-1]
    times = [event.created for event in events]
    assert times == sorted(times)
    upcoming = api.v1.events.list({"type": "invoice.upcoming", "limit": 100}).data
    assert len(upcoming) == 23
    recent = api.v1.events.list({"created": {"gte": times[-1]}, "limit": 100}).data
    assert {event.created for event in recent} == {times[-1]}
    some = api.v1.events.list({"types": ["invoice.paid", "charge.succeeded"], "limit": 100})
    assert {event.type for event in some.data} == {"invoice.paid", "charge.succeeded"}


@pytest.mark.slow
def test_what_is_due_happens_as_real_time_passes(server: Server, api: stripe.StripeClient) -> None:
    session = open_session(api, customer_email="bob@example.com")
    server.post("clock", set=session.expires_at - 1)
    deadline = time.monotonic() + 10
    while api.v1.checkout.sessions.retrieve(session.id).status == "open":
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_a_killed_sandbox_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path)
    api = server.client()
    alice = subscribe(server, api)
    now = server.advance("renewal")
    server.post("switches", webhook_delay=0.1)
    headers = {"Authorization": "Bearer sk_test_sandbox", "Idempotency-Key": "one"}
    first = server.http.post("/v1/customers", headers=headers, data={"name": "Bob"})
    server.kill()
    server.start()
    assert abs(server.get("clock")["now"] - now) < 30
    assert server.get("switches")["webhook_delay"] == 0.1
    assert (
        server.http.post("/v1/customers", headers=headers, data={"name": "Bob"}).content
        == first.content
    )
    assert [invoice.status for invoice in alice.invoices] == ["paid", "paid"]
    server.advance("renewal")
    assert len(alice.invoices) == 3
    server.stop()


@pytest.mark.slow
def test_undelivered_events_survive_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.secret = "whsec_sandbox"
    server = Server(tmp_path, SANDBOX_WEBHOOK_URL=receiver.url)
    server.post("switches", webhooks_paused=True)
    server.client().v1.customers.create()
    server.kill()
    server.start()
    server.post("switches", webhooks_paused=False)
    assert server.post("idle")["idle"]
    assert receiver.types == ["customer.created"]
    server.stop()
    receiver.close()


def test_a_reset_forgets_everything(server: Server, api: stripe.StripeClient) -> None:
    api.v1.customers.create()
    server.post("switches", lose=True)
    server.post("reset")
    assert api.v1.customers.list().data == []
    assert server.get("switches")["lose"] is False
    assert len(api.v1.prices.list().data) == 2


def test_going_back_to_a_bookmark_takes_clock_and_objects_along(
    server: Server, api: stripe.StripeClient
) -> None:
    customer = api.v1.customers.create({"email": "alice@example.com"}).id
    server.post("bookmarks/before")
    then = server.get("clock")["now"]
    server.advance_days(40)
    api.v1.customers.update(customer, {"email": "later@example.com"})
    added = api.v1.customers.create({"email": "bob@example.com"}).id
    server.post("bookmarks/before/restore")
    assert abs(server.get("clock")["now"] - then) < 60
    assert api.v1.customers.retrieve(customer).email == "alice@example.com"
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        api.v1.customers.retrieve(added)
    assert server.http.post("/_sandbox/bookmarks/unknown/restore").status_code == 400
