"""What can't be sold together, to whom, and for how much, in Stripe's words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, VISA, YEARLY, Server, open_session, subscribe


def refused(call: Callable[[], object], status: int = 400) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as caught:
        call()
    assert caught.value.http_status == status
    return caught.value


def price_of(api: stripe.StripeClient, **changes: Any) -> str:
    """The id of a monthly price of a product of its own, or of another price."""
    product = api.v1.products.create({"name": "Locker"})
    params: Any = {
        "product": product.id,
        "currency": "usd",
        "unit_amount": 900,
        "recurring": {"interval": "month"},
    }
    wanted: Any = {name: value for name, value in (params | changes).items() if value}
    return api.v1.prices.create(wanted).id


def inactive_price(api: stripe.StripeClient) -> str:
    """The id of a price that is not for sale any more."""
    price = price_of(api)
    api.v1.prices.update(price, {"active": False})
    return price


def member(api: stripe.StripeClient, card: str = "pm_card_visa") -> str:
    """The id of a customer with a card."""
    made = api.v1.customers.create({"email": "alice@example.com"})
    method = api.v1.payment_methods.attach(card, {"customer": made.id})
    api.v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})
    return made.id


def once(amount: int, currency: str = "usd") -> Any:
    """Checkout's parameters for a payment of an amount."""
    data = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Workshop"}}
    return {"mode": "payment", "line_items": [{"price_data": data, "quantity": 1}]}


@pytest.mark.parametrize(
    ("amount", "currency", "code", "message"),
    [
        (49, "usd", "amount_too_small", "Amount must be at least $0.50 usd"),
        (50, "usd", None, ""),
        (29, "gbp", "amount_too_small", "Amount must be at least £0.30 gbp"),
        (30, "gbp", None, ""),
        (49, "jpy", "amount_too_small", "Amount must be at least ¥50 jpy"),
        (50, "jpy", None, ""),
        (17_499, "huf", "amount_too_small", "Amount must be at least 175.00 huf"),
        (99_999_999, "usd", None, ""),
        (100_000_000, "usd", "amount_too_large", "Amount must be no more than $999,999.99"),
        (9_999_999_999, "jpy", None, ""),
        (5120, "kwd", None, ""),
        (5124, "kwd", "parameter_invalid_integer", "Invalid integer: 5124."),
        (550, "ugx", "parameter_invalid_integer", "Invalid integer: 550."),
    ],
)
def test_a_payment_has_a_least_and_a_most(
    api: stripe.StripeClient, amount: int, currency: str, code: str | None, message: str
) -> None:
    params: Any = {"amount": amount, "currency": currency}
    if code is None:
        assert api.v1.payment_intents.create(params).amount == amount
        return
    error = refused(lambda: api.v1.payment_intents.create(params))
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.code, error.param) == (code, "amount")
    assert (error.user_message or "").startswith(message)
    intent = api.v1.payment_intents.create({"amount": 20_000_000, "currency": currency})
    change: Any = {"amount": amount}
    assert refused(lambda: api.v1.payment_intents.update(intent.id, change)).code == code


def test_checkout_has_a_least_and_a_most(api: stripe.StripeClient) -> None:
    error = refused(lambda: open_session(api, **once(49)))
    assert error.code == "amount_too_small"
    assert error.user_message == (
        "The Checkout Session's total amount due must add up to at least $0.50 usd"
    )
    assert refused(lambda: open_session(api, **once(99_999_999 * 2))).code == "amount_too_large"
    assert open_session(api, **once(50)).amount_total == 50
    assert open_session(api, **once(0)).amount_total == 0
    coupon = api.v1.coupons.create({"percent_off": 99}).id
    discounts = [{"coupon": coupon}]
    error = refused(lambda: open_session(api, **once(1000), discounts=discounts))
    assert error.code == "amount_too_small"


