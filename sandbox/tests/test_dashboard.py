"""Objects made in Stripe's dashboard have no metadata, and invoices there no parent."""

from __future__ import annotations

import stripe

from sandbox.tests.conftest import MONTHLY, Server


def make(server: Server, kind: str, **form: str) -> int:
    data = {"kind": kind, "email": "carol@example.com", **form}
    return server.http.post("/dashboard", data=data).status_code


def test_a_customer(server: Server, api: stripe.StripeClient) -> None:
    assert make(server, "customer", name="Carol") == 303
    made = api.v1.customers.list().data[0]
    assert (made.email, made.name) == ("carol@example.com", "Carol")
    assert made.metadata is not None
    assert made.metadata.to_dict() == {}
    event = api.v1.events.list({"type": "customer.created"}).data[0]
    assert event.request
    assert event.request.id is None


def test_a_subscription(server: Server, api: stripe.StripeClient) -> None:
    assert make(server, "subscription", price=MONTHLY) == 303
    made = api.v1.subscriptions.list().data[0]
    assert (made.status, made.metadata.to_dict()) == ("active", {})
    server.advance("renewal")
    assert [one.status for one in api.v1.invoices.list().data] == ["paid", "paid"]


def test_an_invoice_is_paid_on_its_page(server: Server, api: stripe.StripeClient) -> None:
    make(server, "customer")
    assert make(server, "invoice", amount="40.00", description="Workshop") == 303
    assert len(api.v1.customers.list().data) == 1
    made = api.v1.invoices.list().data[0]
    assert (made.status, made.parent, made.amount_due) == ("open", None, 4000)
    card = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
    assert server.http.post(f"/invoice/{made.id}", data=card).status_code == 303
    assert api.v1.invoices.retrieve(made.id).status == "paid"


def test_a_form_that_says_too_little(server: Server) -> None:
    assert make(server, "invoice", amount="lots") == 400
    assert make(server, "subscription", price="price_none") == 400
    assert make(server, "nothing") == 400
