"""A subscription with paused collection renews and charges nothing."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import Server, event_types, subscribe


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")],
)
def test_invoices_of_a_pause(
    server: Server, api: stripe.StripeClient, behavior: str, status: str
) -> None:
    alice = subscribe(server, api)
    wanted: Any = {"pause_collection": {"behavior": behavior}}
    paused = api.v1.subscriptions.update(alice.subscription.id, wanted)
    assert paused.pause_collection
    assert paused.pause_collection.behavior == behavior
    server.advance("renewal")
    assert (alice.subscription.status, alice.invoices[0].status) == ("active", status)
    api.v1.subscriptions.update(alice.subscription.id, {"pause_collection": ""})
    server.advance("renewal")
    assert alice.invoices[0].status == "paid"


def test_a_pause_says_why_an_invoice_was_given_up(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    wanted: Any = {"pause_collection": {"behavior": "mark_uncollectible"}}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance("renewal")
    details = alice.invoices[0].status_details
    assert details
    assert details.uncollectible
    assert details.uncollectible.reason == "subscription_paused"


def test_a_draft_of_a_pause_is_collected_later(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    wanted: Any = {"pause_collection": {"behavior": "keep_as_draft"}}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance("renewal")
    assert not alice.invoices[0].auto_advance
    api.v1.invoices.finalize_invoice(alice.invoices[0].id, {"auto_advance": True})
    server.advance("day")
    assert alice.invoices[0].status == "paid"


def test_a_pause_ends_by_itself(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    resumes = server.get("clock")["now"] + 3 * 86400
    wanted: Any = {"pause_collection": {"behavior": "void", "resumes_at": resumes}}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance_days(4)
    assert alice.subscription.pause_collection is None
    server.advance("renewal")
    assert alice.invoices[0].status == "paid"


def test_nothing_is_upcoming_while_paused(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    wanted: Any = {"pause_collection": {"behavior": "void"}}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance("renewal")
    assert "invoice.upcoming" not in event_types(api)


def test_a_pause_ends_in_the_future(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    past = server.get("clock")["now"] - 60
    wanted: Any = {"pause_collection": {"behavior": "void", "resumes_at": past}}
    with pytest.raises(stripe.InvalidRequestError, match="in the future"):
        api.v1.subscriptions.update(alice.subscription.id, wanted)


def test_the_panel_pauses_and_resumes(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    address = f"/subscriptions/{alice.subscription.id}/pause"
    server.http.post(address, data={"behavior": "void", "days": "60"})
    paused = alice.subscription.pause_collection
    assert paused
    assert paused.resumes_at
    assert "paused until" in server.http.get("/").text
    server.http.post(address, data={"behavior": "resume"})
    assert alice.subscription.pause_collection is None
    refused = server.http.post(address, data={"behavior": "void", "days": "soon"})
    assert refused.status_code == 400