def test_what_is_too_little_waits_for_the_next_invoice(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    api.v1.invoice_items.create({"customer": alice.id, "amount": 20, "currency": "usd"})
    draft = api.v1.invoices.create(
        {"customer": alice.id, "pending_invoice_items_behavior": "include"}
    )
    little = api.v1.invoices.finalize_invoice(draft.id)
    assert (little.status, little.total, little.amount_due) == ("paid", 20, 0)
    assert (little.starting_balance, little.ending_balance) == (0, 20)
    assert api.v1.customers.retrieve(alice.id).balance == 20
    server.advance("renewal")
    renewed = alice.invoices[0]
    assert (renewed.total, renewed.amount_due, renewed.status) == (2900, 2920, "paid")
    assert api.v1.customers.retrieve(alice.id).balance == 0


def test_one_currency_a_customer(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    euros = price_of(api, currency="eur")
    message = (
        "You cannot combine currencies on a single customer. This customer has an active "
        "subscription, subscription schedule, discount, quote, or invoice item with currency usd."
    )
    item: Any = {"customer": alice.id, "amount": 500, "currency": "eur"}
    lines = [{"price": euros, "quantity": 1}]
    for call in (
        lambda: api.v1.subscriptions.create({"customer": alice.id, "items": [{"price": euros}]}),
        lambda: api.v1.invoice_items.create(item),
        lambda: api.v1.invoices.create({"customer": alice.id, "currency": "eur"}),
        lambda: open_session(api, customer=alice.id, line_items=lines),
    ):
        assert refused(call).user_message == message
    # What is paid once may be in any currency, and so may all when the subscription has ended.
    assert open_session(api, customer=alice.id, **once(500, "eur")).currency == "eur"
    api.v1.subscriptions.cancel(alice.subscription.id)
    session = open_session(api, customer=alice.id, line_items=lines)
    assert server.pay(session.id, VISA)["outcome"]["status"] == "complete"
    assert api.v1.customers.retrieve(alice.id).currency == "eur"


def test_an_item_that_waits_holds_its_currency(api: stripe.StripeClient) -> None:
    alice = member(api)
    api.v1.invoice_items.create({"customer": alice, "amount": 500, "currency": "eur"})
    params: Any = {"customer": alice, "items": [{"price": MONTHLY}]}
    error = refused(lambda: api.v1.subscriptions.create(params))
    assert "invoice item with currency eur" in (error.user_message or "")


def test_a_price_is_in_a_subscription_once(api: stripe.StripeClient) -> None:
    alice, locker = member(api), price_of(api)
    params: Any = {"customer": alice, "items": [{"price": MONTHLY}, {"price": MONTHLY}]}
    error = refused(lambda: api.v1.subscriptions.create(params))
    assert error.user_message == (
        "Cannot create a Subscription with multiple Subscription Items with the same Price: "
        + MONTHLY
    )
    both: Any = {"customer": alice, "items": [{"price": MONTHLY}, {"price": locker}]}
    subscription = api.v1.subscriptions.create(both)
    first, second = subscription["items"].data
    for change in ({"price": MONTHLY}, {"id": second.id, "price": MONTHLY}):
        changes: Any = {"items": [change]}
        error = refused(partial(api.v1.subscriptions.update, subscription.id, changes))
        assert (error.user_message or "").startswith(
            f"A new item with Price {MONTHLY} can't be added to this Subscription because an "
            f"existing Subscription Item {first.id} is already using that Price."
        )


def test_the_items_of_a_subscription_have_one_period_and_currency(
    api: stripe.StripeClient,
) -> None:
    alice, euros = member(api), price_of(api, currency="eur")
    mixed: Any = {"customer": alice, "items": [{"price": MONTHLY}, {"price": YEARLY}]}
    error = refused(lambda: api.v1.subscriptions.create(mixed))
    assert (error.user_message or "").startswith(
        "All prices on a subscription must have the same `recurring.interval`"
    )
    foreign: Any = {"customer": alice, "items": [{"price": MONTHLY}, {"price": euros}]}
    error = refused(lambda: api.v1.subscriptions.create(foreign))
    assert (error.user_message or "").startswith(
        "This `price` has `currency=eur`, but other items use `currency=usd`."
    )
    assert api.v1.subscriptions.list({"customer": alice, "status": "all"}).data == []


def test_one_of_two_items_does_not_change_its_period(api: stripe.StripeClient) -> None:
    params: Any = {"customer": member(api), "items": [{"price": MONTHLY}, {"price": price_of(api)}]}
    subscription = api.v1.subscriptions.create(params)
    changes: Any = {"items": [{"id": subscription["items"].data[0].id, "price": YEARLY}]}
    refused(lambda: api.v1.subscriptions.update(subscription.id, changes))
    unchanged = api.v1.subscriptions.retrieve(subscription.id)
    assert unchanged["items"].data[0].price.id == MONTHLY


def test_twenty_items_at_most(api: stripe.StripeClient) -> None:
    items = [{"price": price_of(api)} for _ in range(20)]
    params: Any = {"customer": member(api), "items": items}
    subscription = api.v1.subscriptions.create(params)
    assert subscription["items"].total_count == 20
    too_many: Any = {"customer": member(api), "items": [*items, {"price": MONTHLY}]}
    error = refused(lambda: api.v1.subscriptions.create(too_many))
    assert error.user_message == "Array items exceeded maximum 20 allowed elements."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trial_end": 1}, "The parameter `trial_end` expects a unix timestamp"),
        ({"cancel_at": 1}, "The parameter `cancel_at` expects a unix timestamp"),
        ({"trial_end": 4_000_000_000, "trial_period_days": 3}, "You may only specify one of these"),
        ({"items": [{"price": "once"}]}, "The price specified is set to `type=one_time`"),
        ({"items": [{"price": "inactive"}]}, "The price specified is inactive."),
        ({"items": [{"price": "price_none"}]}, "No such price: 'price_none'"),
        ({"discounts": [{"coupon": "none"}]}, "No such coupon: 'none'"),
        ({"default_payment_method": "pm_none"}, "No such PaymentMethod: 'pm_none'"),
        ({"collection_method": "send_invoice"}, "Missing required param: days_until_due."),
    ],
)
def test_a_refused_subscription_leaves_nothing(
    api: stripe.StripeClient, changes: dict[str, Any], message: str
) -> None:
    made = {"once": price_of(api, recurring=None), "inactive": inactive_price(api)}
    params: Any = {"items": [{"price": MONTHLY}]} | changes
    params["items"] = [{"price": made.get(one["price"], one["price"])} for one in params["items"]]
    alice = member(api)
    params["customer"] = alice
    error = refused(lambda: api.v1.subscriptions.create(params))
    assert (error.user_message or "").startswith(message)
    assert api.v1.subscriptions.list({"customer": alice, "status": "all"}).data == []
    assert api.v1.invoices.list({"customer": alice}).data == []


