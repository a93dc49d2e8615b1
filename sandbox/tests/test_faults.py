"""Rate limits, lost answers, and events in the shapes of older API versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import Receiver, Server, subscribe


@pytest.fixture
def impatient(server: Server) -> stripe.StripeClient:
    """The SDK without retries of its own."""
    return stripe.StripeClient(
        "sk_test_sandbox", base_addresses={"api": server.url}, max_network_retries=0
    )


def test_too_many_requests(server: Server, impatient: stripe.StripeClient) -> None:
    server.post("switches", api_rate_limited=1.0)
    with pytest.raises(stripe.RateLimitError) as caught:
        impatient.v1.customers.create()
    assert caught.value.http_status == 429
    server.post("switches", api_rate_limited=0.0)
    assert impatient.v1.customers.list().data == []


def test_it_was_done_but_the_answer_was_lost(
    server: Server, impatient: stripe.StripeClient
) -> None:
    server.post("switches", api_answer_lost=1.0)
    wanted: Any = {"email": "alice@example.com"}
    options: Any = {"idempotency_key": "alice"}
    with pytest.raises(stripe.APIConnectionError) as caught:
        impatient.v1.customers.create(wanted, options)
    assert caught.value.should_retry
    server.post("switches", api_answer_lost=0.0)
    again = impatient.v1.customers.create(wanted, options)
    assert [one.id for one in impatient.v1.customers.list().data] == [again.id]


@pytest.mark.parametrize("version", ["2020-08-27", "2024-06-20"])
def test_events_of_older_versions(
    server: Server, api: stripe.StripeClient, receiver: Receiver, version: str
) -> None:
    server.post("switches", payload_version=version)
    alice = subscribe(server, api)
    assert server.post("idle")["idle"]
    events = [json.loads(body) for body, _signature in receiver.received]
    assert {event["api_version"] for event in events} == {version}
    assert not [event for event in events if event["type"].startswith("invoice_payment")]
    shown = {event["type"]: event["data"]["object"] for event in events}
    subscription = alice.subscription
    invoice, charge = shown["invoice.paid"], shown["charge.succeeded"]
    assert invoice["subscription"] == subscription.id
    assert invoice["charge"] == charge["id"]
    assert invoice["payment_intent"] == charge["payment_intent"]
    assert charge["invoice"] == invoice["id"]
    assert invoice["paid"] is True
    assert "parent" not in invoice
    line = invoice["lines"]["data"][0]
    assert (line["type"], line["price"]["unit_amount"]) == ("subscription", 2900)
    item = subscription["items"]["data"][0]
    created = shown["customer.subscription.created"]
    assert created["current_period_end"] == item["current_period_end"]
    assert "current_period_end" not in created["items"]["data"][0]
    assert ("charges" in shown["payment_intent.succeeded"]) == (version == "2020-08-27")


def test_a_switch_takes_only_what_it_knows(server: Server) -> None:
    for wrong in ({"payload_version": "1999-01-01"}, {"api_rate_limited": 2}):
        answer = server.http.post("/_sandbox/switches", json=wrong)
        assert answer.status_code == 400


def test_an_object_is_locked(server: Server, impatient: stripe.StripeClient) -> None:
    server.post("switches", api_lock_timeout=1.0)
    with pytest.raises(stripe.RateLimitError) as caught:
        impatient.v1.customers.create()
    assert caught.value.http_status == 429
    assert '"code":"lock_timeout"' in str(caught.value.http_body)
    assert caught.value.headers["Stripe-Should-Retry"] == "true"  # type: ignore[index]
    server.post("switches", api_lock_timeout=0.0)
    assert impatient.v1.customers.list().data == []


def test_a_balance_entry_comes_late(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    server.post("switches", late_balance=True)
    subscribe(server, api)
    charge = api.v1.charges.list().data[0]
    assert (charge.status, charge.balance_transaction) == ("succeeded", None)
    server.post("clock", advance_seconds=60)
    assert server.post("idle")["idle"]
    events = [json.loads(body) for body, _signature in receiver.received]
    told = next(event["data"] for event in events if event["type"] == "charge.updated")
    booked = told["object"]["balance_transaction"]
    assert api.v1.charges.retrieve(charge.id).balance_transaction == booked
    assert api.v1.balance_transactions.retrieve(booked).fee == 114
    assert told["previous_attributes"] == {"balance_transaction": None}


def test_a_refund_does_not_wait_for_a_late_balance_entry(
    server: Server, api: stripe.StripeClient
) -> None:
    server.post("switches", late_balance=True)
    subscribe(server, api)
    charge = api.v1.charges.list().data[0]
    assert api.v1.refunds.create({"charge": charge.id, "amount": 500}).status == "succeeded"
    server.post("clock", advance_seconds=60)
    amounts = {one.type: one.amount for one in api.v1.balance_transactions.list().data}
    assert amounts == {"adjustment": 1_000_000, "charge": 2900, "refund": -500}
