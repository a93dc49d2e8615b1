"""Whatever an invoice is made of: page, mail, file and evidence add up to what Stripe asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.admin import exports
from billing.disputes import evidence
from billing.disputes.case import gather
from billing.facts import statements
from billing.models import Invoice, Payment
from billing.sync import refresh
from billing.tests import factories, taxed
from billing.tests.life import deliver, sign_up
from billing.tests.taxed import Rows, adds_up, rows_of_mail, rows_of_page
from conftest import Sandbox
from emails import rendering
from emails.models import Message
from testing.thorough import examples

pytestmark = pytest.mark.django_db(transaction=True)

PERCENTAGES = st.decimals(min_value=0, max_value=30, places=3).map(float)
AMOUNTS = exports.INVOICE_COLUMNS[7:18]
RATES = st.lists(st.tuples(PERCENTAGES, st.booleans()), max_size=3)


@dataclass(frozen=True)
class Bill:
    """What an invoice is made of; minor units."""

    items: list[tuple[int, list[tuple[float, bool]]]]
    defaults: list[tuple[float, bool]]
    percent_off: int
    balance: int
    credited: int  # per cent of the total, after payment


BILLS = st.builds(
    Bill,
    items=st.lists(st.tuples(st.integers(100, 99_999), RATES), min_size=1, max_size=4),
    defaults=RATES,
    percent_off=st.sampled_from([0, 0, 15, 33, 100]),
    balance=st.sampled_from([0, 0, -1000, -500_000, 700]),
    credited=st.sampled_from([0, 0, 30, 100]),
)


@pytest.fixture
def payer(sandbox: Sandbox) -> User:
    user = sign_up()
    taxed.make_payer(sandbox, user)
    return user


@settings(
    max_examples=examples(few=3, many=15),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink takes Stripe's part minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bill=BILLS)
def test_every_place_adds_up_to_stripe_s_total(
    sandbox: Sandbox, payer: User, client: Client, bill: Bill
) -> None:
    at_stripe = _make(sandbox, payer, bill)
    invoice = Invoice.objects.get(stripe_id=at_stripe.id)
    assert (invoice.total, invoice.amount_due) == (at_stripe.total, at_stripe.amount_due)
    client.force_login(payer)
    address = reverse("billing:invoice", args=[invoice.pk])
    page = rows_of_page(client.get(address).content.decode())
    _check(page, at_stripe)
    if dict(page).get("Paid"):
        assert dict(page)["Paid"] == at_stripe.amount_paid
    _check_file(invoice, at_stripe)
    _check_mail(invoice, at_stripe)
    _check_evidence(invoice, at_stripe)


def _make(sandbox: Sandbox, payer: User, bill: Bill) -> Any:
    stripe, customer = sandbox.stripe.v1, payer.customers.get().stripe_id
    stripe.customers.update(customer, {"balance": bill.balance})
    params: dict[str, Any] = {}
    if bill.percent_off:
        coupon = stripe.coupons.create({"percent_off": bill.percent_off, "duration": "once"})
        params["discounts"] = [{"coupon": coupon.id}]
    if rates := _rates(sandbox, bill.defaults):
        params["default_tax_rates"] = rates
    items = [{"amount": one, "tax_rates": _rates(sandbox, rates)} for one, rates in bill.items]
    made = taxed.bill(sandbox, customer, items, **params)
    if stripe.invoices.retrieve(made).status == "open":
        stripe.invoices.pay(made)
    amount = stripe.invoices.retrieve(made).total * bill.credited // 100
    if amount:
        note: Any = {"invoice": made, "amount": amount, "credit_amount": amount}
        stripe.credit_notes.create(note)
    refresh.sync_invoice(made)
    deliver([])
    return stripe.invoices.retrieve(made)


def _rates(sandbox: Sandbox, rates: list[tuple[float, bool]]) -> list[str]:
    return [taxed.make_rate(sandbox, percentage, inclusive=inside) for percentage, inside in rates]


def _check(rows: Rows, at_stripe: Any) -> None:
    """Lines, discount and tax make the total; what is included is Stripe's inclusive tax."""
    assert adds_up(rows, "Total")
    assert dict(rows)["Total"] == at_stripe.total
    inside = sum(one.amount for one in at_stripe.total_taxes if one.tax_behavior == "inclusive")
    assert sum(amount for name, amount in rows if name.startswith("Includes")) == inside


def _check_file(invoice: Invoice, at_stripe: Any) -> None:
    [row] = exports.invoices(Invoice.objects.filter(pk=invoice.pk))
    cells: dict[str, Any] = dict(zip(exports.INVOICE_COLUMNS, row, strict=True))
    amounts = {name: cells[name].amount for name in AMOUNTS}
    assert amounts["Subtotal"] + amounts["Discount"] + amounts["Tax added"] == at_stripe.total
    due = amounts["Total"] + amounts["From balance"] + amounts["Credit notes before payment"]
    assert due == amounts["Due"] == at_stripe.amount_due
    tax = sum(one.amount for one in at_stripe.total_taxes)
    assert amounts["Tax added"] + amounts["Tax included"] == tax
    assert at_stripe.total - tax == at_stripe.total_excluding_tax


def _check_mail(invoice: Invoice, at_stripe: Any) -> None:
    if not at_stripe.amount_paid:
        return
    mail = Message.objects.get(cause=invoice.stripe_id, channel="email")
    rows = rows_of_mail(rendering.render_email(mail).text)
    assert adds_up(rows, "Paid")
    assert dict(rows)["Paid"] == at_stripe.amount_paid
    inside = sum(one.amount for one in at_stripe.total_taxes if one.tax_behavior == "inclusive")
    assert sum(amount for name, amount in rows if name.startswith("Includes")) == inside
    paid = statements.paid(invoice.payments.get(), {})
    assert paid.amount == at_stripe.amount_paid
    assert 0 <= paid.tax <= sum(one.amount for one in at_stripe.total_taxes)


def _check_evidence(invoice: Invoice, at_stripe: Any) -> None:
    payment: Payment | None = invoice.payments.first()
    if payment is None:
        return
    case = gather(factories.make_dispute(payment))
    rows = [(name, taxed.minor(amount)) for name, amount in evidence.content(case)["lines"]]
    _check(rows, at_stripe)
