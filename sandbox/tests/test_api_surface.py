"""What public tools send to Stripe's test mode, beyond the portal's needs."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import Server, subscribe


@pytest.fixture
def customer(api: stripe.StripeClient) -> str:
    return api.v1.customers.create({"email": "nina@example.com", "name": "Nina Novak"}).id


def test_a_payment_method_is_made_of_a_token_or_a_number(
    api: stripe.StripeClient, customer: str
) -> None:
    by_token = api.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    card: Any = {"number": "5555555555554444", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    by_number = api.v1.payment_methods.create({"type": "card", "card": card})
    assert by_token.card
    assert by_number.card
    assert (by_token.card.last4, by_number.card.brand) == ("4242", "mastercard")
    api.v1.payment_methods.attach(by_number.id, {"customer": customer})
    bank: Any = {
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "individual",
            "account_number": "000123456789",
            "routing_number": "110000000",
        },
    }
    assert api.v1.payment_methods.create(bank).type == "us_bank_account"


@pytest.mark.parametrize(
    ("params", "error", "param"),
    [
        ({"type": "card"}, stripe.InvalidRequestError, "card"),
        ({"type": "card", "card": {"token": "tok_of_nobody"}}, stripe.InvalidRequestError, ""),
        ({"type": "sepa_debit"}, stripe.InvalidRequestError, "sepa_debit"),
        (
            {"type": "card", "card": {"number": "4242424242424242", "exp_month": 13}},
            stripe.InvalidRequestError,
            "card[exp_year]",
        ),
        (
            {
                "type": "card",
                "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2020},
            },
            stripe.CardError,
            "exp_year",
        ),
    ],
)
def test_a_wrong_payment_method_is_refused(
    api: stripe.StripeClient, params: Any, error: type[stripe.StripeError], param: str
) -> None:
    with pytest.raises(error) as refused:
        api.v1.payment_methods.create(params)
    if param:
        assert getattr(refused.value, "param", "") == param


def test_an_amount_is_held_and_captured_in_part(api: stripe.StripeClient, customer: str) -> None:
    held = api.v1.payment_intents.create(
        {
            "amount": 5000,
            "currency": "usd",
            "customer": customer,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
            "shipping": {"name": "Nina", "address": {"line1": "1 Quay", "country": "US"}},
        }
    )
    assert (held.status, held.amount_capturable, held.amount_received) == (
        "requires_capture",
        5000,
        0,
    )
    taken = api.v1.payment_intents.capture(held.id, {"amount_to_capture": 3000})
    assert (taken.status, taken.amount_received) == ("succeeded", 3000)
    charge = api.v1.charges.retrieve(str(taken.latest_charge))
    assert (charge.amount_captured, charge.amount_refunded) == (3000, 2000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payment_intents.capture(held.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_a_held_amount_can_be_let_go(api: stripe.StripeClient) -> None:
    held = api.v1.payment_intents.create(
        {
            "amount": 5000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
        }
    )
    assert api.v1.payment_intents.cancel(held.id).status == "canceled"
    assert api.v1.charges.retrieve(str(held.latest_charge)).refunded


def test_a_card_is_kept_without_a_charge(api: stripe.StripeClient, customer: str) -> None:
    made = api.v1.setup_intents.create({"customer": customer, "usage": "off_session"})
    assert made.status == "requires_payment_method"
    done = api.v1.setup_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert done.status == "succeeded"
    [kept] = api.v1.customers.payment_methods.list(customer).data
    assert kept.id == done.payment_method
    with pytest.raises(stripe.CardError):
        api.v1.setup_intents.create(
            {
                "customer": customer,
                "payment_method": "pm_card_chargeDeclined",
                "confirm": True,
            }
        )
    failed = api.v1.setup_intents.list({"customer": customer}).data[0]
    assert failed.last_setup_error
    assert failed.last_setup_error.code == "card_declined"
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.setup_intents.cancel(done.id)


def test_what_came_in_is_pending_then_available_then_paid_out(
    server: Server, api: stripe.StripeClient
) -> None:
    subscribe(server, api)
    before = api.v1.balance.retrieve()
    assert before.pending[0].amount > 0
    server.post("clock", advance_seconds=3 * 86_400)
    now = api.v1.balance.retrieve()
    assert now.pending[0].amount == 0
    assert now.available[0].amount == before.available[0].amount + before.pending[0].amount
    whole = now.available[0].amount
    payout = api.v1.payouts.create({"amount": whole, "currency": "usd"})
    assert payout.status == "pending"
    assert api.v1.balance.retrieve().available[0].amount == 0
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.payouts.create({"amount": 100, "currency": "usd"})
    assert refused.value.code == "balance_insufficient"
    server.post("clock", advance_seconds=3 * 86_400)
    [paid] = api.v1.payouts.list({"status": "paid"}).data
    assert paid.id == payout.id
    booked = api.v1.balance_transactions.list({"type": "payout"}).data
    assert [one.net for one in booked] == [-whole]


def test_objects_are_searched_by_stripes_language(api: stripe.StripeClient, customer: str) -> None:
    other = api.v1.customers.create({"email": "bob@example.com", "metadata": {"portal_user": "7"}})

    def found(query: str) -> list[str]:
        return [one.id for one in api.v1.customers.search({"query": query}).data]

    assert found("email:'nina@example.com'") == [customer]
    assert found("name~'nov'") == [customer]
    assert found("metadata['portal_user']:'7'") == [other.id]
    assert found("email:'nina@example.com' OR email:'bob@example.com'") == [other.id, customer]
    assert found("-email:'nina@example.com'") == [other.id]
    assert found("created>0 AND email:'bob@example.com'") == [other.id]
    first = api.v1.customers.search({"query": "created>0", "limit": 1})
    second = api.v1.customers.search({"query": "created>0", "limit": 1, "page": first.next_page})
    assert [first.data[0].id, second.data[0].id] == [other.id, customer]
    assert not second.has_more
    for wrong in ("colour:'red'", "email", "email:'a' AND name:'b' OR name:'c'", "created>'soon'"):
        with pytest.raises(stripe.InvalidRequestError):
            found(wrong)


def test_items_of_a_subscription_are_read_and_changed(
    server: Server, api: stripe.StripeClient
) -> None:
    subscribe(server, api)
    [subscription] = api.v1.subscriptions.list({}).data
    [item] = api.v1.subscription_items.list({"subscription": subscription.id}).data
    assert api.v1.subscription_items.retrieve(item.id).id == item.id
    changed = api.v1.subscription_items.update(
        item.id, {"quantity": 2, "proration_behavior": "none"}
    )
    assert changed.quantity == 2
    assert api.v1.subscription_schedules.list({}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.subscription_items.retrieve("si_of_nobody")


def test_an_item_is_added_and_taken_away(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    [subscription] = api.v1.subscriptions.list({}).data
    [item] = api.v1.subscription_items.list({"subscription": subscription.id}).data
    price = api.v1.prices.create(
        {
            "currency": "usd",
            "product_data": {"name": "Towels"},
            "recurring": {"interval": "month"},
            "unit_amount": 500,
        }
    )
    added = api.v1.subscription_items.create(
        {"subscription": subscription.id, "price": price.id, "quantity": 2}
    )
    assert (added.price.id, added.quantity) == (price.id, 2)
    assert added.current_period_end == item.current_period_end
    shown = api.v1.subscriptions.retrieve(subscription.id)
    assert [one.id for one in shown["items"].data] == [item.id, added.id]
    assert shown["items"].total_count == 2
    [waiting] = api.v1.invoice_items.list({"pending": True}).data
    assert 0 < waiting.amount <= 1000
    with pytest.raises(stripe.InvalidRequestError, match="already using that Price"):
        api.v1.subscription_items.create({"subscription": subscription.id, "price": price.id})

    gone = api.v1.subscription_items.delete(added.id)
    assert (gone.id, gone.deleted) == (added.id, True)
    back = [one.amount for one in api.v1.invoice_items.list({"pending": True}).data]
    assert sum(back) == 0
    with pytest.raises(stripe.InvalidRequestError, match="at least one active plan"):
        api.v1.subscription_items.delete(item.id)


def test_a_subscription_takes_and_drops_items_in_one_change(
    server: Server, api: stripe.StripeClient
) -> None:
    """Without an id an item is new; another price of another period is refused with it."""
    subscribe(server, api)
    [subscription] = api.v1.subscriptions.list({}).data
    [item] = subscription["items"].data
    monthly, yearly = (
        api.v1.prices.create(
            {
                "currency": "usd",
                "product_data": {"name": "Locker"},
                "recurring": {"interval": interval},
                "unit_amount": 900,
            }
        )
        for interval in ("month", "year")
    )
    with pytest.raises(stripe.InvalidRequestError, match=r"same `recurring.interval`"):
        api.v1.subscriptions.update(subscription.id, {"items": [{"price": yearly.id}]})
    changed = api.v1.subscriptions.update(
        subscription.id,
        {
            "items": [{"price": monthly.id}, {"id": item.id, "deleted": True}],
            "proration_behavior": "none",
        },
    )
    assert [one.price.id for one in changed["items"].data] == [monthly.id]
    assert not api.v1.invoice_items.list({"pending": True}).data


def test_a_test_clock_moves_the_sandboxs_clock(server: Server, api: stripe.StripeClient) -> None:
    subscribe(server, api)
    now = int(time.time())
    clock = api.v1.test_helpers.test_clocks.create({"frozen_time": now, "name": "A year"})
    moving = api.v1.test_helpers.test_clocks.advance(
        clock.id, {"frozen_time": clock.frozen_time + 40 * 86_400}
    )
    assert moving.status == "advancing"
    deadline = time.monotonic() + 20
    while api.v1.test_helpers.test_clocks.retrieve(clock.id).status != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(api.v1.invoices.list({}).data) == 2, "The renewal of the month is there."
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now})
    assert api.v1.test_helpers.test_clocks.delete(clock.id).deleted
