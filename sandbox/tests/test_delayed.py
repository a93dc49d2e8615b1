"""Bank accounts: Checkout completes at once, the money comes days later or never."""

from __future__ import annotations

from typing import Any

import stripe

from sandbox.tests.conftest import Member, Server, event_types, open_session

PAYS, FAILS = "000123456789", "000111111116"
WORKSHOP: Any = [
    {
        "price_data": {
            "currency": "usd",
            "unit_amount": 4000,
            "product_data": {"name": "Workshop"},
        },
        "quantity": 1,
    }
]


def pay_once(server: Server, api: stripe.StripeClient, account: str) -> str:
    session = open_session(
        api, mode="payment", customer_email="bob@example.com", line_items=WORKSHOP
    )
    done = server.pay(session.id, account)
    assert done["outcome"]["status"] == "processing"
    assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
    return session.id


def test_a_bank_pays_after_four_days(server: Server, api: stripe.StripeClient) -> None:
    session_id = pay_once(server, api, PAYS)
    expand: Any = {"expand": ["payment_intent.latest_charge", "payment_intent.payment_method"]}
    session = api.v1.checkout.sessions.retrieve(session_id, expand)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert session.payment_intent.status == "processing"
    assert isinstance(session.payment_intent.latest_charge, stripe.Charge)
    assert session.payment_intent.latest_charge.status == "pending"
    server.advance_days(5)
    session = api.v1.checkout.sessions.retrieve(session_id, expand)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    assert (session.payment_status, session.payment_intent.status) == ("paid", "succeeded")
    types = event_types(api)
    assert types.index("checkout.session.completed") < types.index("charge.succeeded")
    assert types[-1] == "checkout.session.async_payment_succeeded"


def test_a_bank_refuses_after_four_days(server: Server, api: stripe.StripeClient) -> None:
    session_id = pay_once(server, api, FAILS)
    server.advance_days(5)
    assert api.v1.checkout.sessions.retrieve(session_id).payment_status == "unpaid"
    types = event_types(api)
    assert {"charge.pending", "payment_intent.processing", "charge.failed"} <= set(types)
    assert types[-1] == "checkout.session.async_payment_failed"


def join(server: Server, api: stripe.StripeClient, account: str) -> Member:
    customer = api.v1.customers.create({"email": "alice@example.com"})
    server.pay(open_session(api, customer=customer.id).id, account)
    return Member(server, api, customer.id)


def test_a_membership_is_active_while_the_bank_thinks(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = join(server, api, PAYS)
    assert (alice.subscription.status, alice.invoices[0].status) == ("active", "open")
    server.advance_days(5)
    assert alice.invoices[0].status == "paid"
    server.advance("renewal")
    assert alice.invoices[0].status == "open"
    server.advance_days(5)
    assert alice.invoices[0].status == "paid"


def test_a_membership_is_past_due_when_the_bank_refuses(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = join(server, api, FAILS)
    server.advance_days(5)
    assert (alice.subscription.status, alice.invoices[0].status) == ("past_due", "open")
    types = event_types(api)
    assert types.count("invoice.payment_failed") == 1
    assert types.count("checkout.session.async_payment_failed") == 1


def test_the_page_offers_a_bank_account_where_that_is_switched_on(
    server: Server, api: stripe.StripeClient
) -> None:
    session = open_session(
        api, mode="payment", customer_email="bob@example.com", line_items=WORKSHOP
    )
    address = f"/checkout/{session.id}"
    assert "Bank account" not in server.http.get(address).text
    server.post("switches", bank_debit=True)
    assert "Bank account" in server.http.get(address).text
    answer = server.http.post(address, data={"account": PAYS, "email": "bob@example.com"})
    assert answer.status_code == 303
    assert server.http.get("/").is_success
