"""The API as a protocol: keys, errors, parameters, expansion, pages, idempotency."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, Server, subscribe

KEY = {"Authorization": "Bearer sk_test_sandbox"}


def error_of(answer: httpx.Response) -> Any:
    return answer.json()["error"]


def test_an_address_that_stripe_does_not_have(server: Server) -> None:
    answer = server.http.get("/v1/nonsense", headers=KEY)
    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/nonsense)" in error_of(answer)["message"]


def test_an_answer_names_request_and_version(server: Server) -> None:
    answer = server.http.get("/v1/customers", headers=KEY)
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"


def test_an_unknown_object(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.retrieve("cus_nobody")
    assert caught.value.http_status == 404
    assert (caught.value.code, caught.value.param) == ("resource_missing", "id")
    assert caught.value.user_message == "No such customer: 'cus_nobody'"


def test_an_unknown_object_in_a_parameter_is_a_bad_request(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.subscriptions.create({"customer": "cus_nobody", "items": [{"price": MONTHLY}]})
    assert (caught.value.http_status, caught.value.param) == (400, "customer")


@pytest.mark.parametrize(
    ("form", "param", "code"),
    [
        ({"colour": "red"}, "colour", "parameter_unknown"),
        ({"address[planet]": "Mars"}, "address[planet]", "parameter_unknown"),
        ({"balance": "much"}, "balance", "parameter_invalid_integer"),
        ({"tax_exempt": "maybe"}, "tax_exempt", None),
        ({"email": "nobody"}, "email", "email_invalid"),
        ({"email": "jürgen@example.com"}, "email", "email_invalid"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    server: Server, form: dict[str, str], param: str, code: str | None
) -> None:
    answer = server.http.post("/v1/customers", headers=KEY, data=form)
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["param"], error.get("code")) == (param, code)
    assert error["type"] == "invalid_request_error"


def test_a_missing_parameter_is_named(server: Server) -> None:
    answer = server.http.post("/v1/prices", headers=KEY, data={"unit_amount": "5"})
    assert error_of(answer)["message"] == "Missing required param: currency."
    assert error_of(answer)["code"] == "parameter_missing"


def test_metadata_is_merged_and_unset(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
    changed = api.v1.customers.update(alice.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    emptied = api.v1.customers.update(alice.id, {"metadata": ""})
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}


def test_a_field_is_unset_by_an_empty_string(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"name": "Alice", "address": {"city": "Bern"}})
    changed = api.v1.customers.update(alice.id, {"name": "", "address": ""})
    assert (changed.name, changed.address) == (None, None)


def test_expansion_reaches_four_levels_deep(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    subscription = api.v1.subscriptions.list(
        {
            "customer": alice.id,
            "expand": ["data.latest_invoice.payments.data", "data.customer"],
        }
    ).data[0]
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    assert subscription.latest_invoice.payments
    assert isinstance(subscription.customer, stripe.Customer)
    intent_id = subscription.latest_invoice.payments.data[0].payment.payment_intent
    assert isinstance(intent_id, str)
    intent = api.v1.payment_intents.retrieve(
        intent_id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    booked = intent.latest_charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee) == (2900, 114)


def refused(call: Callable[[], object]) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    assert caught.value.http_status == 400
    return caught.value


@pytest.mark.parametrize("path", ["pockets", "name", "invoice_settings.footer", "sources.id"])
def test_what_cannot_be_expanded_is_refused(api: stripe.StripeClient, path: str) -> None:
    alice = api.v1.customers.create()
    error = refused(lambda: api.v1.customers.retrieve(alice.id, {"expand": [path]}))
    assert error.user_message == f"This property cannot be expanded ({path})."


def test_a_wrong_path_is_refused_before_anything_is_made(api: stripe.StripeClient) -> None:
    refused(lambda: api.v1.customers.create({"name": "Alice", "expand": ["pockets"]}))
    assert api.v1.customers.list().data == []


@pytest.mark.parametrize("path", ["default_source", "pockets"])
def test_in_a_list_every_path_begins_with_data(api: stripe.StripeClient, path: str) -> None:
    error = refused(lambda: api.v1.customers.list({"expand": [path]}))
    assert error.user_message == (
        f"This property cannot be expanded ({path}). "
        f"You may want to try expanding 'data.{path}' instead."
    )
    error = refused(lambda: api.v1.customers.list({"expand": ["data.pockets"]}))
    assert error.user_message == "This property cannot be expanded (data.pockets)."
    assert api.v1.customers.list({"expand": ["data"]}).data == []


def test_data_belongs_to_lists_only(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create()
    error = refused(lambda: api.v1.customers.retrieve(alice.id, {"expand": ["data.sources"]}))
    assert error.user_message == "This property cannot be expanded (data)."


def test_five_levels_are_too_deep_and_data_counts(api: stripe.StripeClient) -> None:
    path = "data.items.data.price.product"
    error = refused(lambda: api.v1.subscriptions.list({"expand": [path]}))
    assert error.code == "property_expansion_max_depth"
    assert error.user_message == (
        f"You cannot expand more than 4 levels of a property. Property: {path}"
    )
    assert api.v1.subscriptions.list({"expand": ["data.items.data.price"]}).data == []


def test_pages_go_forth_and_back(api: stripe.StripeClient) -> None:
    made = [api.v1.customers.create({"name": str(number)}).id for number in range(5)][::-1]
    first = api.v1.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == (made[:2], True)
    second = api.v1.customers.list({"limit": 2, "starting_after": made[1]})
    assert [one.id for one in second.data] == made[2:4]
    back = api.v1.customers.list({"limit": 1, "ending_before": made[2]})
    assert ([one.id for one in back.data], back.has_more) == (made[1:2], True)
    everything = api.v1.customers.list({"limit": 2}).auto_paging_iter()
    assert [one.id for one in everything] == made


def test_a_page_after_nothing_known_is_refused(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.list({"starting_after": "cus_nobody"})
    assert caught.value.param == "starting_after"


def test_lists_are_filtered(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    bob = api.v1.customers.create({"email": "bob@example.com"})
    assert [one.id for one in api.v1.customers.list({"email": "bob@example.com"}).data] == [bob.id]
    assert api.v1.subscriptions.list({"customer": bob.id}).data == []
    subscription = alice.subscription
    by_subscription = api.v1.invoices.list({"subscription": subscription.id, "status": "paid"})
    assert len(by_subscription.data) == 1
    payment = api.v1.invoice_payments.list(
        {"invoice": by_subscription.data[0].id, "status": "paid"}
    ).data[0]
    intent = payment.payment.payment_intent
    assert isinstance(intent, str)
    back = api.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    )
    assert [one.id for one in back.data] == [payment.id]
    assert len(api.v1.charges.list({"payment_intent": intent}).data) == 1
    assert len(api.v1.payment_intents.list({"customer": alice.id}).data) == 1


def test_a_key_used_again_gives_the_first_answer(server: Server) -> None:
    headers = {**KEY, "Idempotency-Key": "one"}
    first = server.http.post("/v1/customers", headers=headers, data={"name": "Alice"})
    second = server.http.post("/v1/customers", headers=headers, data={"name": "Alice"})
    assert second.content == first.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers


def test_a_key_with_other_parameters_is_refused(api: stripe.StripeClient) -> None:
    api.v1.customers.create({"name": "Alice"}, {"idempotency_key": "one"})
    with pytest.raises(stripe.IdempotencyError) as caught:
        api.v1.customers.create({"name": "Bob"}, {"idempotency_key": "one"})
    assert caught.value.http_status == 400


def test_a_key_is_free_after_a_refused_parameter(server: Server) -> None:
    headers = {**KEY, "Idempotency-Key": "one"}
    refused = server.http.post("/v1/customers", headers=headers, data={"colour": "red"})
    assert refused.status_code == 400
    assert server.http.post("/v1/customers", headers=headers, data={"name": "Al"}).is_success


def test_a_failure_of_the_endpoint_is_replayed(server: Server) -> None:
    headers = {**KEY, "Idempotency-Key": "one"}
    form = {"payment_intent": "pi_none"}
    first = server.http.post("/v1/refunds", headers=headers, data=form)
    second = server.http.post("/v1/refunds", headers=headers, data=form)
    assert (first.status_code, second.content) == (400, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.slow
def test_two_requests_at_once_with_one_key(server: Server) -> None:
    server.post("switches", api_latency=0.5)
    statuses: list[int] = []

    def create() -> None:
        headers = {**KEY, "Idempotency-Key": "one"}
        answer = httpx.post(f"{server.url}/v1/customers", headers=headers, data={"name": "Alice"})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]


def test_a_key_is_forgotten_after_a_day(server: Server, api: stripe.StripeClient) -> None:
    first = api.v1.customers.create({"name": "Alice"}, {"idempotency_key": "one"})
    server.advance("day")
    second = api.v1.customers.create({"name": "Bob"}, {"idempotency_key": "one"})
    assert second.id != first.id


def test_the_api_can_be_down(server: Server, api: stripe.StripeClient) -> None:
    server.post("switches", api_fail=1)
    with pytest.raises(stripe.APIError) as caught:
        api.v1.customers.create()
    assert caught.value.http_status == 500
    server.post("switches", api_fail=0)
    assert api.v1.customers.list().data == []


def test_a_switch_that_does_not_exist(server: Server) -> None:
    answer = server.http.post("/_sandbox/switches", json={"rain": True})
    assert answer.status_code == 400
    assert "rain" in answer.json()["error"]
