"""The sandbox's declarations, compared with the SDK. Answers are compared in every test."""

from __future__ import annotations

import json

import pytest
import stripe
from stripe._object_classes import get_object_class

from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.endpoints import ENDPOINTS
from sandbox.stripe.expandable import EXPANDABLE, kind_of
from sandbox.tests.conftest import Receiver, Server, subscribe
from sandbox.tests.contract import declaration_violations
from stripe_shapes import violations


@pytest.mark.parametrize(
    "endpoint",
    # The SDK has forgotten those of older versions.
    [one for one in ENDPOINTS if not one.before],
    ids=lambda one: f"{one.method} {one.path}",
)
def test_an_endpoint_accepts_only_what_the_sdk_can_send(endpoint: Endpoint) -> None:
    assert not list(declaration_violations(endpoint))


def test_event_payloads_have_their_shapes(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    subscribe(server, api)
    server.advance("renewal")
    assert server.post("idle")["idle"]
    assert {"invoice.upcoming", "invoice.paid", "charge.succeeded"} <= set(receiver.types)
    for body, _signature in receiver.received:
        assert not list(violations(json.loads(body)))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_what_an_endpoint_answers_is_known_to_expand(endpoint: Endpoint) -> None:
    kind = kind_of(endpoint.path)
    assert kind is not None
    known = get_object_class("V1", kind).__annotations__
    assert set(EXPANDABLE[kind]) <= set(known)
