"""Deliveries: signed, retried, and disrupted by the switches."""

from __future__ import annotations

import time

import httpx
import pytest
import stripe

from sandbox.tests.conftest import Receiver, Server, subscribe


def wait_for(receiver: Receiver, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(receiver.received) < count:
        assert time.monotonic() < deadline, receiver.types
        time.sleep(0.02)


def test_every_event_arrives_signed(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    subscribe(server, api)
    assert server.post("idle", timeout=10)["idle"]
    listed = api.v1.events.list({"limit": 100}).data
    arrived = {event.id for event in receiver.events}
    assert arrived == {event.id for event in listed if event.created >= listed[0].created} - {
        event.id for event in listed if event.type.startswith(("product", "price"))
    }
    assert {event.pending_webhooks for event in listed} == {0}


def test_the_signature_has_the_real_time(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    server.post("clock", advance="month")
    customer = api.v1.customers.create()
    server.post("idle")
    timestamp = int(receiver.received[0][1].partition(",")[0].removeprefix("t="))
    assert abs(time.time() - timestamp) < 5
    assert receiver.events[0].created == customer.created > time.time() + 20 * 86400


@pytest.mark.slow
def test_an_endpoint_gets_only_what_it_wants(server: Server, api: stripe.StripeClient) -> None:
    receiver = Receiver()
    endpoint = api.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["customer.updated"]}
    )
    assert endpoint.secret
    receiver.secret = endpoint.secret
    customer = api.v1.customers.create()
    api.v1.customers.update(customer.id, {"name": "Alice"})
    server.post("idle")
    assert receiver.types == ["customer.updated"]
    api.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    api.v1.customers.update(customer.id, {"name": "Bob"})
    server.post("idle")
    assert len(receiver.received) == 1
    assert api.v1.webhook_endpoints.retrieve(endpoint.id).status == "disabled"
    assert api.v1.webhook_endpoints.delete(endpoint.id).deleted
    receiver.close()


@pytest.mark.slow
def test_a_delivery_is_repeated_until_it_is_taken(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    receiver.answers = [500, 404]
    api.v1.customers.create()
    event = api.v1.events.list({"limit": 1}).data[0]
    wait_for(receiver, 1)
    assert not server.post("idle", timeout=0.1)["idle"]
    server.post("deliver")
    wait_for(receiver, 2)
    assert server.post("idle", timeout=10)["idle"]
    log = server.get("deliveries", event=event.id)
    assert [attempt["status"] for attempt in log[0]["attempts"]] == [500, 404, 200]
    assert log[0]["state"] == "delivered"


def test_a_receiver_that_is_not_there_is_tried_again(
    server: Server, api: stripe.StripeClient
) -> None:
    api.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    api.v1.customers.create()
    deadline = time.monotonic() + 10
    while not server.get("deliveries")[0]["attempts"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    log = server.get("deliveries")[0]
    assert (log["state"], log["attempts"][0]["status"]) == ("pending", None)
    assert "ConnectError" in log["attempts"][0]["error"]


def test_duplicates(server: Server, api: stripe.StripeClient, receiver: Receiver) -> None:
    server.post("switches", duplicate=True)
    api.v1.customers.create()
    server.post("idle")
    assert receiver.types == ["customer.created"] * 2
    assert len({event.id for event in receiver.events}) == 1


def test_lost_events_can_be_resent(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    server.post("switches", lose=True)
    api.v1.customers.create()
    server.post("idle")
    assert receiver.received == []
    event = api.v1.events.list({"limit": 1}).data[0]
    assert server.get("deliveries", event=event.id)[0]["state"] == "lost"
    server.post(f"events/{event.id}/resend")
    server.post("idle")
    assert receiver.types == ["customer.created"]


def test_an_unknown_event_is_not_resent(server: Server) -> None:
    assert server.http.post("/_sandbox/events/evt_none/resend").status_code == 404


def test_paused_webhooks_wait(server: Server, api: stripe.StripeClient, receiver: Receiver) -> None:
    server.post("switches", webhooks_paused=True)
    api.v1.customers.create()
    assert server.post("idle", timeout=1)["idle"]
    assert receiver.received == []
    server.post("switches", webhooks_paused=False)
    server.post("idle")
    assert receiver.types == ["customer.created"]


@pytest.mark.slow
def test_delayed_webhooks_come_later(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    server.post("switches", webhook_delay=0.5)
    began = time.monotonic()
    api.v1.customers.create()
    server.post("idle")
    assert time.monotonic() - began >= 0.5
    assert len(receiver.received) == 1


@pytest.mark.slow
def test_reordered_webhooks_all_come(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    server.post("switches", reorder=True)
    subscribe(server, api)
    server.post("idle")
    made = [event.id for event in api.v1.events.list({"limit": 15}).data[::-1]]
    arrived = [event.id for event in receiver.events]
    assert arrived != made
    assert sorted(arrived) == sorted(made)


@pytest.fixture
def hooked(receiver: Receiver) -> Server:
    """A sandbox whose endpoint comes from the environment."""
    return Server(SANDBOX_WEBHOOK_URL=receiver.url)


def test_the_endpoint_of_the_environment(hooked: Server, receiver: Receiver) -> None:
    receiver.secret = "whsec_sandbox"
    hooked.client().v1.customers.create()
    hooked.post("idle")
    assert receiver.types == ["customer.created"]
    hooked.post("reset")
    hooked.client().v1.customers.create()
    hooked.post("idle")
    assert receiver.types == ["customer.created"] * 2
    hooked.stop()


@pytest.mark.slow
def test_only_the_api_is_slow_when_told_to_be(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    delay = 4
    server.post("switches", api_latency=delay)
    began = time.monotonic()
    assert httpx.get(f"{server.url}/_sandbox/clock").is_success
    # Far less on an idle machine; on a busy one only the order counts.
    assert time.monotonic() - began < delay
    began = time.monotonic()
    assert api.v1.customers.list().data == []
    assert time.monotonic() - began >= delay
    assert receiver.received == []
