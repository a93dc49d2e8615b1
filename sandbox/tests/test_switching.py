"""Switching between monthly and yearly, or to another price with the same interval."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import FAILS_LATER, MONTHLY, YEARLY, Member, Server, subscribe

HALF_MONTH = 15


def change_to(alice: Member, price: str, **params: Any) -> stripe.Subscription:
    wanted: Any = {"items": [_item(alice, price)], **params}
    return alice.api.v1.subscriptions.update(alice.subscription.id, wanted)


def preview(alice: Member, price: str, **details: Any) -> stripe.Invoice:
    wanted: Any = {
        "subscription": alice.subscription.id,
        "subscription_details": {"items": [_item(alice, price)], **details},
    }
    return alice.api.v1.invoices.create_preview(wanted)


def _item(alice: Member, price: str) -> dict[str, str]:
    return {"id": alice.subscription["items"]["data"][0]["id"], "price": price}


def amounts(invoice: stripe.Invoice) -> list[int]:
    return [line.amount for line in invoice.lines.data]


def is_proration(line: stripe.InvoiceLineItem) -> bool:
    details = line.parent and line.parent.subscription_item_details
    return bool(details and details.proration)


def premium(api: stripe.StripeClient) -> str:
    wanted: Any = {
        "product": "prod_membership",
        "currency": "usd",
        "unit_amount": 5900,
        "recurring": {"interval": "month"},
    }
    return api.v1.prices.create(wanted).id


def test_monthly_to_yearly_is_paid_at_once_less_what_is_left(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    server.advance_days(HALF_MONTH)
    at = server.get("clock")["now"]
    shown = preview(alice, YEARLY, proration_date=at)
    changed = change_to(alice, YEARLY, proration_date=at)
    invoice = alice.invoices[0]
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    assert (amounts(shown), shown.amount_due) == (amounts(invoice), invoice.amount_paid)
    credit, year = amounts(invoice)
    # Fifteen days into a month of 28 to 31 days.
    assert -1500 < credit < -1340
    assert year == 29000
    assert [is_proration(line) for line in invoice.lines.data] == [True, False]
    item = changed["items"]["data"][0]
    assert item["price"]["id"] == YEARLY
    assert item["current_period_end"] - item["current_period_start"] >= 365 * 86400


def test_yearly_to_monthly_leaves_a_credit(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, line_items=[{"price": YEARLY, "quantity": 1}])
    server.advance_days(30)
    change_to(alice, MONTHLY)
    invoice = alice.invoices[0]
    assert (invoice.status, invoice.amount_due) == ("paid", 0)
    credit = api.v1.customers.retrieve(alice.id).balance
    assert credit == invoice.total == invoice.ending_balance
    server.advance("renewal")
    assert alice.invoices[0].amount_due == 0
    assert api.v1.customers.retrieve(alice.id).balance == (credit or 0) + 2900


def test_without_proration_the_new_period_costs_all(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api)
    server.advance_days(HALF_MONTH)
    change_to(alice, YEARLY, proration_behavior="none")
    assert amounts(alice.invoices[0]) == [29000]


def test_a_price_of_the_same_interval_waits_for_the_renewal(
    server: Server, api: stripe.StripeClient
) -> None:
    alice, dearer = subscribe(server, api), premium(api)
    server.advance_days(HALF_MONTH)
    shown = preview(alice, dearer)
    change_to(alice, dearer)
    assert len(alice.invoices) == 1
    assert [is_proration(line) for line in shown.lines.data] == [True, True, False]
    server.advance("renewal")
    credit, charge, month = amounts(alice.invoices[0])
    assert credit < 0 < charge < month == 5900


def test_a_price_of_the_same_interval_is_invoiced_at_once(
    server: Server, api: stripe.StripeClient
) -> None:
    alice, dearer = subscribe(server, api), premium(api)
    server.advance_days(HALF_MONTH)
    shown = preview(alice, dearer, proration_behavior="always_invoice")
    change_to(alice, dearer, proration_behavior="always_invoice")
    assert len(shown.lines.data) == len(alice.invoices[0].lines.data) == 2
    assert alice.invoices[0].status == "paid"


def test_on_trial_only_the_price_changes(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api, subscription_data={"trial_period_days": 7})
    changed = change_to(alice, YEARLY)
    assert (changed.status, len(alice.invoices)) == ("trialing", 1)
    server.advance("renewal")
    assert alice.invoices[0].amount_paid == 29000


def test_a_card_that_fails_makes_the_change_past_due_or_refuses_it(
    server: Server, api: stripe.StripeClient
) -> None:
    alice = subscribe(server, api, FAILS_LATER)
    with pytest.raises(stripe.CardError):
        change_to(alice, YEARLY, payment_behavior="error_if_incomplete")
    assert alice.subscription["items"]["data"][0]["price"]["id"] == MONTHLY
    assert change_to(alice, YEARLY).status == "past_due"


def test_only_known_items_and_prices(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    with pytest.raises(stripe.InvalidRequestError, match="No such price"):
        change_to(alice, "price_none")
    with pytest.raises(stripe.InvalidRequestError, match="subscription item"):
        api.v1.subscriptions.update(
            alice.subscription.id, {"items": [{"id": "si_none", "price": YEARLY}]}
        )
