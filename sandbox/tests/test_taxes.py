"""Tax rates: their amounts on subscriptions, invoices, and credit notes."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.conftest import MONTHLY, YEARLY, Server, event_types
from sandbox.tests.test_invoicing import customer_with_card


def vat(api: stripe.StripeClient, percentage: float = 19, **params: Any) -> str:
    wanted: Any = {
        "display_name": "VAT",
        "inclusive": True,
        "percentage": percentage,
        "country": "DE",
        "jurisdiction": "Germany",
        "tax_type": "vat",
        **params,
    }
    return api.v1.tax_rates.create(wanted).id


def subscribed(api: stripe.StripeClient, price: str = MONTHLY, **params: Any) -> stripe.Invoice:
    """The first invoice of somebody who has subscribed with these tax rates."""
    bob = params.pop("customer", None) or customer_with_card(api)
    item = {"price": price, **params.pop("item", {})}
    wanted: Any = {"customer": bob, "items": [item], **params}
    made = api.v1.subscriptions.create(wanted)
    assert isinstance(made.latest_invoice, str)
    return api.v1.invoices.retrieve(made.latest_invoice)


def taxed(entries: Any) -> list[tuple[int, str, int]]:
    return [(one.amount, one.tax_behavior, one.taxable_amount) for one in entries]


def sums(invoice: stripe.Invoice) -> tuple[int, int, int | None, int | None]:
    return (
        invoice.subtotal,
        invoice.total,
        invoice.subtotal_excluding_tax,
        invoice.total_excluding_tax,
    )


def test_a_rate_is_made_listed_and_renamed(api: stripe.StripeClient) -> None:
    rate = api.v1.tax_rates.retrieve(vat(api, 8.875, inclusive=False))
    assert (rate.percentage, rate.inclusive, rate.active) == (8.875, False, True)
    renamed = api.v1.tax_rates.update(rate.id, {"display_name": "Sales tax", "active": False})
    assert (renamed.display_name, renamed.active) == ("Sales tax", False)
    assert [one.id for one in api.v1.tax_rates.list({"active": False}).data] == [rate.id]
    assert api.v1.tax_rates.list({"inclusive": True}).data == []
    assert event_types(api)[-2:] == ["tax_rate.created", "tax_rate.updated"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"percentage": 101}, "percentage"),
        ({"percentage": 8.87501}, "percentage"),
        ({"country": "Germany"}, "country"),
    ],
)
def test_a_rate_that_can_not_be(api: stripe.StripeClient, params: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        vat(api, **params)
    assert caught.value.param == param


def test_an_inclusive_tax_is_a_part_of_the_total(api: stripe.StripeClient) -> None:
    invoice = subscribed(api, default_tax_rates=[vat(api)])
    assert sums(invoice) == (2900, 2900, 2437, 2437)
    assert invoice.amount_paid == 2900
    assert taxed(invoice.total_taxes) == [(463, "inclusive", 2437)]
    assert taxed(invoice.lines.data[0].taxes) == [(463, "inclusive", 2437)]
    assert [rate.display_name for rate in invoice.default_tax_rates] == ["VAT"]


def test_an_exclusive_tax_comes_on_top(api: stripe.StripeClient) -> None:
    invoice = subscribed(api, item={"tax_rates": [vat(api, 8.875, inclusive=False)]})
    assert sums(invoice) == (2900, 3157, 2900, 2900)
    assert invoice.amount_paid == 3157
    assert taxed(invoice.total_taxes) == [(257, "exclusive", 2900)]


def test_an_item_s_own_rates_take_the_place_of_the_others(api: stripe.StripeClient) -> None:
    own = vat(api, 10, inclusive=False)
    invoice = subscribed(api, item={"tax_rates": [own]}, default_tax_rates=[vat(api)])
    assert taxed(invoice.total_taxes) == [(290, "exclusive", 2900)]


def test_several_rates_on_one_line(api: stripe.StripeClient) -> None:
    """Canada's 5% and 9.975% on top, and a fee that is inside the price."""
    rates = [
        vat(api, 5, inclusive=False),
        vat(api, 9.975, inclusive=False),
        vat(api, 2),
    ]
    invoice = subscribed(api, default_tax_rates=rates)
    assert taxed(invoice.total_taxes) == [
        (142, "exclusive", 2843),
        (284, "exclusive", 2843),
        (57, "inclusive", 2843),
    ]
    assert sums(invoice) == (2900, 3326, 2843, 2843)


def test_tax_counts_after_the_discount(api: stripe.StripeClient) -> None:
    coupon = api.v1.coupons.create({"percent_off": 50, "duration": "once"})
    rate = vat(api, 10, inclusive=False)
    invoice = subscribed(api, default_tax_rates=[rate], discounts=[{"coupon": coupon.id}])
    assert sums(invoice) == (2900, 1595, 2900, 1450)


