"""What the sandbox declares and sends, held against the SDK. Answers are checked in every test."""

from __future__ import annotations

import json

import pytest
import stripe
from stripe._object_classes import get_object_class

from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.endpoints import ENDPOINTS
from sandbox.stripe.expandable import EXPANDABLE, kind_of
from sandbox.tests.conftest import Receiver, Server, subscribe
from sandbox.tests.contract import declaration_violations, violations


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_an_endpoint_accepts_only_what_the_sdk_can_send(endpoint: Endpoint) -> None:
    assert not list(declaration_violations(endpoint))


def test_event_payloads_have_the_shapes_of_the_sdk(
    server: Server, api: stripe.StripeClient, receiver: Receiver
) -> None:
    subscribe(server, api)
    server.advance("renewal")
    assert server.post("idle")["idle"]
    assert {"invoice.upcoming", "invoice.paid", "charge.succeeded"} <= set(receiver.types)
    for body, _signature in receiver.received:
        assert not list(violations(json.loads(body)))


def test_a_missing_and_a_surplus_field_are_noticed() -> None:
    found = list(violations({"object": "invoice_payment", "id": "inpay_1", "colour": "red"}))
    assert any("colour is unknown" in line for line in found)
    assert any("amount_requested is missing" in line for line in found)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_what_an_endpoint_answers_is_known_to_expand(endpoint: Endpoint) -> None:
    kind = kind_of(endpoint.path)
    assert kind is not None
    known = get_object_class("V1", kind).__annotations__
    assert set(EXPANDABLE[kind]) <= set(known)
