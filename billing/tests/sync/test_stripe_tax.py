"""Stripe Tax switched on: Checkout asks for address and tax id, and a lost address is made good."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing import tasks
from billing.facts import statements
from billing.inbound import rehearsal
from billing.models import (
    Checkout,
    Customer,
    Invoice,
    Payment,
    Plan,
    StripeEvent,
    Subscription,
    TaxAccount,
    TaxRate,
)
from billing.payments import single_payments
from billing.reconcile import push
from billing.sync import catalog, refresh
from billing.tests import taxed
from billing.tests.life import deliver, sign_up
from billing.tests.staff_world import superuser
from billing.tests.taxed import minor, rows_of_mail, rows_of_page
from conftest import HTTP, Sandbox
from emails import rendering
from emails.models import Message
from portal.backoffice import problems

pytestmark = pytest.mark.django_db

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"
NEW_YORK: Any = {"country": "US", "postal_code": "10001", "city": "New York", "line1": "1 Main St"}
BERLIN: Any = {"country": "DE", "postal_code": "10115", "city": "Berlin", "line1": "Hauptstr. 1"}
GMBH = {"business_name": "Beispiel GmbH", "tax_id": {"type": "eu_vat", "value": "DE123456789"}}


@pytest.fixture(autouse=True)
def stripe_tax(sandbox: Sandbox, settings: Settings) -> None:
    """Turn it on, with prices that do not include tax."""
    settings.STRIPE_TAX = True
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    for price in (MONTHLY, YEARLY):
        sandbox.stripe.v1.prices.update(price, {"tax_behavior": "exclusive"})
    catalog.sync_current_plan()


def join(sandbox: Sandbox, client: Client, user: User, **typed: Any) -> None:
    """Walk a user through Checkout, and hear of it."""
    client.force_login(user)
    answer = client.post(reverse("billing:subscribe"))
    session = Checkout.objects.for_user(user).latest("pk").session_id
    assert session in answer["Location"]
    sandbox.control(f"checkout/{session}/complete", **{"address": NEW_YORK, **typed})
    deliver(sandbox.events())


@pytest.mark.slow
def test_checkouts_page_is_filled_in_by_hand(sandbox: Sandbox, client: Client) -> None:
    client.force_login(sign_up())
    page = client.post(reverse("billing:subscribe"))["Location"]
    assert "Enter your address" in HTTP.get(page).text
    card = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
    place = {"country": "US", "postal_code": "10001", "email": "alice@example.com"}
    shown = HTTP.post(page, data=card | place | {"total": "2900"})
    assert "With tax at your address the total is $30.16." in shown.text
    paid = HTTP.post(page, data=card | place | {"total": "3016"})
    assert paid.status_code == 303
    deliver(sandbox.events())
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.subtotal, invoice.tax, invoice.total) == (
        "paid",
        2900,
        116,
        3016,
    )
    assert "$30.16" in client.get(reverse("billing:invoice", args=[invoice.pk])).content.decode()


def lose_address(sandbox: Sandbox) -> None:
    """Somebody empties the address in Stripe's dashboard, and the next invoice has no tax."""
    customer = Customer.objects.get().stripe_id
    sandbox.stripe.v1.customers.update(
        customer, {"address": "", "tax": {"validate_location": "deferred"}}
    )
    for method in sandbox.stripe.v1.payment_methods.list({"customer": customer}).data:
        details: Any = {"billing_details": {"address": ""}}
        sandbox.stripe.v1.payment_methods.update(method.id, details)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())


def page_of(client: Client, name: str, *arguments: object) -> str:
    return client.get(reverse(name, args=arguments), follow=True).content.decode()


@pytest.mark.slow
def test_a_membership_is_taxed_by_the_address_typed_at_checkout(
    sandbox: Sandbox, client: Client
) -> None:
    alice = sign_up()
    client.force_login(alice)
    offer = page_of(client, "billing:membership")
    assert "a month, plus tax" in offer
    assert "enter your address" in offer
    join(sandbox, client, alice)
    invoice, row = Invoice.objects.get(), Subscription.objects.get()
    assert (invoice.total, invoice.tax, row.tax_is_automatic) == (3016, 116, True)
    assert (row.next_charge, row.taxation) == (3016, "added")
    page = rows_of_page(page_of(client, "billing:invoice", invoice.pk))
    assert page[1:] == [
        ("Subtotal", 2900),
        ("Sales Tax, New York (4%)", 116),
        ("Total", 3016),
    ]
    assert not problems.current()


