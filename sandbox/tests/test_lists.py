"""Lists inside objects: ten entries, whether there are more, and where to find all."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, Server, open_session, subscribe

KEY = {"Authorization": "Bearer sk_test_sandbox"}


def everything(server: Server, first: Any) -> list[str]:
    """The ids of all entries of an embedded list, by its own address."""
    assert (len(first["data"]), first["has_more"]) == (10, True)
    ids: list[str] = []
    more, after = True, ""
    while more:
        query = {"limit": "5"} | ({"starting_after": after} if after else {})
        url = httpx.URL(first["url"]).copy_merge_params(query)
        page = server.http.get(url, headers=KEY).raise_for_status().json()
        ids += [one["id"] for one in page["data"]]
        more, after = page["has_more"], ids[-1]
    assert ids[:10] == [one["id"] for one in first["data"]]
    return ids


def test_refunds_of_a_charge(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    charge = api.v1.charges.list().data[0].id
    for _ in range(10):
        api.v1.refunds.create({"charge": charge, "amount": 100})
    whole = api.v1.charges.retrieve(charge, {"expand": ["refunds"]})
    assert whole.refunds
    assert (len(whole.refunds.data), whole.refunds.has_more) == (10, False)
    api.v1.refunds.create({"charge": charge, "amount": 100})
    cut = api.v1.charges.retrieve(charge, {"expand": ["refunds"]})
    assert len(everything(server, cut.to_dict()["refunds"])) == 11


def test_lines_of_a_session(server: Server, api: stripe.StripeClient) -> None:
    data = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "Mat"}}
    lines = [{"price_data": data, "quantity": 1}] * 12
    session = open_session(api, mode="payment", line_items=lines)
    shown = api.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert len(everything(server, shown.to_dict()["line_items"])) == 12


def test_subscriptions_of_a_customer(server: Server, api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create().id
    for _ in range(11):
        api.v1.subscriptions.create(
            {"customer": alice, "items": [{"price": MONTHLY}], "trial_period_days": 3}
        )
    shown = api.v1.customers.retrieve(alice, {"expand": ["subscriptions"]})
    assert len(everything(server, shown.to_dict()["subscriptions"])) == 11


def test_items_of_a_subscription(server: Server, api: stripe.StripeClient) -> None:
    product = api.v1.products.create({"name": "Locker"}).id
    monthly: Any = {"product": product, "currency": "usd", "unit_amount": 100}
    monthly["recurring"] = {"interval": "month"}
    prices = [api.v1.prices.create(monthly).id for _ in range(11)]
    made = api.v1.subscriptions.create(
        {
            "customer": api.v1.customers.create().id,
            "items": [{"price": price} for price in prices],
            "trial_period_days": 3,
        }
    )
    assert made["items"].total_count == 11
    assert len(everything(server, made.to_dict()["items"])) == 11


@pytest.mark.parametrize("kind", ["subscriptions", "invoices", "charges", "payment_intents"])
def test_a_list_of_a_customer_that_never_was_is_refused(
    server: Server, api: stripe.StripeClient, kind: str
) -> None:
    params = {"customer": "cus_nobody"}
    answer = server.http.get(f"/v1/{kind}", headers=KEY, params=params)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "resource_missing",
        "customer",
    )
    gone = api.v1.customers.create().id
    api.v1.customers.delete(gone)
    answer = server.http.get(f"/v1/{kind}", headers=KEY, params={"customer": gone})
    assert answer.json()["data"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_method_that_stripe_does_not_have(server: Server, method: str) -> None:
    answer = server.http.request(method, "/v1/customers", headers=KEY)
    assert answer.status_code == 404
    message = answer.json()["error"]["message"]
    assert message.startswith(f"Unrecognized request URL ({method}: /v1/customers)")