def test_who_has_no_card_starts_nothing_that_costs(api: stripe.StripeClient) -> None:
    alice = api.v1.customers.create({"email": "alice@example.com"}).id
    params: Any = {"customer": alice, "items": [{"price": MONTHLY}]}
    error = refused(lambda: api.v1.subscriptions.create(params))
    assert error.code == "resource_missing"
    assert (error.user_message or "").startswith("This customer has no attached payment source")
    trial: Any = params | {"trial_period_days": 3}
    assert api.v1.subscriptions.create(trial).status == "trialing"
    waiting: Any = params | {"payment_behavior": "default_incomplete"}
    assert api.v1.subscriptions.create(waiting).status == "incomplete"


def test_nothing_is_left_where_the_card_must_pay_at_once(api: stripe.StripeClient) -> None:
    alice = member(api, "pm_card_authenticationRequired")
    params: Any = {"customer": alice, "items": [{"price": MONTHLY}]}
    params["payment_behavior"] = "error_if_incomplete"
    error = refused(lambda: api.v1.subscriptions.create(params), 402)
    assert error.code == "subscription_payment_intent_requires_action"
    assert api.v1.subscriptions.list({"customer": alice, "status": "all"}).data == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customer_update": {"name": "auto"}}, "`customer_update` can only be used with"),
        (once(500) | {"subscription_data": {"description": "x"}}, "You can not pass `subscription"),
        ({"payment_intent_data": {"description": "x"}}, "You can not pass `payment_intent_data`"),
        ({"customer_creation": "always"}, "You can not pass `customer_creation`"),
        ({"success_url": None}, "Missing required param: success_url."),
        ({"line_items": [{"price": MONTHLY}]}, "Quantity is required. Add `quantity` to"),
        ({"line_items": [{"quantity": 1}]}, "Missing required param: line_items[0][price]."),
        (
            {"line_items": [{"price": one, "quantity": 1} for one in (MONTHLY, YEARLY)]},
            "Checkout does not support multiple prices with different billing intervals.",
        ),
        ({"currency": "eur"}, "The price specified only supports `usd`."),
        (
            {"subscription_data": {"trial_end": 4_000_000_000, "trial_period_days": 3}},
            "You may only specify one of these parameters: trial_end, trial_period_days.",
        ),
        ({"subscription_data": {"trial_end": 1}}, "The `subscription_data[trial_end]` has to be"),
        ({"expires_at": 1}, "The `expires_at` timestamp must be at least 30 minutes"),
        (
            {"allow_promotion_codes": True, "discounts": [{"coupon": "HALF"}]},
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        ),
        (
            {"discounts": [{"coupon": "HALF", "promotion_code": "promo_1"}]},
            "You may only specify one of these parameters: coupon, promotion_code.",
        ),
        ({"discounts": [{"coupon": "HALF"}] * 2}, "Array discounts exceeded maximum 1 allowed"),
        (
            {"customer_email": "a@example.com", "customer": "cus_1"},
            "You may only specify one of these parameters: customer, customer_email.",
        ),
    ],
)
def test_a_session_that_stripe_would_not_make(
    api: stripe.StripeClient, changes: dict[str, Any], message: str
) -> None:
    api.v1.coupons.create({"id": "HALF", "percent_off": 50})
    params = {
        "mode": "subscription",
        "line_items": [{"price": MONTHLY, "quantity": 1}],
        "success_url": "https://portal.example/",
    }
    wanted: Any = {key: value for key, value in (params | changes).items() if value is not None}
    error = refused(lambda: api.v1.checkout.sessions.create(wanted))
    assert (error.user_message or "").startswith(message)
    assert api.v1.checkout.sessions.list().data == []


