"""Coupons and promotion codes: who may redeem them, what they take off, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, Server, event_types, open_session, subscribe


def coupon(api: stripe.StripeClient, **params: Any) -> stripe.Coupon:
    defaults: Any = {"percent_off": 50, "duration": "once"}
    wanted: Any = params if "amount_off" in params else defaults | params
    return api.v1.coupons.create(wanted)


def code_for(api: stripe.StripeClient, coupon_id: str, **params: Any) -> stripe.PromotionCode:
    wanted: Any = {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": "SPRING"}
    return api.v1.promotion_codes.create(wanted | params)


def paid(invoices: list[stripe.Invoice]) -> list[int]:
    """What each invoice cost, oldest first."""
    return [invoice.amount_paid for invoice in reversed(invoices)]


def test_a_code_on_the_checkout_page_makes_the_first_invoice_cheaper(
    server: Server, api: stripe.StripeClient
) -> None:
    code_for(api, coupon(api).id)
    alice = subscribe(server, api, allow_promotion_codes=True, promotion_code="spring")
    server.advance("renewal")
    assert paid(alice.invoices) == [1450, 2900]
    first = alice.invoices[1]
    assert first.total_discount_amounts
    assert (first.subtotal, first.total_discount_amounts[0].amount) == (2900, 1450)
    assert alice.subscription.discounts == []
    types = event_types(api)
    assert "customer.discount.created" in types
    assert "customer.discount.deleted" in types


def test_a_session_shows_its_discount(server: Server, api: stripe.StripeClient) -> None:
    half = coupon(api)
    session = open_session(api, customer_email="alice@example.com", discounts=[{"coupon": half.id}])
    assert (session.amount_subtotal, session.amount_total) == (2900, 1450)
    assert session.total_details
    assert session.total_details.amount_discount == 1450
    assert session.discounts
    assert session.discounts[0].coupon == half.id


@pytest.mark.parametrize(
    ("duration", "months", "costs"),
    [("repeating", 2, [1900, 1900, 2900]), ("forever", None, [1900, 1900, 1900])],
)
def test_a_coupon_lasts_as_long_as_it_says(
    server: Server, api: stripe.StripeClient, duration: str, months: int | None, costs: list[int]
) -> None:
    wanted: dict[str, Any] = {"amount_off": 1000, "currency": "usd", "duration": duration}
    if months:
        wanted["duration_in_months"] = months
    ten = coupon(api, **wanted)
    alice = subscribe(server, api, discounts=[{"coupon": ten.id}])
    server.advance("renewal")
    server.advance("renewal")
    assert paid(alice.invoices) == costs


def test_staying_is_rewarded_with_a_coupon(server: Server, api: stripe.StripeClient) -> None:
    alice = subscribe(server, api)
    changed = api.v1.subscriptions.update(
        alice.subscription.id,
        {"discounts": [{"coupon": coupon(api).id}], "expand": ["discounts"]},
    )
    assert isinstance(changed.discounts[0], stripe.Discount)
    preview = api.v1.invoices.create_preview({"subscription": changed.id})
    assert preview.amount_due == 1450
    cleared = api.v1.subscriptions.update(changed.id, {"discounts": ""})
    assert cleared.discounts == []


def test_a_free_purchase_needs_no_payment(server: Server, api: stripe.StripeClient) -> None:
    free = coupon(api, percent_off=100)
    alice = subscribe(server, api, discounts=[{"coupon": free.id}])
    assert (alice.invoices[0].status, alice.invoices[0].amount_due) == ("paid", 0)
    session = open_session(
        api,
        mode="payment",
        customer=alice.id,
        line_items=[
            {
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 500,
                    "product_data": {"name": "Workshop"},
                },
                "quantity": 1,
            }
        ],
        discounts=[{"coupon": free.id}],
    )
    done = server.pay(session.id)
    assert (done["payment_status"], done["payment_intent"]) == ("no_payment_required", None)


def test_codes_that_nobody_may_use(server: Server, api: stripe.StripeClient) -> None:
    session = open_session(api, customer_email="alice@example.com", allow_promotion_codes=True)
    page = server.http.post(f"/checkout/{session.id}/code", data={"promotion_code": "SPRING"})
    assert page.status_code == 400
    assert "This code is invalid" in page.text
    code = code_for(api, coupon(api).id, max_redemptions=1)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        code_for(api, coupon(api).id)
    subscribe(server, api, discounts=[{"promotion_code": code.id}])
    assert not api.v1.promotion_codes.retrieve(code.id).active
    with pytest.raises(stripe.InvalidRequestError, match="cannot be redeemed"):
        open_session(api, customer_email="bob@example.com", discounts=[{"promotion_code": code.id}])


def test_a_code_for_new_members_only(server: Server, api: stripe.StripeClient) -> None:
    code = code_for(api, coupon(api).id, restrictions={"first_time_transaction": True})
    alice = subscribe(server, api)
    with pytest.raises(stripe.InvalidRequestError, match="prior transactions"):
        open_session(api, customer=alice.id, discounts=[{"promotion_code": code.id}])


def test_the_page_takes_a_code_and_gives_it_back(server: Server, api: stripe.StripeClient) -> None:
    code_for(api, coupon(api).id)
    session = open_session(api, customer_email="alice@example.com", allow_promotion_codes=True)
    address = f"/checkout/{session.id}"
    assert "SPRING" in server.http.get(address).text
    server.http.post(f"{address}/code", data={"promotion_code": "SPRING"})
    page = server.http.get(address).text
    assert "SPRING" in page
    assert "$14.50" in page
    server.http.post(f"{address}/code", data={"remove": "1"})
    assert api.v1.checkout.sessions.retrieve(session.id).amount_total == 2900


def test_coupons_are_listed_renamed_and_deleted(api: stripe.StripeClient) -> None:
    made = coupon(api, id="HALF")
    assert api.v1.coupons.update("HALF", {"name": "Half price"}).name == "Half price"
    assert [one.id for one in api.v1.coupons.list().data] == [made.id]
    api.v1.coupons.delete("HALF")
    assert api.v1.coupons.list().data == []
    customer = api.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        api.v1.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": MONTHLY}],
                "discounts": [{"coupon": "HALF"}],
            }
        )
