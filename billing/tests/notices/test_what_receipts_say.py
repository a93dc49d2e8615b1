"""Receipts say what paid and what follows; requests to pay say what their amount is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.core.statuses import OUTSIDE, InvoiceStatus
from billing.models import Invoice
from billing.notices import collection, payments
from billing.notices.transitions import InvoicePaid, InvoiceSent
from billing.tests import factories
from billing.tests.life import paid_member
from conftest import Sandbox
from emails import rendering
from emails.catalog import Kind
from emails.models import Channel, Message
from portal.backoffice.message_samples import SAMPLES

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DISCOUNT = {
    "id": "di_1",
    "code": "",
    "percent_off": 10.0,
    "amount_off": None,
    "currency": "",
    "ends_at": None,
    "duration": "once",
}


def facts(kind: Kind) -> dict[str, Any]:
    """Return what the last email of a kind may say."""
    context: dict[str, Any] = Message.objects.filter(kind=kind, channel=Channel.EMAIL)[0].context
    return context


def receipt(invoice: Invoice, *paid: dict[str, Any]) -> dict[str, Any]:
    """Send the receipt of an invoice that some payments paid."""
    rows = [factories.make_payment(invoice=invoice, **fields) for fields in paid]
    payments.invoice_paid(InvoicePaid(invoice=invoice, payments=rows, recovered=False))
    return facts(Kind.PAYMENT_RECEIVED)


def ask(**fields: Any) -> dict[str, Any]:
    """Send an invoice that a member pays themselves."""
    invoice = factories.make_invoice(status=InvoiceStatus.OPEN, **fields)
    collection.announce(InvoiceSent(invoice=invoice, sent_at=NOW))
    return facts(Kind.INVOICE_SENT)


def test_a_receipt_shows_the_cards_brand_and_what_its_statement_says(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    row = Message.objects.get(kind=Kind.JOINED, channel=Channel.EMAIL)
    assert (row.context["method_picture"], row.context["on_statement"]) == ("visa", "SANDBOX")
    mail = rendering.render_email(row)
    assert "/cards/mail/visa" in mail.html
    assert "On your statement: SANDBOX" in mail.text


@pytest.mark.parametrize(
    ("paid", "picture", "name"),
    [
        ([{"statement_descriptor": "YOGA"}], "visa", "YOGA"),
        ([{"card_brand": "newcard"}], "newcard", ""),
        ([{"card_brand": "visa"}, {"card_brand": "amex"}], "", ""),
        ([{"card_brand": OUTSIDE, "statement_descriptor": "YOGA"}], "", ""),
        ([], "", ""),
    ],
)
def test_what_paid_is_said_only_if_it_was_one_method_of_stripes(
    paid: list[dict[str, Any]], picture: str, name: str
) -> None:
    said = receipt(factories.make_invoice(), *paid)
    assert (said["method_picture"], said["on_statement"]) == (picture, name)
    html = rendering.render_email(Message.objects.filter(channel=Channel.EMAIL)[0]).html
    # A brand that we have no picture of gets none.
    assert ("/cards/mail/" in html) == (picture == "visa")


def test_a_receipt_says_what_comes_after_a_discount_for_one_payment() -> None:
    row = factories.make_subscription(next_charge=2900)
    said = receipt(factories.make_invoice(row.customer, subscription=row, discount=500), {})
    assert said["full_price"] == "$29.00"
    text = rendering.render_text(Message.objects.filter(channel=Channel.EMAIL)[0])
    assert "The discount was for this payment. The next one is $29.00 on" in text


@pytest.mark.parametrize(
    ("subscription", "invoice"),
    [
        ({}, {"discount": 0}),
        # It goes on, or wasn't read since; the period is over; nothing is charged next.
        ({"discounts": [DISCOUNT]}, {}),
        ({"current_period_end": NOW - timedelta(minutes=1)}, {}),
        ({"cancel_at_period_end": True}, {}),
    ],
)
def test_no_next_price_is_said_that_may_be_wrong(
    subscription: dict[str, Any], invoice: dict[str, Any]
) -> None:
    row = factories.make_subscription(next_charge=2900, **subscription)
    said = receipt(
        factories.make_invoice(row.customer, subscription=row, **{"discount": 500} | invoice), {}
    )
    assert said["full_price"] == ""


def test_a_request_to_pay_says_what_the_amount_is_made_of() -> None:
    line = {"description": "Workshop", "amount": 4000, "quantity": 1}
    said = ask(
        lines=[line, {**line, "description": "Mat", "amount": 2500}],
        total=5850,
        discount=650,
        starting_balance=-850,
        ending_balance=0,
        amount_paid=1000,
        amount_remaining=4000,
    )
    assert [one["description"] for one in said["lines"]] == ["Workshop", "Mat"]
    assert (said["discount"], said["paid"], said["amount"]) == ("−$6.50", "−$10.00", "$40.00")
    assert said["credits"] == [{"description": "Credit applied", "amount": "−$8.50"}]
    text = rendering.render_text(Message.objects.filter(channel=Channel.EMAIL)[0])
    assert "Workshop: $40.00\nMat: $25.00\nDiscount: −$6.50\nCredit applied: −$8.50\n" in text
    assert "Already paid: −$10.00\nTo pay: $40.00\n" in text
    assert "Amount:" not in text


def test_a_request_for_one_amount_says_it_once() -> None:
    said = ask()
    assert said["lines"] == []
    text = rendering.render_text(Message.objects.filter(channel=Channel.EMAIL)[0])
    assert "Amount: $29.00\nFor: " in text
    assert "To pay" not in text


@pytest.mark.parametrize("kind", [Kind.PAYMENT_RECEIVED, Kind.INVOICE_SENT, Kind.WELCOME])
def test_what_was_written_before_these_facts_still_goes_out(kind: Kind) -> None:
    later = {"method_picture", "on_statement", "full_price", "full_price_on", "next_charge", "paid"}
    if kind == Kind.INVOICE_SENT:
        later |= {"lines", "taxes", "taxes_included", "tax_note", "discount", "credits"}
    context = {name: fact for name, fact in SAMPLES[kind].items() if name not in later}
    assert rendering.render_email(Message(kind=kind, channel=Channel.EMAIL, context=context)).html