def test_what_is_not_for_sale_is_not_sold(api: stripe.StripeClient) -> None:
    price = price_of(api)
    lines = [{"price": price, "quantity": 1}]
    product = api.v1.prices.retrieve(price).product
    api.v1.products.update(str(product), {"active": False})
    error = refused(lambda: open_session(api, line_items=lines))
    assert error.user_message == (
        f"Price `{price}` is not available to be purchased because its product is not active."
    )
    api.v1.prices.update(price, {"active": False})
    error = refused(lambda: open_session(api, line_items=lines))
    assert error.user_message == (
        "The price specified is inactive. This field only accepts active prices."
    )


def test_a_deleted_customer_buys_nothing(api: stripe.StripeClient) -> None:
    alice = member(api)
    api.v1.customers.delete(alice)
    params: Any = {"customer": alice, "items": [{"price": MONTHLY}]}
    for call in (
        lambda: api.v1.subscriptions.create(params),
        lambda: open_session(api, customer=alice),
        lambda: api.v1.invoice_items.create({"customer": alice, "amount": 500, "currency": "usd"}),
        lambda: api.v1.billing_portal.sessions.create({"customer": alice}),
        lambda: api.v1.payment_methods.attach("pm_card_visa", {"customer": alice}),
    ):
        error = refused(call)
        assert (error.code, error.user_message) == (
            "resource_missing",
            f"No such customer: '{alice}'",
        )
    changes: Any = {"name": "Alice"}
    assert refused(lambda: api.v1.customers.update(alice, changes), 404).code == "resource_missing"


def test_a_payment_is_made_once(api: stripe.StripeClient) -> None:
    intent = api.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    error = refused(lambda: api.v1.payment_intents.confirm(intent.id))
    assert "missing a payment method" in (error.user_message or "")
    card: Any = {"payment_method": "pm_card_visa"}
    assert api.v1.payment_intents.confirm(intent.id, card).status == "succeeded"
    error = refused(lambda: api.v1.payment_intents.confirm(intent.id, card))
    assert error.code == "payment_intent_unexpected_state"
    assert len(api.v1.charges.list({"payment_intent": intent.id}).data) == 1
    more: Any = {"amount": 900}
    error = refused(lambda: api.v1.payment_intents.update(intent.id, more))
    assert error.code == "payment_intent_unexpected_state"


def test_nobody_pays_with_a_card_of_another(api: stripe.StripeClient) -> None:
    alice, bob = member(api), member(api)
    card = api.v1.customers.payment_methods.list(alice).data[0].id
    wanted: Any = {"amount": 500, "currency": "usd", "customer": bob}
    wanted |= {"payment_method": card, "confirm": True}
    error = refused(lambda: api.v1.payment_intents.create(wanted))
    assert "does not belong to the Customer" in (error.user_message or "")


def test_a_lookup_key_names_one_price(api: stripe.StripeClient) -> None:
    first = price_of(api, lookup_key="locker")
    error = refused(lambda: price_of(api, lookup_key="locker"))
    assert error.user_message == f"A price (`{first}`) already uses that lookup key."
    second = price_of(api, lookup_key="locker", transfer_lookup_key=True)
    prices = api.v1.prices.list({"lookup_keys": ["locker"]}).data
    assert [price.id for price in prices] == [second]
    assert api.v1.prices.retrieve(first).lookup_key is None


def test_a_default_price_is_not_archived(api: stripe.StripeClient) -> None:
    error = refused(lambda: api.v1.prices.update(MONTHLY, {"active": False}))
    assert "default price of its product" in (error.user_message or "")
