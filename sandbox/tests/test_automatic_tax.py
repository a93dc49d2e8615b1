"""Stripe Tax: locations, refusals, and Checkout that asks for address and tax ID."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, YEARLY, Server, event_types, open_session
from sandbox.tests.test_invoicing import customer_with_card
from sandbox.tests.test_taxes import subscribed, taxed

NEW_YORK: Any = {"country": "US", "postal_code": "10001"}
BERLIN: Any = {"country": "DE", "postal_code": "10115", "city": "Berlin", "line1": "Hauptstr. 1"}
AUTOMATIC: Any = {"automatic_tax": {"enabled": True}}
UPDATES: Any = {"customer_update": {"address": "auto", "name": "auto"}}


@pytest.fixture
def price(api: stripe.StripeClient) -> str:
    """The monthly price, which does not include tax."""
    return api.v1.prices.update(MONTHLY, {"tax_behavior": "exclusive"}).id


def placed(api: stripe.StripeClient, address: Any) -> str:
    bob = customer_with_card(api)
    api.v1.customers.update(bob, {"address": address})
    return bob


def status_of(api: stripe.StripeClient, customer: str) -> tuple[str, str | None]:
    tax = api.v1.customers.retrieve(customer, {"expand": ["tax"]}).tax
    assert tax
    return tax.automatic_tax, tax.location.state if tax.location else None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (NEW_YORK, ("supported", "NY")),
        ({"country": "US", "state": "NY"}, ("unrecognized_location", None)),
        ({"country": "US", "postal_code": "97712"}, ("not_collecting", "OR")),
        ({"country": "CA", "postal_code": "H2X 1Y4"}, ("supported", "QC")),
        ({"country": "DE"}, ("supported", None)),
        ({"country": "Germany"}, ("unrecognized_location", None)),
        ({"country": "KE"}, ("not_collecting", None)),
    ],
)
def test_who_can_be_placed(
    api: stripe.StripeClient, address: Any, expected: tuple[str, str | None]
) -> None:
    assert status_of(api, placed(api, address)) == expected


def test_a_customer_s_address_may_have_to_be_one(api: stripe.StripeClient) -> None:
    wanted: Any = {"address": {"country": "US"}, "tax": {"validate_location": "immediately"}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.create(wanted)
    assert caught.value.code == "customer_tax_location_invalid"
    assert api.v1.customers.list().data == []


def test_tax_is_reckoned_by_place(api: stripe.StripeClient, price: str) -> None:
    invoice = subscribed(api, price, customer=placed(api, NEW_YORK), **AUTOMATIC)
    assert (invoice.automatic_tax.status, invoice.total) == ("complete", 3016)
    assert taxed(invoice.total_taxes) == [(116, "exclusive", 2900)]
    assert invoice.total_taxes
    [tax] = invoice.total_taxes
    assert tax.tax_rate_details
    rate = api.v1.tax_rates.retrieve(tax.tax_rate_details.tax_rate)
    assert (rate.display_name, rate.jurisdiction, rate.percentage) == ("Sales Tax", "New York", 4)
    assert (rate.active, rate.rate_type, tax.taxability_reason) == (
        *(False, "percentage"),
        "standard_rated",
    )


def test_a_price_must_say_whether_it_includes_tax(api: stripe.StripeClient) -> None:
    bob = placed(api, BERLIN)
    with pytest.raises(stripe.InvalidRequestError, match="tax_behavior"):
        subscribed(api, customer=bob, **AUTOMATIC)
    api.v1.tax.settings.update({"defaults": {"tax_behavior": "inclusive"}})
    invoice = subscribed(api, customer=bob, **AUTOMATIC)
    assert taxed(invoice.total_taxes) == [(463, "inclusive", 2437)]


def test_nobody_is_taxed_nowhere(api: stripe.StripeClient, price: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribed(api, price, **AUTOMATIC)
    assert caught.value.code == "customer_tax_location_invalid"
    assert "location isn't recognized" in str(caught.value)


def test_without_stripe_tax_there_is_none(
    server: Server, api: stripe.StripeClient, price: str
) -> None:
    server.post("switches", tax_inactive=True)
    assert api.v1.tax.settings.retrieve().status == "pending"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribed(api, price, customer=placed(api, NEW_YORK), **AUTOMATIC)
    assert caught.value.code == "stripe_tax_inactive"


def test_a_business_elsewhere_owes_the_tax_itself(api: stripe.StripeClient, price: str) -> None:
    bob = placed(api, BERLIN)
    made = api.v1.customers.tax_ids.create(bob, {"type": "eu_vat", "value": "DE000000000"})
    assert made.verification
    assert (made.country, made.verification.status) == ("DE", "verified")
    invoice = subscribed(api, price, customer=bob, **AUTOMATIC)
    assert (invoice.total, taxed(invoice.total_taxes)) == (2900, [(0, "exclusive", 0)])
    assert invoice.total_taxes
    assert invoice.total_taxes[0].taxability_reason == "reverse_charge"
    assert [(one.type, one.value) for one in invoice.customer_tax_ids or []] == [
        ("eu_vat", "DE000000000")
    ]


def test_tax_ids_come_and_go(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.tax_ids.create(bob, {"type": "eu_vat", "value": "12"})
    assert caught.value.code == "tax_id_invalid"
    owner: Any = {"type": "customer", "customer": bob}
    made = api.v1.tax_ids.create({"type": "us_ein", "value": "12-3456789", "owner": owner})
    assert [one.id for one in api.v1.customers.tax_ids.list(bob).data] == [made.id]
    shown = api.v1.customers.retrieve(bob, {"expand": ["tax_ids"]})
    assert shown.tax_ids
    assert [one.value for one in shown.tax_ids.data] == ["12-3456789"]
    assert api.v1.customers.tax_ids.delete(bob, made.id).deleted
    assert api.v1.tax_ids.list({"owner": owner}).data == []
    own = api.v1.tax_ids.create({"type": "us_ein", "value": "98-7654321"})
    assert own.owner
    assert own.owner.type == "self"
    assert event_types(api)[-2:] == ["customer.tax_id.created", "customer.tax_id.deleted"]


def test_a_renewal_whose_place_was_lost_goes_on_without_tax(
    server: Server, api: stripe.StripeClient, price: str
) -> None:
    bob = placed(api, NEW_YORK)
    subscribed(api, price, customer=bob, **AUTOMATIC)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.update(bob, {"address": {"country": "US"}})
    assert caught.value.code == "customer_tax_location_invalid"
    api.v1.customers.update(
        bob, {"address": {"country": "US"}, "tax": {"validate_location": "deferred"}}
    )
    preview = api.v1.invoices.create_preview(
        {"subscription": api.v1.subscriptions.list().data[0].id}
    )
    assert (preview.automatic_tax.status, preview.total) == ("requires_location_inputs", 2900)
    server.advance("renewal")
    newest, subscription = api.v1.invoices.list().data[0], api.v1.subscriptions.list().data[0]
    assert (newest.status, newest.total) == ("paid", 2900)
    assert newest.automatic_tax.disabled_reason == "finalization_requires_location_inputs"
    assert subscription.automatic_tax.disabled_reason == "requires_location_inputs"
    assert not subscription.automatic_tax.enabled
    api.v1.customers.update(bob, {"address": NEW_YORK})
    again = api.v1.subscriptions.update(subscription.id, AUTOMATIC)
    assert (again.automatic_tax.enabled, again.automatic_tax.disabled_reason) == (True, None)


def test_an_invoice_made_by_hand_is_refused_without_a_place(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    wanted: Any = {"customer": bob, **AUTOMATIC}
    draft = api.v1.invoices.create(wanted)
    item: Any = {"customer": bob, "amount": 1000, "currency": "usd", "invoice": draft.id}
    item["tax_behavior"] = "inclusive"
    api.v1.invoice_items.create(item)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.invoices.finalize_invoice(draft.id)
    assert caught.value.code == "customer_tax_location_invalid"
    failed = api.v1.invoices.retrieve(draft.id)
    assert failed.last_finalization_error
    assert (failed.status, failed.last_finalization_error.code) == (
        "draft",
        "customer_tax_location_invalid",
    )
    assert "invoice.finalization_failed" in event_types(api)
    api.v1.customers.update(bob, {"address": NEW_YORK})
    assert taxed(api.v1.invoices.finalize_invoice(draft.id).total_taxes) == [(38, "inclusive", 962)]


def test_checkout_needs_a_place_to_save_or_to_read(api: stripe.StripeClient, price: str) -> None:
    bob = customer_with_card(api)
    wanted: Any = {"customer": bob, **AUTOMATIC}
    with pytest.raises(stripe.InvalidRequestError, match="requires a valid address") as caught:
        open_session(api, **wanted)
    assert caught.value.code == "customer_tax_location_invalid"
    with pytest.raises(stripe.InvalidRequestError, match="updating business name"):
        open_session(
            api,
            **wanted,
            customer_update={"address": "auto"},
            tax_id_collection={"enabled": True},
        )
    with pytest.raises(stripe.InvalidRequestError, match="can only be used with `customer`"):
        open_session(api, **UPDATES)
    with pytest.raises(stripe.InvalidRequestError, match="could not find a valid address"):
        open_session(
            api,
            customer=bob,
            customer_update={"name": "auto"},
            tax_id_collection={"enabled": True},
        )
    session = open_session(api, **wanted, **UPDATES)
    assert (session.automatic_tax.status, session.amount_total) == (
        "requires_location_inputs",
        2900,
    )


def test_checkout_asks_reckons_and_saves(
    server: Server, api: stripe.StripeClient, price: str
) -> None:
    bob = customer_with_card(api)
    collection: Any = {"tax_id_collection": {"enabled": True}}
    session = open_session(api, customer=bob, **AUTOMATIC, **UPDATES, **collection)
    refused = server.http.post(f"/_sandbox/checkout/{session.id}/complete", json={})
    assert refused.status_code == 400
    done = server.pay(
        session.id,
        address=BERLIN,
        business_name="Beispiel GmbH",
        tax_id={"type": "eu_vat", "value": "DE123456789"},
    )
    assert done["automatic_tax"]["status"] == "complete"
    assert (done["amount_total"], done["total_details"]["amount_tax"]) == (2900, 0)
    details = done["customer_details"]
    assert (details["business_name"], details["address"]["country"]) == ("Beispiel GmbH", "DE")
    assert details["tax_ids"] == [{"type": "eu_vat", "value": "DE123456789"}]
    customer = api.v1.customers.retrieve(bob)
    assert customer.address
    assert (customer.name, customer.address.city) == ("Beispiel GmbH", "Berlin")
    invoice = api.v1.invoices.list().data[0]
    assert invoice.customer_name == "Beispiel GmbH"
    assert [one.value for one in invoice.customer_tax_ids or []] == ["DE123456789"]
    assert invoice.total_taxes
    assert invoice.total_taxes[0].taxability_reason == "reverse_charge"
    assert api.v1.subscriptions.list().data[0].automatic_tax.enabled


def test_a_single_payment_with_tax(server: Server, api: stripe.StripeClient) -> None:
    line: Any = {
        "quantity": 1,
        "price_data": {
            "currency": "usd",
            "unit_amount": 4000,
            "product_data": {"name": "Workshop", "tax_code": "txcd_20030000"},
            "tax_behavior": "exclusive",
        },
    }
    session = open_session(
        api,
        mode="payment",
        line_items=[line],
        customer=placed(api, NEW_YORK),
        **AUTOMATIC,
        **UPDATES,
    )
    assert session.total_details
    assert (session.amount_subtotal, session.amount_total) == (4000, 4160)
    assert session.total_details.amount_tax == 160
    done = server.pay(session.id)
    intent = api.v1.payment_intents.retrieve(done["payment_intent"])
    assert (intent.amount_received, done["automatic_tax"]["status"]) == (4160, "complete")
    [item] = api.v1.checkout.sessions.line_items.list(session.id).data
    assert (item.amount_subtotal, item.amount_tax, item.amount_total) == (4000, 160, 4160)


def test_checkout_with_tax_rates(server: Server, api: stripe.StripeClient) -> None:
    wanted: Any = {"display_name": "VAT", "inclusive": True, "percentage": 19}
    rate = api.v1.tax_rates.create(wanted).id
    session = open_session(api, line_items=[{"price": MONTHLY, "quantity": 1, "tax_rates": [rate]}])
    assert session.total_details
    assert (session.amount_total, session.total_details.amount_tax) == (2900, 463)
    server.pay(session.id, email="carol@example.com")
    invoice = api.v1.invoices.list().data[0]
    assert taxed(invoice.total_taxes) == [(463, "inclusive", 2437)]
    with pytest.raises(stripe.InvalidRequestError):
        open_session(
            api,
            line_items=[{"price": MONTHLY, "quantity": 1, "tax_rates": [rate]}],
            **AUTOMATIC,
        )


def test_a_switch_needs_a_place_too(server: Server, api: stripe.StripeClient, price: str) -> None:
    api.v1.prices.update(YEARLY, {"tax_behavior": "exclusive"})
    bob = placed(api, NEW_YORK)
    subscribed(api, price, customer=bob, **AUTOMATIC)
    api.v1.customers.update(bob, {"address": "", "tax": {"validate_location": "deferred"}})
    subscription = api.v1.subscriptions.list().data[0]
    items: Any = [{"id": subscription["items"]["data"][0].id, "price": YEARLY}]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.subscriptions.update(subscription.id, {"items": items})
    assert caught.value.code == "customer_tax_location_invalid"
