"""Tax added to prices and included in them: the same figures on page, mail, PDF, and file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.admin import exports
from billing.disputes import evidence, evidence_files
from billing.disputes.case import gather
from billing.facts import statements
from billing.models import Invoice, Payment, Subscription, TaxRate
from billing.tests import factories, taxed
from billing.tests.life import deliver, sign_up
from billing.tests.staff_world import superuser
from billing.tests.taxed import make_rate, rows_of_mail, rows_of_page, subscribe
from common import spreadsheets
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


def page_of(client: Client, invoice: Invoice) -> str:
    client.force_login(invoice.customer.user)
    return str(client.get(reverse("billing:invoice", args=[invoice.pk])).content.decode())


def receipt() -> str:
    message = Message.objects.filter(
        kind__in=["joined", "payment_received"], channel="email"
    ).latest("pk")
    return rendering.render_email(message).text


def exported(invoice: Invoice) -> dict[str, str]:
    [row] = exports.invoices(Invoice.objects.filter(pk=invoice.pk))
    cells = (spreadsheets.as_text(one, UTC) for one in row)
    return dict(zip(exports.INVOICE_COLUMNS, cells, strict=True))


@pytest.mark.slow
def test_inclusive_tax_reads_as_included(sandbox: Sandbox, client: Client) -> None:
    alice = subscribe(sandbox, make_rate(sandbox, 19))
    invoice = Invoice.objects.get()
    assert (invoice.total, invoice.tax, invoice.tax_included, invoice.tax_added) == (
        *(2900, 463, 463),
        0,
    )
    page = rows_of_page(page_of(client, invoice))
    assert page[1:] == [("Total", 2900), ("Includes VAT (19%)", 463)]
    assert taxed.adds_up(page, "Total")
    mail = rows_of_mail(receipt())
    assert mail[1:] == [("Paid", 2900), ("Includes VAT (19%)", 463)]
    row = exported(invoice)
    assert (row["Subtotal"], row["Tax added"], row["Total"]) == ("29.00", "0.00", "29.00")
    assert row["Tax included"] == "4.63"
    statement = statements.statement_of(alice, timezone.now().year)
    assert statement
    assert str(statement.totals[0].tax) == "$4.63"
    membership = client.get("/membership/").content.decode()
    assert "a month, tax included" in membership


@pytest.mark.slow
def test_tax_on_top_is_a_line_of_its_own(sandbox: Sandbox, client: Client) -> None:
    rate = make_rate(
        sandbox, 8.875, inclusive=False, display_name="Sales tax", jurisdiction="New York"
    )
    subscribe(sandbox, rate)
    invoice = Invoice.objects.get()
    page = rows_of_page(page_of(client, invoice))
    assert page[1:] == [
        ("Subtotal", 2900),
        ("Sales tax, New York (8.875%)", 257),
        ("Total", 3157),
    ]
    assert rows_of_mail(receipt())[1:] == [
        ("Sales tax, New York (8.875%)", 257),
        ("Paid", 3157),
    ]
    row = exported(invoice)
    assert (row["Tax added"], row["Total"], row["Tax included"]) == ("2.57", "31.57", "0.00")
    membership = client.get("/membership/").content.decode()
    assert "a month, plus tax" in membership
    assert "$31.57" in membership
    welcome = Message.objects.get(kind="joined", channel="email")
    assert "$29.00 a month, plus tax" in rendering.render_email(welcome).text


@pytest.mark.slow
def test_several_rates_are_named_each(sandbox: Sandbox, client: Client) -> None:
    rates = [
        make_rate(sandbox, 5, inclusive=False, display_name="GST"),
        make_rate(sandbox, 9.975, inclusive=False, display_name="QST"),
        make_rate(sandbox, 2, display_name="City fee"),
    ]
    subscribe(sandbox, *rates)
    invoice = Invoice.objects.get()
    page = rows_of_page(page_of(client, invoice))
    assert page[2:] == [
        ("GST (5%)", 142),
        ("QST (9.975%)", 284),
        ("Total", 3326),
        ("Includes City fee (2%)", 57),
    ]
    assert taxed.adds_up(page, "Total")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("exempt", "Tax exempt."),
        ("reverse", "Tax to be paid on reverse charge basis."),
    ],
)
def test_who_owes_no_tax_reads_why(
    sandbox: Sandbox, client: Client, status: Any, words: str
) -> None:
    alice = sign_up()
    customer = taxed.make_payer(sandbox, alice)
    sandbox.stripe.v1.customers.update(customer, {"tax_exempt": status})
    rate = make_rate(sandbox, 19, inclusive=False)
    invoice_id = taxed.bill(sandbox, customer, [{"amount": 1000}], default_tax_rates=[rate])
    sandbox.stripe.v1.invoices.pay(invoice_id)
    deliver(sandbox.events())
    invoice = Invoice.objects.get()
    assert (invoice.total, invoice.tax) == (1000, 0)
    page = page_of(client, invoice)
    assert rows_of_page(page)[1:] == [("Total", 1000)]
    assert words in page
    assert words in receipt()


@pytest.mark.slow
def test_evidence_and_staff_see_the_same_sums(sandbox: Sandbox, client: Client) -> None:
    subscribe(sandbox, make_rate(sandbox, 19), make_rate(sandbox, 2, inclusive=False))
    invoice = Invoice.objects.get()
    dispute = factories.make_dispute(Payment.objects.get())
    case = gather(dispute)
    lines = evidence.content(case)["lines"]
    assert [line[0] for line in lines[1:]] == ["VAT (2%)", "Total", "Includes VAT (19%)"]
    rows = [(name, taxed.minor(amount)) for name, amount in lines]
    assert taxed.adds_up(rows, "Total")
    client.force_login(superuser())
    packet = evidence_files.packet(dispute, timezone.now())
    [kept] = json.loads(zipfile.ZipFile(io.BytesIO(packet)).read("invoices.json"))
    assert kept["subtotal"] + kept["tax_added"] == kept["total"] == invoice.total
    staff = client.get(f"/staff/billing/invoice/{invoice.pk}/change/").content.decode()
    assert "Includes VAT (19%)" in staff
    assert "VAT (2%)" in staff


def test_the_statement_s_file_adds_up(sandbox: Sandbox, client: Client) -> None:
    alice = subscribe(sandbox, make_rate(sandbox, 19))
    client.force_login(alice)
    answer = client.get("/payments/payments.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["Amount"], row["Tax included"], row["Net"]) == ("29.00", "4.63", "29.00")


def test_what_credit_paid_has_no_tax_a_second_time(sandbox: Sandbox) -> None:
    """19.00 of 29.00 come from credit: a third of the tax is in the rest."""
    alice = sign_up()
    customer = taxed.make_payer(sandbox, alice)
    sandbox.stripe.v1.customers.update(customer, {"balance": -1900})
    rate = make_rate(sandbox, 19)
    invoice_id = taxed.bill(sandbox, customer, [{"amount": 2900}], default_tax_rates=[rate])
    sandbox.stripe.v1.invoices.pay(invoice_id)
    deliver(sandbox.events())
    [payment] = statements.payments_of(alice)
    paid = statements.paid(payment, {})
    assert (paid.amount, paid.tax) == (1000, 160)


@pytest.mark.slow
def test_a_renamed_rate_is_renamed_here(sandbox: Sandbox, client: Client) -> None:
    rate = make_rate(sandbox, 19)
    subscribe(sandbox, rate)
    sandbox.stripe.v1.tax_rates.update(rate, {"display_name": "MwSt"})
    deliver(sandbox.events())
    assert TaxRate.objects.get().name == "MwSt"
    assert "Includes MwSt (19%)" in page_of(client, Invoice.objects.get())


def test_an_invoice_of_an_earlier_version_shows_its_tax(client: Client) -> None:
    invoice = factories.make_invoice(total=3100, subtotal=2900, tax=200)
    Invoice.objects.update(lines=[{"description": "Membership", "quantity": 1, "amount": 2900}])
    page = rows_of_page(page_of(client, invoice))
    assert page[1:] == [("Subtotal", 2900), ("Tax", 200), ("Total", 3100)]


@pytest.mark.slow
def test_a_credit_note_names_the_tax_in_it(sandbox: Sandbox, client: Client) -> None:
    subscribe(sandbox, make_rate(sandbox, 10, inclusive=False))
    invoice = Invoice.objects.get()
    sandbox.stripe.v1.credit_notes.create(
        {"invoice": invoice.stripe_id, "amount": 1595, "credit_amount": 1595}
    )
    deliver(sandbox.events())
    note = invoice.credit_notes.get()
    assert (note.amount, note.tax, note.credited) == (1595, 145, 1595)
    row = exported(Invoice.objects.get())
    assert row["Credit notes after payment"] == "-15.95"


def test_the_next_charge_counts_tax(sandbox: Sandbox) -> None:
    subscribe(sandbox, make_rate(sandbox, 10, inclusive=False))
    row = Subscription.objects.get()
    assert (row.amount, row.next_charge, row.taxation) == (2900, 3190, "added")
    taxes = json.loads(json.dumps(Invoice.objects.get().taxes))
    assert [(one["amount"], one["is_included"]) for one in taxes] == [(290, False)]
