"""Keys: each test key opens its own account; everything else is refused."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, VISA, Receiver, Server, subscribe


def client_of(server: Server, key: str) -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": server.url}, max_network_retries=0)


def error_of(server: Server, key: str, **headers: str) -> Any:
    answer = server.http.get("/v1/customers", headers={"Authorization": key, **headers})
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    "key",
    ["sk_live_abcdefgh", "rk_live_abcdefgh", "sk_test_", "sk_test_with-a-dash", "nonsense"],
)
def test_a_key_that_is_no_test_key_is_refused(server: Server, key: str) -> None:
    status, error = error_of(server, f"Bearer {key}")
    assert status == 401
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith("Invalid API Key provided: ")
    with pytest.raises(stripe.AuthenticationError):
        client_of(server, key).v1.customers.list()


def test_a_refused_key_is_not_repeated_in_full(server: Server) -> None:
    _status, error = error_of(server, "Bearer sk_live_abcdefghijklmnop")
    assert error["message"] == "Invalid API Key provided: sk_live_************mnop"


@pytest.mark.parametrize("given", ["Bearer", "Basic Og==", "Digest x", ""])
def test_without_a_key_nothing_is_said(server: Server, given: str) -> None:
    answer = server.http.get("/v1/customers", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stripe"'
    assert answer.json()["error"]["message"].startswith("You did not provide an API key.")


def test_a_publishable_key_may_not_look(server: Server) -> None:
    status, error = error_of(server, "Bearer pk_test_sandbox")
    assert (status, error["code"]) == (401, "secret_key_required")


def test_no_key_speaks_for_another_account(server: Server) -> None:
    status, error = error_of(server, "Bearer sk_test_sandbox", **{"Stripe-Account": "acct_1"})
    assert (status, error["code"]) == (403, "account_invalid")


def test_the_key_may_come_as_basic_authentication(server: Server) -> None:
    assert server.http.get("/v1/customers", auth=("sk_test_sandbox", "")).is_success


@pytest.mark.parametrize("value", [b"caf\xc3\xa9", b"\xa3", b"a\x01b", b"a\x7fb"])
def test_a_header_that_is_not_plain_text_is_no_request(server: Server, value: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("POST", "/v1/customers")
    connection.putheader("Authorization", "Bearer sk_test_sandbox")
    connection.putheader("Idempotency-Key", value)
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()
    assert server.client().v1.customers.list().data == []


def test_a_new_account_has_nothing(server: Server) -> None:
    other = client_of(server, "sk_test_other")
    assert other.v1.products.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match=f"No such price: '{MONTHLY}'"):
        other.v1.prices.retrieve(MONTHLY)


def test_accounts_do_not_see_each_other(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    other = client_of(server, "sk_test_other")
    for page in (
        other.v1.customers.list(),
        other.v1.subscriptions.list({"status": "all"}),
        other.v1.invoices.list(),
        other.v1.charges.list(),
        other.v1.events.list(),
        other.v1.webhook_endpoints.list(),
    ):
        assert page.data == []
    with pytest.raises(stripe.InvalidRequestError) as caught:
        other.v1.customers.retrieve(alice.id)
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    bob = other.v1.customers.create({"name": "Bob"})
    assert [one.id for one in api.v1.customers.list().data] == [alice.id]
    assert [one.id for one in other.v1.customers.list().data] == [bob.id]


def test_an_account_has_its_own_ids_and_idempotency_keys(
    server: Server, api: stripe.StripeClient
) -> None:
    other = client_of(server, "sk_test_other")
    first = api.v1.customers.create({"name": "Alice"}, {"idempotency_key": "one"})
    second = other.v1.customers.create({"name": "Bob"}, {"idempotency_key": "one"})
    assert (first.name, second.name) == ("Alice", "Bob")
    for client in (api, other):
        assert client.v1.coupons.create({"id": "HALF", "percent_off": 50}).id == "HALF"


def test_a_restricted_key_opens_the_account_of_its_name(server: Server) -> None:
    made = client_of(server, "sk_test_other").v1.customers.create()
    customers = client_of(server, "rk_test_other").v1.customers.list()
    assert [one.id for one in customers.data] == [made.id]


def shop(client: stripe.StripeClient) -> tuple[str, str]:
    """A customer and a monthly price in an account that had neither."""
    product = client.v1.products.create({"name": "Locker"})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
        }
    )
    return client.v1.customers.create({"email": "bob@example.com"}).id, price.id


@pytest.mark.slow
def test_another_account_sells_is_renewed_and_told(server: Server, receiver: Receiver) -> None:
    other, mine = client_of(server, "sk_test_other"), Receiver()
    endpoint = other.v1.webhook_endpoints.create({"url": mine.url, "enabled_events": ["*"]})
    mine.secret = endpoint.secret or ""
    customer, price = shop(other)
    session = other.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": "http://portal.example/",
        }
    )
    assert session.url
    assert server.http.get(session.url).is_success
    assert server.pay(session.id, VISA)["outcome"]["status"] == "complete"
    server.advance("renewal")
    assert server.post("idle")["idle"]
    assert [one.status for one in other.v1.invoices.list().data] == ["paid", "paid"]
    assert mine.types.count("invoice.paid") == 2
    assert receiver.received == []
    mine.close()


def test_the_panel_shows_the_account_that_was_chosen(server: Server) -> None:
    assert 'name="account"' not in server.http.get("/").text
    client_of(server, "sk_test_other").v1.customers.create({"name": "Bob Baker"})
    page = server.http.get("/").text
    assert 'name="account"' in page
    assert "Bob Baker" not in page
    server.http.post("/account", data={"account": "other"})
    assert "Bob Baker" in server.http.get("/").text
    server.http.cookies.clear()


def test_a_reset_and_a_bookmark_are_of_all_accounts(server: Server) -> None:
    other = client_of(server, "sk_test_other")
    bob = other.v1.customers.create()
    server.post("bookmarks/bob")
    other.v1.customers.create()
    server.post("bookmarks/bob/restore")
    assert [one.id for one in other.v1.customers.list().data] == [bob.id]
    server.post("reset")
    assert other.v1.customers.list().data == []


@pytest.mark.slow
def test_accounts_survive_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    bob = client_of(server, "sk_test_other").v1.customers.create()
    server.client().v1.customers.create()
    server.stop()
    again = Server(tmp_path)
    customers = client_of(again, "sk_test_other").v1.customers.list()
    assert [one.id for one in customers.data] == [bob.id]
    again.stop()
