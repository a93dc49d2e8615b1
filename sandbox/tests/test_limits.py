"""Values that the API refuses by length, type, or range, and its messages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, Server, open_session

KEY = {"Authorization": "Bearer sk_test_sandbox"}
SESSION = {"mode": "payment", "success_url": "https://portal.example/"}
PRODUCT_DATA = "line_items[0][price_data][product_data]"


def post(server: Server, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
    return server.http.post(f"/v1/{path}", headers={**KEY, **headers}, data=form)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    return error


@pytest.mark.parametrize(
    ("path", "param", "longest"),
    [
        ("customers", "name", 256),
        ("customers", "business_name", 150),
        ("customers", "individual_name", 150),
        ("customers", "phone", 20),
        ("customers", "description", 350),
        ("customers", "address[line1]", 5000),
        ("products", "name", 5000),
        ("products", "description", 40_000),
        ("products", "unit_label", 12),
        ("products", "marketing_features[0][name]", 80),
        ("prices", "lookup_key", 200),
        ("payment_intents", "description", 1000),
        ("invoices", "description", 1500),
        ("invoiceitems", "description", 500),
        ("subscriptions", "description", 500),
        ("coupons", "name", 40),
        ("promotion_codes", "code", 500),
        ("tax_rates", "display_name", 50),
        ("checkout/sessions", "client_reference_id", 200),
        ("checkout/sessions", "custom_text[submit][message]", 1200),
        ("checkout/sessions", "payment_intent_data[description]", 1000),
        ("checkout/sessions", "subscription_data[description]", 500),
        ("checkout/sessions", f"{PRODUCT_DATA}[name]", 250),
        ("checkout/sessions", f"{PRODUCT_DATA}[description]", 40_000),
        ("billing_portal/configurations", "business_profile[headline]", 60),
        ("webhook_endpoints", "description", 5000),
    ],
)
def test_a_text_may_be_so_long_and_no_longer(
    server: Server, path: str, param: str, longest: int
) -> None:
    required = {
        "checkout/sessions": SESSION
        | {f"{PRODUCT_DATA}[name]": "Mat", "line_items[0][price_data][currency]": "usd"},
        "payment_intents": {"amount": "100", "currency": "usd"},
        "prices": {"currency": "usd"},
        "products": {"name": "Mat"},
        "promotion_codes": {"promotion[type]": "coupon", "promotion[coupon]": "HALF"},
        "subscriptions": {"customer": "cus_1", "items[0][price]": MONTHLY},
        "tax_rates": {"display_name": "VAT", "inclusive": "true", "percentage": "20"},
        "billing_portal/configurations": {"features[invoice_history][enabled]": "true"},
        "webhook_endpoints": {"url": "https://portal.example/", "enabled_events[]": "*"},
    }.get(path, {})
    error = error_of(post(server, path, required | {param: "b" + "a" * longest}))
    shown = "baaaaaaaaa...aaaaaaaaaa" if longest > 19 else "b" + "a" * longest
    assert error["param"] == param
    assert error["message"] == f"Invalid string: {shown}; must be at most {longest} characters"
    assert "code" not in error
    fitting = post(server, path, required | {param: "a" * longest})
    assert fitting.is_success or fitting.json()["error"].get("param") != param


def test_characters_are_counted_and_not_bytes(api: stripe.StripeClient) -> None:
    assert api.v1.customers.create({"name": "Ж" * 256}).name == "Ж" * 256


def test_an_address_may_have_512_characters(server: Server) -> None:
    fitting = "a" * 500 + "@example.com"
    assert post(server, "customers", {"email": fitting}).is_success
    error = error_of(post(server, "customers", {"email": "a" + fitting}))
    assert (error["param"], "at most 512" in error["message"]) == ("email", True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("An account's monthly share", "must be at most 22 characters"),
        ("SMITH * SONS", "invalid characters"),
        ("SMITH'S", "invalid characters"),
        ("12345", "at least one alphabetic character"),
    ],
)
def test_a_statement_descriptor(server: Server, given: str, words: str) -> None:
    form = {"name": "Mat", "statement_descriptor": given}
    error = error_of(post(server, "products", form))
    assert error["param"] == "statement_descriptor"
    assert words in error["message"]


def test_metadata_has_up_to_fifty_keys(server: Server, api: stripe.StripeClient) -> None:
    fifty = {f"key{number}": "1" for number in range(50)}
    alice = api.v1.customers.create({"metadata": fifty})
    for change in ({**fifty, "one_more": "1"}, {"one_more": "1"}):
        with pytest.raises(stripe.InvalidRequestError, match="up to 50 keys") as caught:
            api.v1.customers.update(alice.id, {"metadata": change})
        assert caught.value.param == "metadata"
    changed = api.v1.customers.update(alice.id, {"metadata": {"key1": "", "one_more": "1"}})
    assert changed.metadata is not None
    assert len(changed.metadata.to_dict()) == 50


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (
            {"k" * 41: "1"},
            "keys can have up to 40 characters, but you passed in a key that is 41",
        ),
        (
            {"k": "v" * 501},
            "values can have up to 500 characters, but you passed in a value that",
        ),
    ],
)
def test_metadata_has_limits(
    api: stripe.StripeClient, metadata: dict[str, str], message: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.create({"metadata": metadata})
    assert caught.value.param == "metadata"
    assert (caught.value.user_message or "").startswith(f"Metadata {message}")


def test_metadata_without_a_value_is_not_kept(api: stripe.StripeClient) -> None:
    made = api.v1.customers.create({"metadata": {"a": "1", "b": ""}})
    assert made.metadata is not None
    assert made.metadata.to_dict() == {"a": "1"}


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_has_1_to_255_characters(server: Server, key: str) -> None:
    answer = post(server, "customers", {}, **{"Idempotency-Key": key})
    message = error_of(answer)["message"]
    assert message.startswith(f"Idempotent key length is {len(key)}, which is outside accepted")
    assert post(server, "customers", {}, **{"Idempotency-Key": "k" * 255}).is_success


@pytest.mark.parametrize(
    ("path", "form", "param", "message"),
    [
        ("customers", {"balance": "1.5"}, "balance", "Invalid integer: 1.5"),
        ("customers", {"balance[x]": "1"}, "balance", 'Invalid integer: {"x": "1"}'),
        ("customers", {"name[x]": "1"}, "name", 'Invalid string: {"x": "1"}'),
        ("customers", {"address": "Rome"}, "address", "Invalid object"),
        ("customers", {"preferred_locales": "en"}, "preferred_locales", "Invalid array"),
        ("customers", {"metadata": "x"}, "metadata", "Invalid object"),
        (
            "customers",
            {"tax_exempt": "maybe"},
            "tax_exempt",
            "Invalid tax_exempt: must be one of exempt, none, or reverse",
        ),
        ("products", {"name": "Mat", "active": "yes"}, "active", "Invalid boolean: yes"),
        ("coupons", {"percent_off": "much"}, "percent_off", "Invalid decimal: much"),
        ("coupons", {"percent_off": "NaN"}, "percent_off", "Invalid decimal: NaN"),
        (
            "payment_intents",
            {"amount": "0", "currency": "usd"},
            "amount",
            "This value must be greater than or equal to 1.",
        ),
        (
            "subscriptions",
            {"customer": "cus_1", "items[0][price]": "p", "trial_period_days": "731"},
            "trial_period_days",
            "This value must be less than or equal to 730 (it currently is '731').",
        ),
        ("checkout/sessions", SESSION | {"mode": ""}, "mode", "You passed an empty string"),
        ("checkout/sessions", SESSION | {"success_url": "/done"}, "success_url", "Not a valid URL"),
        ("products", {"name": ""}, "name", "You passed an empty string for 'name'"),
        ("products", {"name": "Mat", "active": ""}, "active", "You passed an empty string"),
    ],
)
def test_a_wrong_type_is_refused_by_name(
    server: Server, path: str, form: dict[str, str], param: str, message: str
) -> None:
    error = error_of(post(server, path, form))
    assert error["param"] == param
    assert error["message"].startswith(message)


@pytest.mark.parametrize("currency", ["xyz", "dollar", "usdt"])
def test_an_unknown_currency_is_refused(server: Server, currency: str) -> None:
    error = error_of(post(server, "prices", {"currency": currency, "unit_amount": "100"}))
    assert error["param"] == "currency"
    assert error["message"].startswith(
        f"Invalid currency: {currency}. Stripe currently supports these currencies: usd, aed"
    )


@pytest.mark.parametrize(("limit", "fits"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_page_has_one_to_a_hundred_entries(server: Server, limit: int, fits: bool) -> None:
    for path in ("customers", "invoices", "events", "refunds", "subscriptions", "products"):
        answer = server.http.get(f"/v1/{path}", headers=KEY, params={"limit": limit})
        assert answer.is_success == fits
        if not fits:
            assert error_of(answer)["param"] == "limit"


def test_lists_in_requests_have_limits(server: Server, api: stripe.StripeClient) -> None:
    items = {f"items[{number}][price]": f"price_{number}" for number in range(21)}
    error = error_of(post(server, "subscriptions", {"customer": "cus_1", **items}))
    assert (error["param"], error["message"]) == (
        "items",
        "Array items exceeded maximum 20 allowed elements.",
    )
    lines: Any = [{"price": MONTHLY, "quantity": 1}] * 101
    with pytest.raises(stripe.InvalidRequestError, match="line_items exceeded maximum 100"):
        open_session(api, line_items=lines)
    keys = [f"key{number}" for number in range(11)]
    with pytest.raises(stripe.InvalidRequestError, match="lookup_keys exceeded maximum 10"):
        api.v1.prices.list({"lookup_keys": keys})


def test_brackets_without_a_number_are_places_in_a_list(
    server: Server, api: stripe.StripeClient
) -> None:
    mat = api.v1.products.create({"name": "Mat"}).id
    once = api.v1.prices.create({"product": mat, "currency": "usd", "unit_amount": 500})
    body = (
        "mode=subscription&success_url=https://portal.example/"
        f"&line_items[][price]={MONTHLY}&line_items[][quantity]=2"
        f"&line_items[][price]={once.id}&line_items[][quantity]=3"
    )
    headers = {**KEY, "Content-Type": "application/x-www-form-urlencoded"}
    made = server.http.post("/v1/checkout/sessions", headers=headers, content=body).json()
    lines = api.v1.checkout.sessions.line_items.list(made["id"]).data
    assert [line.quantity for line in lines] == [2, 3]
