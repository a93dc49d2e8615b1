"""A refused request changes nothing, however far it got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.store import Store, connect
from sandbox.tests.conftest import MONTHLY, Receiver, Server, event_types, open_session, subscribe

KINDS = "subscriptions invoices invoice_items payment_intents charges customers coupons".split()


def everything(api: stripe.StripeClient) -> dict[str, list[dict[str, Any]]]:
    params: Any = {"limit": 100}
    lists = {kind: getattr(api.v1, kind).list(params).data for kind in KINDS}
    return {kind: [one.to_dict() for one in objects] for kind, objects in lists.items()}


@pytest.mark.parametrize(
    "wrong",
    [
        {"discounts": [{"coupon": "NONE"}]},
        {"cancel_at": 5},
        {"default_tax_rates": ["txr_of_nobody"]},
    ],
)
def test_a_subscription_that_is_refused_leaves_nothing_behind(
    server: Server, api: stripe.StripeClient, receiver: Receiver, wrong: Any
) -> None:
    alice = subscribe(server, api)
    assert server.post("idle")["idle"]
    before, told = everything(api), event_types(api)
    received = len(receiver.received)
    wanted: Any = {
        "customer": alice.id,
        "items": [{"price": MONTHLY}],
        "default_payment_method": alice.subscription.default_payment_method,
        **wrong,
    }
    for _try in range(2):
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.subscriptions.create(wanted, {"idempotency_key": "once"})
    assert everything(api) == before
    assert event_types(api) == told
    assert server.post("idle")["idle"]
    assert len(receiver.received) == received


def test_a_card_that_was_declined_stays_on_record(api: stripe.StripeClient) -> None:
    wanted: Any = {
        "amount": 500,
        "currency": "usd",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }
    with pytest.raises(stripe.CardError):
        api.v1.payment_intents.create(wanted)
    [tried] = api.v1.payment_intents.list().data
    assert tried.last_payment_error
    assert [one.status for one in api.v1.charges.list().data] == ["failed"]


def test_a_page_that_is_refused_keeps_nothing_of_what_was_typed(
    server: Server, api: stripe.StripeClient
) -> None:
    session = open_session(api, billing_address_collection="required")
    before = everything(api)
    answer = server.http.post(f"/_sandbox/checkout/{session.id}/complete", json={"email": "a@b.co"})
    assert answer.status_code == 400
    assert everything(api) == before


def test_a_store_goes_back_to_its_last_flush(tmp_path: Path) -> None:
    for store in (Store(None), Store(connect(tmp_path / "one.sqlite3"))):
        first = store.put({"id": "a", "object": "thing", "parts": [1]})
        store.put({"id": "b", "object": "thing"})
        store.put({"id": "c", "object": "thing"})
        store.set_meta("count", 1)
        store.flush()
        first["parts"].append(2)
        store.remove("b")
        store.put({"id": "d", "object": "thing"})
        store.set_meta("count", 2)
        store.roll_back()
        assert [one["id"] for one in store.list("thing")] == ["c", "b", "a"]
        assert first == store.get("a") == {"id": "a", "object": "thing", "parts": [1]}
        assert store.meta("count") == 1
        store.flush()
    again = Store(connect(tmp_path / "one.sqlite3"))
    assert [one["id"] for one in again.list("thing")] == ["c", "b", "a"]
