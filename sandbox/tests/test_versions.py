"""Requests and webhook endpoints with older API versions, answered in their own shapes."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from stripe._api_version import _ApiVersion
from stripe.params._webhook_endpoint_create_params import WebhookEndpointCreateParams

from sandbox.stripe.versions import CURRENT, SPOKEN
from sandbox.tests.conftest import MONTHLY, YEARLY, Receiver, Server, subscribe
from stripe_shapes import PINNED, VERSIONS, violations

OLD = VERSIONS[:-1]
BEFORE_BASIL = ("2020-08-27", "2024-06-20")


@pytest.fixture
def listen(server: Server, api: stripe.StripeClient) -> Iterator[typing.Callable[..., Receiver]]:
    """Makes a webhook endpoint of an API version, whose events must have its shapes."""
    made: list[Receiver] = []

    def start(version: str | None) -> Receiver:
        made.append(Receiver())
        wanted: Any = {"url": made[-1].url, "enabled_events": ["*"]}
        if version:
            wanted["api_version"] = version
        endpoint = api.v1.webhook_endpoints.create(wanted)
        assert endpoint.api_version == version
        return made[-1]

    yield start
    for receiver in made:
        receiver.close()
        assert not receiver.wrong


def test_the_versions_are_those_of_the_documentation() -> None:
    known = str(WebhookEndpointCreateParams.__annotations__["api_version"])
    assert [name for name in SPOKEN if f"'{name}'" not in known] == []
    assert CURRENT == _ApiVersion.CURRENT == PINNED
    assert set(VERSIONS) <= set(SPOKEN)
    assert list(SPOKEN) == sorted(SPOKEN)


@pytest.mark.parametrize(
    "version", ["2099-01-01", "2024-06-21", "2025-03-31", "latest", "2019-12-03"]
)
def test_a_version_that_is_not_known_is_refused(server: Server, version: str) -> None:
    answer = ask(server, "/v1/customers", version)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith(f"Invalid Stripe API version: {version}.")
    wanted: Any = {"url": "http://127.0.0.1:9", "enabled_events": ["*"], "api_version": version}
    with pytest.raises(stripe.InvalidRequestError):
        server.client().v1.webhook_endpoints.create(wanted)


def ask(server: Server, path: str, version: str | None) -> httpx.Response:
    headers = {"Authorization": "Bearer sk_test_sandbox"}
    return server.http.get(path, headers=headers | ({"Stripe-Version": version} if version else {}))


@pytest.mark.parametrize("version", SPOKEN)
def test_an_answer_names_its_version(server: Server, version: str) -> None:
    answer = ask(server, "/v1/customers", version)
    assert (answer.status_code, answer.headers["Stripe-Version"]) == (200, version)


def test_who_names_no_version_gets_that_of_the_account(server: Server) -> None:
    assert ask(server, "/v1/customers", None).headers["Stripe-Version"] == CURRENT
    server.post("switches", payload_version="2024-06-20")
    assert ask(server, "/v1/customers", None).headers["Stripe-Version"] == "2024-06-20"


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_life_in_a_version(
    server: Server, listen: typing.Callable[..., Receiver], version: str
) -> None:
    """The client checks each answer, the receiver each event, against the shapes of the version."""
    receiver = listen(version)
    live(server, server.client(version))
    server.advance_days(33)
    assert server.post("idle")["idle"]
    told = [json.loads(body) for body, _signature in receiver.received]
    assert {event["api_version"] for event in told} == {version}
    types = {event["type"] for event in told}
    assert {
        "invoice.paid",
        "charge.refunded",
        "charge.dispute.created",
        "radar.early_fraud_warning.updated",
        "invoice.upcoming",
    } <= types
    has_payments = any(kind.startswith("invoice_payment.") for kind in types)
    assert has_payments == (version not in BEFORE_BASIL)
    read_all(server.client(version), version)


def live(server: Server, api: stripe.StripeClient) -> None:
    """A member subscribes, is refunded and credited, disputes, buys else, and switches."""
    coupon = api.v1.coupons.create({"percent_off": 20, "duration": "forever"})
    made: Any = {"code": "TWENTY"}
    of_code: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}}
    if api_version(api) < "2025-09-30":
        of_code = {"coupon": coupon.id}
    api.v1.promotion_codes.create(made | of_code)
    alice = subscribe(server, api, promotion_code="TWENTY", allow_promotion_codes=True)
    [invoice] = alice.invoices
    charge = api.v1.charges.list().data[0]
    refund = api.v1.refunds.create({"charge": charge.id, "amount": 300})
    note: Any = {"invoice": str(invoice.id), "amount": 300}
    by: Any = {"refunds": [{"refund": refund.id}]}
    if api_version(api) < "2025-03-31":
        by = {"refund": refund.id}
    api.v1.credit_notes.create(note | by)
    server.post(f"charges/{charge.id}/warning")
    server.post(f"charges/{charge.id}/dispute")
    server.advance_days(1)
    item = alice.subscription["items"].data[0]
    changed: Any = {"items": [{"id": item.id, "price": YEARLY}], "proration_behavior": "none"}
    api.v1.subscriptions.update(alice.subscription.id, changed)
    rate = api.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": True})
    alone: Any = {
        "customer": alice.id,
        "items": [{"price": MONTHLY, "tax_rates": [rate.id]}],
        "default_payment_method": alice.subscription.default_payment_method,
    }
    api.v1.subscriptions.create(alone)
    server.post(f"subscriptions/{alice.subscription.id}/schedule", price=YEARLY)
    one: Any = {"customer": alice.id, "amount": 700, "currency": "usd", "description": "A cup"}
    api.v1.invoice_items.create(one)


def api_version(api: stripe.StripeClient) -> str:
    return str(api._requestor._options.stripe_version)


def read_all(api: stripe.StripeClient, version: str) -> None:
    """Read every list, and what can be expanded."""
    v1 = api.v1
    for name in (
        "balance_transactions charges coupons credit_notes customers disputes events "
        "invoice_items invoices payment_intents prices products promotion_codes refunds "
        "subscription_schedules subscriptions tax_rates webhook_endpoints"
    ).split():
        assert getattr(v1, name).list({"limit": 100}).data, name
    assert v1.radar.early_fraud_warnings.list({"expand": ["data.charge"]}).data
    for note in v1.credit_notes.list().data:
        assert v1.credit_notes.line_items.list(note.id).data
    for session in v1.checkout.sessions.list().data:
        v1.checkout.sessions.line_items.list(session.id)
    is_old = version in BEFORE_BASIL
    expand = (
        ["data.subscription", "data.payment_intent", "data.charge"] if is_old else ["data.payments"]
    )
    v1.invoices.list({"expand": [*expand, "data.customer", "data.discounts"]})
    v1.charges.list({"expand": ["data.refunds", *(["data.invoice"] if is_old else [])]})
    v1.subscriptions.list({"expand": ["data.latest_invoice", "data.discounts"]})
    with pytest.raises(stripe.InvalidRequestError):
        v1.invoices.list({"expand": ["data.payments" if is_old else "data.subscription"]})


@pytest.mark.parametrize("version", BEFORE_BASIL)
def test_where_things_were_before_they_moved(server: Server, version: str) -> None:
    api = server.client(version)
    alice = subscribe(server, api)
    [invoice] = [one.to_dict() for one in alice.invoices]
    subscription = alice.subscription.to_dict()
    assert invoice["subscription"] == subscription["id"]
    assert invoice["paid"] is True
    intent = api.v1.payment_intents.retrieve(invoice["payment_intent"], {"expand": ["invoice"]})
    assert intent.to_dict()["invoice"]["id"] == invoice["id"]
    now = server.client().v1.subscriptions.retrieve(subscription["id"])
    assert subscription["current_period_end"] == now["items"].data[0].current_period_end


@pytest.mark.parametrize("name", ["coupon", "promotion_code"])
def test_a_discount_by_its_older_parameter(
    server: Server, api: stripe.StripeClient, name: str
) -> None:
    coupon = api.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    code = api.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    chosen: Any = {name: coupon.id if name == "coupon" else code.id}
    customer = api.v1.customers.create()
    card = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    wanted: Any = {
        "customer": customer.id,
        "items": [{"price": MONTHLY}],
        "default_payment_method": card.id,
        **chosen,
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.subscriptions.create(wanted)
    assert refused.value.code == "parameter_unknown"

    old = server.client("2024-06-20").v1
    made = old.subscriptions.create(wanted)
    assert made.to_dict()["discount"]["coupon"]["percent_off"] == 50
    [invoice] = api.v1.invoices.list({"customer": customer.id}).data
    assert invoice.total == 1450
    taken: Any = {name: ""}
    assert old.subscriptions.update(made.id, taken).to_dict()["discount"] is None
    both: Any = {"coupon": coupon.id, "discounts": [{"coupon": coupon.id}]}
    with pytest.raises(stripe.InvalidRequestError):
        old.subscriptions.update(made.id, both)


def test_each_endpoint_gets_its_own_version(
    server: Server, api: stripe.StripeClient, listen: typing.Callable[..., Receiver]
) -> None:
    old, new, of_account = listen("2024-06-20"), listen(CURRENT), listen(None)
    subscribe(server, api)
    assert server.post("idle")["idle"]

    def paid(receiver: Receiver) -> dict[str, Any]:
        told = [json.loads(body) for body, _signature in receiver.received]
        return next(event for event in told if event["type"] == "invoice.paid")

    assert paid(old)["id"] == paid(new)["id"] == paid(of_account)["id"]
    assert "subscription" in paid(old)["data"]["object"]
    assert "parent" in paid(new)["data"]["object"]
    assert paid(of_account)["api_version"] == CURRENT
    server.post("switches", payload_version="2020-08-27")
    subscribe(server, api)
    assert server.post("idle")["idle"]
    assert json.loads(of_account.received[-1][0])["api_version"] == "2020-08-27"
    assert json.loads(new.received[-1][0])["api_version"] == CURRENT
    assert json.loads(old.received[-1][0])["api_version"] == "2024-06-20"


@pytest.mark.parametrize("version", BEFORE_BASIL)
def test_the_next_invoice_by_its_older_address(
    server: Server, api: stripe.StripeClient, version: str
) -> None:
    alice = subscribe(server, api)
    item = alice.subscription["items"].data[0].id
    for query in (
        f"customer={alice.id}",
        (
            f"subscription={alice.subscription.id}&subscription_items[0][id]={item}"
            f"&subscription_items[0][price]={YEARLY}"
        ),
    ):
        answer = ask(server, f"/v1/invoices/upcoming?{query}", version)
        assert answer.status_code == 200, answer.text
        assert not list(violations(answer.json(), version))
        assert ("id" in answer.json(), answer.json()["paid"]) == (False, False)
        assert ask(server, f"/v1/invoices/upcoming?{query}", CURRENT).status_code in (400, 404)
    assert ask(server, "/v1/invoices/upcoming?customer=cus_none", version).status_code == 404


def test_a_payment_is_expanded_through_its_invoice(server: Server) -> None:
    old = server.client("2023-10-16")
    alice = subscribe(server, old)
    paths: Any = {"expand": ["latest_invoice.payment_intent.latest_charge"]}
    subscription = old.v1.subscriptions.retrieve(alice.subscription.id, paths).to_dict()
    assert subscription["latest_invoice"]["payment_intent"]["latest_charge"]["paid"] is True
