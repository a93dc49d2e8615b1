"""A subscription whose collection is paused renews, and asks for nothing."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import Server, subscribe


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


def test_a_pause_ends_by_itself(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    resumes = server.get("clock")["now"] + 3 * 86400
    wanted: Any = {"pause_collection": {"behavior": "void", "resumes_at": resumes}}
    api.v1.subscriptions.update(alice.subscription.id, wanted)
    server.advance_days(4)
    assert alice.subscription.pause_collection is None
    server.advance("renewal")
    assert alice.invoices[0].status == "paid"
