"""Products, prices, customers, payment methods and the billing portal."""

from __future__ import annotations

import pytest
import stripe

from sandbox.tests.conftest import (
    DECLINED,
    MONTHLY,
    YEARLY,
    Server,
    event_types,
    subscribe,
)


def test_a_new_sandbox_sells_a_membership(api: stripe.StripeClient) -> None:
    monthly = api.v1.prices.retrieve(MONTHLY, {"expand": ["product"]})
    assert isinstance(monthly.product, stripe.Product)
    assert monthly.recurring
    assert (monthly.unit_amount, monthly.currency) == (2900, "usd")
    assert (monthly.recurring.interval, monthly.recurring.trial_period_days) == ("month", None)
    assert (monthly.product.name, monthly.product.default_price) == ("Membership", MONTHLY)
    assert api.v1.prices.retrieve(YEARLY).unit_amount == 29000


def test_a_price_can_be_made_for_a_new_product(api: stripe.StripeClient) -> None:
    price = api.v1.prices.create(
        {
            "currency": "USD",
            "unit_amount": 500,
            "recurring": {"interval": "week", "trial_period_days": 7},
            "product_data": {"name": "Newsletter"},
        }
    )
    assert price.recurring
    assert (price.currency, price.recurring.trial_period_days) == ("usd", 7)
    changed = api.v1.prices.update(price.id, {"active": False, "nickname": "Old"})
    assert (changed.active, changed.nickname) == (False, "Old")
    prices = api.v1.prices.list({"product": str(price.product), "active": False})
    assert [one.id for one in prices.data] == [price.id]


def test_a_product_is_renamed(api: stripe.StripeClient) -> None:
    product = api.v1.products.create({"name": "Shirt", "description": "Cotton"})
    api.v1.products.update(product.id, {"name": "T-shirt"})
    last = api.v1.events.list({"limit": 1}).data[0]
    assert last.type == "product.updated"
    assert last.data.previous_attributes
    assert last.data.previous_attributes["name"] == "Shirt"


def test_a_deleted_customer_is_shown_as_deleted(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    subscription = alice.subscription
    assert api.v1.customers.delete(alice.id).deleted is True
    assert api.v1.customers.retrieve(alice.id).deleted is True
    assert api.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert event_types(api)[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.customers.update(alice.id, {"name": "Nobody"})


def test_a_customer_comes_with_a_card(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"payment_method": "pm_card_visa"})
    methods = api.v1.payment_methods.list({"customer": alice.id, "type": "card"}).data
    assert [method.card.last4 for method in methods if method.card] == ["4242"]
    made_default = api.v1.customers.update(
        alice.id, {"invoice_settings": {"default_payment_method": methods[0].id}}
    )
    assert made_default.invoice_settings
    assert made_default.invoice_settings.default_payment_method == methods[0].id
    detached = api.v1.payment_methods.detach(methods[0].id)
    assert detached.customer is None
    after = api.v1.customers.retrieve(alice.id)
    assert after.invoice_settings
    assert after.invoice_settings.default_payment_method is None


def test_a_declined_card_is_not_attached(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create()
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": alice.id})
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")


def test_the_portal_replaces_the_card(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    alice.new_card("5555555555554444")
    subscription = api.v1.subscriptions.retrieve(
        alice.subscription.id, {"expand": ["default_payment_method"]}
    )
    assert isinstance(subscription.default_payment_method, stripe.PaymentMethod)
    assert subscription.default_payment_method.card
    assert subscription.default_payment_method.card.brand == "mastercard"
    answer = server.http.post(f"/_sandbox/customers/{alice.id}/card", json={"card": DECLINED})
    assert answer.status_code == 402
    assert answer.json()["error"]["message"] == "Your card was declined."


def test_a_number_that_is_no_test_card(server: Server, api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create()
    answer = server.http.post(f"/_sandbox/customers/{alice.id}/card", json={"card": "1234"})
    assert answer.json()["error"]["code"] == "incorrect_number"


def test_a_session_of_the_portal(server: Server, api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create()
    session = api.v1.billing_portal.sessions.create(
        {
            "customer": alice.id,
            "return_url": "http://portal.example/account/",
            "flow_data": {"type": "payment_method_update"},
        }
    )
    assert session.url == f"{server.url}/portal/{session.id}"
    assert session.flow
    assert session.flow.type == "payment_method_update"
    configuration = api.v1.billing_portal.configurations.retrieve(str(session.configuration))
    assert configuration.is_default
    changed = api.v1.billing_portal.configurations.update(
        configuration.id, {"features": {"subscription_cancel": {"enabled": False}}}
    )
    assert not changed.features.subscription_cancel.enabled


def test_ready_made_cards_pay(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"payment_method": "pm_card_visa"})
    intent = api.v1.payment_intents.create(
        {
            "amount": 1500,
            "currency": "usd",
            "customer": alice.id,
            "payment_method": api.v1.payment_methods.list({"customer": alice.id}).data[0].id,
            "confirm": True,
        }
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 1500)


def test_a_declined_intent_is_a_card_error(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        api.v1.payment_intents.create(
            {
                "amount": 1500,
                "currency": "usd",
                "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
                "confirm": True,
            }
        )
    assert caught.value.code == "card_declined"
    assert caught.value.error
    assert caught.value.error.decline_code == "insufficient_funds"
    intent = api.v1.payment_intents.list().data[0]
    assert intent.status == "requires_payment_method"
    assert api.v1.payment_intents.cancel(intent.id).status == "canceled"