@pytest.mark.slow
def test_a_business_is_on_its_invoice_and_its_statement(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    join(sandbox, client, alice, address=BERLIN, **GMBH)
    invoice = Invoice.objects.get()
    assert (invoice.total, invoice.customer_name) == (2900, "Beispiel GmbH")
    page = page_of(client, "billing:invoice", invoice.pk)
    assert "Beispiel GmbH" in page
    assert "EU VAT" in page
    assert "DE123456789" in page
    assert "Tax to be paid on reverse charge basis." in page
    statement = page_of(client, "billing:statement", timezone.now().year)
    assert "Business: Beispiel GmbH" in statement
    assert "EU VAT: DE123456789" in statement
    yearly = statements.statement_of(alice, timezone.now().year)
    assert yearly
    assert ["EU VAT", "DE123456789"] in yearly.as_document(timezone.now())["facts"]
    pdf = client.get(reverse("billing:statement-pdf", args=[timezone.now().year]))
    assert pdf["Content-Type"] == "application/pdf"


@pytest.mark.slow
def test_a_business_keeps_its_name_when_the_member_changes_their_address(
    sandbox: Sandbox, client: Client
) -> None:
    alice = sign_up()
    join(sandbox, client, alice, address=BERLIN, **GMBH)
    User.objects.filter(pk=alice.pk).update(email="new@example.com", last_name="Newname")
    push.tell(Customer.objects.get().pk)
    customer = sandbox.stripe.v1.customers.retrieve(Customer.objects.get().stripe_id)
    assert (customer.email, customer.name) == ("new@example.com", "Beispiel GmbH")


@pytest.mark.slow
def test_a_person_s_invoice_names_nobody(sandbox: Sandbox, client: Client) -> None:
    join(sandbox, client, sign_up())
    invoice = Invoice.objects.get()
    assert (invoice.customer_name, invoice.customer_tax_ids) == ("", [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behavior", "amount", "tax", "words"),
    [("inclusive", 4000, 154, "tax included"), ("exclusive", 4160, 160, "plus tax")],
)
def test_a_single_payment_is_taxed_as_the_setting_says(
    sandbox: Sandbox,
    client: Client,
    settings: Settings,
    behavior: str,
    amount: int,
    tax: int,
    words: str,
) -> None:
    settings.STRIPE_TAX_BEHAVIOR, settings.STRIPE_TAX_CODE = behavior, "txcd_20030000"
    alice = sign_up()
    client.force_login(alice)
    assert words in page_of(client, "billing:pay-amount")
    single_payments.pay_amount(alice, 4000, "Workshop")
    session = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session}/complete", address=NEW_YORK)
    deliver(sandbox.events())
    payment = Payment.objects.get()
    assert (payment.amount_received, payment.tax) == (amount, tax)
    [by_rate] = payment.taxes
    assert (by_rate["amount"], by_rate["is_included"]) == (tax, behavior == "inclusive")
    assert TaxRate.objects.get(stripe_id=by_rate["rate"]).percentage == 4
    # As it was stored before rates were kept.
    Payment.objects.update(taxes=[])
    refresh.read_unknown_taxes()
    payment.refresh_from_db()
    assert payment.taxes == [by_rate]
    page = page_of(client, "billing:payment", payment.pk)
    assert "Includes tax" in page
    mail = Message.objects.get(kind="payment_received", channel="email")
    rows = dict(rows_of_mail(rendering.render_email(mail).text))
    assert (rows["Paid"], rows["Includes tax"]) == (amount, tax)
    statement = statements.statement_of(alice, timezone.now().year)
    assert statement
    assert minor(str(statement.totals[0].tax)) == tax
    result = client.get(reverse("billing:payment-result"), {"session_id": session})
    assert f"${amount / 100:.2f}" in result.content.decode()


@pytest.mark.slow
def test_a_lost_address_is_asked_for_told_and_made_good(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    alice = sign_up()
    join(sandbox, client, alice)
    lose_address(sandbox)
    row = Subscription.objects.get()
    assert (row.tax_is_automatic, row.tax_problem) == (False, "requires_location_inputs")
    assert Invoice.objects.first().total == 2900  # type: ignore[union-attr]
    home = page_of(client, "home")
    assert "Please add your billing address" in home
    [problem] = problems.current()
    assert "1 membership without tax" in problem.text
    problems.watch()
    told = Message.objects.get(kind="problem_found")
    assert "without tax" in rendering.render_email(told).text
    staff = Client()
    staff.force_login(superuser())
    assert "Alice Archer" in staff.get(problem.url).content.decode()
    # Nothing changes before the address is there.
    tasks.refresh_plan()
    assert Subscription.objects.get().tax_problem
    address: Any = {"address": NEW_YORK}
    sandbox.stripe.v1.customers.update(row.customer.stripe_id, address)
    # Trying out a replay asks Stripe for nothing but answers.
    event = StripeEvent.objects.filter(type="customer.updated").latest("pk")
    tried = rehearsal.rehearse(event)
    assert tried.asks == f"POST /v1/subscriptions/{row.stripe_id}"
    assert Subscription.objects.get().tax_problem
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.tax_is_automatic, row.tax_problem, row.next_charge) == (True, "", 3016)
    assert not problems.current()
    assert "Please add your billing address" not in page_of(client, "home")


@pytest.mark.slow
def test_a_switch_without_an_address_says_so(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    join(sandbox, client, alice)
    customer = Customer.objects.get().stripe_id
    sandbox.stripe.v1.customers.update(
        customer, {"address": "", "tax": {"validate_location": "deferred"}}
    )
    [method] = sandbox.stripe.v1.payment_methods.list({"customer": customer}).data
    details: Any = {"billing_details": {"address": ""}}
    sandbox.stripe.v1.payment_methods.update(method.id, details)
    yearly = Plan.objects.get(stripe_id=YEARLY)
    page = page_of(client, "billing:switch", yearly.pk)
    assert "We need your billing address to work out the tax." in page
    assert Subscription.objects.get().price_id == MONTHLY


@pytest.mark.slow
def test_a_switch_under_automatic_tax_charges_what_it_shows(
    sandbox: Sandbox, client: Client
) -> None:
    alice = sign_up()
    join(sandbox, client, alice)
    yearly = Plan.objects.get(stripe_id=YEARLY)
    page = page_of(client, "billing:switch", yearly.pk)
    assert "a year, plus tax" in page
    shown = page.split('name="shown" value="')[1].split('"')[0]
    client.post(reverse("billing:switch", args=[yearly.pk]), {"shown": shown})
    deliver(sandbox.events())
    invoice = Invoice.objects.first()
    assert invoice
    assert invoice.tax == round(invoice.subtotal * 0.04)
    assert f"Pay ${invoice.amount_paid / 100:.2f} and switch" in page
    assert "$301.60</span> on" in page


def test_stripe_tax_that_is_not_set_up_is_told_to_both(sandbox: Sandbox, client: Client) -> None:
    sandbox.control("switches", tax_inactive=True)
    tasks.refresh_plan()
    assert TaxAccount.objects.get().status == "pending"
    alice = sign_up()
    client.force_login(alice)
    answer = client.post(reverse("billing:subscribe"), follow=True).content.decode()
    assert "Something is wrong on our side, so this isn’t possible right now." in answer
    assert not Checkout.objects.exists()
    [problem] = problems.current()
    assert "Stripe Tax isn’t set up" in problem.text


@pytest.mark.slow
def test_an_invoice_that_can_t_be_finalized_is_named_to_staff(
    sandbox: Sandbox, client: Client
) -> None:
    customer = taxed.make_payer(sandbox, sign_up())
    stripe = sandbox.stripe.v1
    wanted: Any = {"customer": customer, "automatic_tax": {"enabled": True}}
    draft = stripe.invoices.create(wanted)
    item: Any = {"customer": customer, "amount": 1000, "currency": "usd", "invoice": draft.id}
    item["tax_behavior"] = "inclusive"
    stripe.invoice_items.create(item)
    with pytest.raises(Exception, match="location isn't recognized"):
        stripe.invoices.finalize_invoice(draft.id)
    deliver(sandbox.events())
    assert Invoice.objects.get().finalization_error == "customer_tax_location_invalid"
    [problem] = problems.current()
    assert "can’t finalize 1 invoice" in problem.text
    client.force_login(superuser())
    assert "can&#x27;t finalize it" in client.get(problem.url).content.decode()


def test_without_the_setting_nothing_asks_for_tax(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_TAX = False
    alice = sign_up()
    client.force_login(alice)
    assert "plus tax" not in page_of(client, "billing:membership")
    client.post(reverse("billing:subscribe"))
    session = sandbox.stripe.v1.checkout.sessions.retrieve(Checkout.objects.get().session_id)
    assert not session.automatic_tax.enabled
    HTTP.get(session.url or "").raise_for_status()