@pytest.mark.parametrize(
    ("status", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")]
)
def test_who_owes_no_tax(api: stripe.StripeClient, status: Any, reason: str) -> None:
    bob = customer_with_card(api)
    api.v1.customers.update(bob, {"tax_exempt": status})
    invoice = subscribed(api, customer=bob, default_tax_rates=[vat(api, inclusive=False)])
    assert invoice.customer_tax_exempt == status
    assert (invoice.total, taxed(invoice.total_taxes)) == (2900, [(0, "exclusive", 0)])
    assert invoice.total_taxes
    assert invoice.total_taxes[0].taxability_reason == reason


def test_a_rate_and_a_price_that_contradict_each_other(api: stripe.StripeClient) -> None:
    price = api.v1.prices.update(MONTHLY, {"tax_behavior": "exclusive"})
    with pytest.raises(stripe.InvalidRequestError, match="conflicts with the tax rates"):
        subscribed(api, price.id, default_tax_rates=[vat(api)])


def test_an_archived_rate_stays_where_it_is_and_goes_nowhere_else(
    server: Server, api: stripe.StripeClient
) -> None:
    rate = vat(api)
    subscribed(api, default_tax_rates=[rate])
    api.v1.tax_rates.update(rate, {"active": False, "display_name": "Old VAT"})
    server.advance("renewal")
    newest = api.v1.invoices.list().data[0]
    assert taxed(newest.total_taxes) == [(463, "inclusive", 2437)]
    assert newest.default_tax_rates[0].display_name == "Old VAT"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        subscribed(api, default_tax_rates=[rate])
    assert caught.value.param == "default_tax_rates[0]"


def test_a_switch_credits_and_charges_tax(server: Server, api: stripe.StripeClient) -> None:
    subscribed(api, default_tax_rates=[vat(api, 10, inclusive=False)])
    server.advance_days(15)
    subscription = api.v1.subscriptions.list().data[0]
    wanted: Any = {
        "items": [{"id": subscription["items"]["data"][0].id, "price": YEARLY}],
        "proration_date": server.get("clock")["now"],
    }
    details = {**wanted, "proration_behavior": "always_invoice"}
    asked: Any = {"subscription": subscription.id, "subscription_details": details}
    shown = api.v1.invoices.create_preview(asked)
    api.v1.subscriptions.update(subscription.id, wanted)
    made = api.v1.invoices.list().data[0]
    assert (made.total, made.amount_paid) == (shown.total, shown.amount_due)
    credit, year = made.lines.data
    assert credit.amount < 0
    assert credit.taxes
    assert credit.taxes[0].amount == round(credit.amount / 10)
    assert made.total == credit.amount + credit.taxes[0].amount + 29000 + 2900
    assert year.amount == 29000


def test_items_and_invoices_made_by_hand(api: stripe.StripeClient) -> None:
    bob = customer_with_card(api)
    wanted: Any = {"customer": bob, "amount": 484, "currency": "usd"}
    rate = vat(api, 15, inclusive=False)
    draft = api.v1.invoices.create({"customer": bob, "default_tax_rates": [rate]})
    own = {"amount": 1190, "tax_rates": [vat(api)]}
    for terms in ({}, {"amount": 43}, own):
        item: Any = {**wanted, **terms, "invoice": draft.id}
        api.v1.invoice_items.create(item)
    invoice = api.v1.invoices.finalize_invoice(draft.id)
    # Rounded on each line: 72.6 and 6.45.
    assert taxed(invoice.total_taxes) == [(79, "exclusive", 527), (190, "inclusive", 1000)]
    assert (invoice.subtotal, invoice.total) == (1717, 1796)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.invoices.update(invoice.id, {"default_tax_rates": [rate]})


def test_a_credit_note_takes_its_share_of_the_tax(api: stripe.StripeClient) -> None:
    invoice = subscribed(api, default_tax_rates=[vat(api, 10, inclusive=False)])
    assert invoice.total == 3190
    half = api.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 1595, "credit_amount": 1595}
    )
    assert (half.amount, half.subtotal, half.total_excluding_tax) == (1595, 1450, 1450)
    assert taxed(half.total_taxes) == [(145, "exclusive", 1450)]
    line: Any = {
        "type": "invoice_line_item",
        "invoice_line_item": invoice.lines.data[0].id,
        "amount": 1000,
    }
    with pytest.raises(stripe.InvalidRequestError, match="must equal the credit note amount"):
        api.v1.credit_notes.create({"invoice": invoice.id, "lines": [line], "refund_amount": 1000})
    note = api.v1.credit_notes.create(
        {"invoice": invoice.id, "lines": [line], "refund_amount": 1100}
    )
    assert (note.amount, taxed(note.total_taxes)) == (1100, [(100, "exclusive", 1000)])
    assert note.lines.data[0].tax_rates[0].display_name == "VAT"


def test_a_credit_note_of_an_inclusive_invoice(api: stripe.StripeClient) -> None:
    invoice = subscribed(api, default_tax_rates=[vat(api)])
    note = api.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 2900, "credit_amount": 2900}
    )
    assert (note.amount, note.subtotal, note.total_excluding_tax) == (2900, 2900, 2437)
    assert taxed(note.total_taxes) == [(463, "inclusive", 2437)]
