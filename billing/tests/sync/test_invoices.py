"""Invoices in full: credit notes, credit on the balance, states that ask for nothing, documents."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.models import CreditNote, Customer, Invoice, Payment
from billing.reconcile import history, missed_events
from billing.tests import factories
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    paid_member,
    sign_up,
)
from billing.tests.staff_world import superuser
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


def member(sandbox: Sandbox, card: str = GOOD_CARD) -> User:
    return paid_member(sandbox, card=card)


def page_of(client: Client, user: User, invoice: Invoice) -> str:
    client.force_login(user)
    return str(client.get(f"/payments/invoices/{invoice.pk}/").content.decode())


def credit(sandbox: Sandbox, invoice: Invoice, **params: Any) -> str:
    """Issue a credit note at Stripe, and hear of it."""
    wanted: Any = {"invoice": invoice.stripe_id, **params}
    note = sandbox.stripe.v1.credit_notes.create(wanted)
    deliver(sandbox.events())
    return note.id


def told() -> list[Message]:
    return list(Message.objects.filter(kind="credit_note", channel="email"))


def test_credit_note_on_a_paid_invoice_shows_what_became_of_it(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox)
    invoice = Invoice.objects.get()
    credit(sandbox, invoice, amount=1500, refund_amount=1000, credit_amount=500, reason="duplicate")
    note = CreditNote.objects.for_user(alice).get()
    assert (note.amount, note.refunded, note.credited) == (1500, 1000, 500)
    assert (note.invoice, note.status, note.reason) == (invoice, "issued", "duplicate")
    page = page_of(client, alice, invoice)
    assert note.number in page
    assert "−$15.00" in page
    assert "because it was charged twice" in page
    assert "$10.00 goes back to where you paid from." in page
    assert "$5.00 in credit for your next invoices" in page
    assert f'href="/payments/credit-notes/{note.pk}/pdf/"' in page
    assert "−$15.00 credited" in client.get("/payments/").content.decode()

    [message] = told()
    assert message.subject.startswith("Credit note: $15.00 for Membership")
    assert "$5.00 in credit for your next invoices" in rendering.render_email(message).text
    deliver(sandbox.events())
    assert len(told()) == 1


@pytest.mark.slow
def test_credit_on_the_balance_pays_a_part_of_the_next_invoice(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox)
    credit(sandbox, Invoice.objects.get(), amount=500, credit_amount=500)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    renewal = Invoice.objects.latest("created_at")
    assert (renewal.starting_balance, renewal.ending_balance) == (-500, 0)
    assert (renewal.total, renewal.amount_due, renewal.amount_paid) == (2900, 2400, 2400)
    page = page_of(client, alice, renewal)
    assert "Credit applied" in page
    assert "−$5.00" in page
    assert "$24.00" in page
    assert "−$5.00 from credit" in client.get("/payments/").content.decode()
    receipt = Message.objects.filter(kind="payment_received", channel="email").latest("pk")
    text = rendering.render_email(receipt).text
    assert "Credit applied: −$5.00" in text
    assert "Paid: $24.00" in text


@pytest.mark.slow
def test_credit_note_lowers_an_open_invoice_until_it_is_void(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    invoice = Invoice.objects.get(status="open")
    note_id = credit(sandbox, invoice, amount=900)
    page = page_of(client, alice, invoice)
    assert "$9.00 less to pay on this invoice." in page
    assert "Credit notes" in page
    assert "$20.00" in page
    home = client.get("/").content.decode()
    assert "Your payment of $20.00 didn’t go through" in home

    sandbox.stripe.v1.credit_notes.void_credit_note(note_id)
    deliver(sandbox.events())
    note = CreditNote.objects.get()
    assert (note.status, note.invoice.amount_remaining) == ("void", 2900)
    assert "This credit note was voided" in page_of(client, alice, invoice)


@pytest.mark.slow
def test_credit_note_that_covers_everything_settles_the_invoice(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    credit(sandbox, Invoice.objects.get(status="open"), amount=2900)
    invoice = Invoice.objects.latest("created_at")
    assert (invoice.status, invoice.amount_paid) == ("paid", 0)
    page = page_of(client, alice, invoice)
    assert "Credited" in page
    assert "Pay now" not in page
    # Nothing was paid, so there is a credit note to tell of, and no receipt.
    assert len(told()) == 1
    assert not Message.objects.filter(kind="payment_received").exists()


def test_refund_by_credit_note_is_not_told_twice(sandbox: Sandbox) -> None:
    member(sandbox)
    credit(sandbox, Invoice.objects.get(), amount=700, refund_amount=700)
    assert Payment.objects.get().amount_refunded == 700
    assert told() == []


def test_credit_note_that_was_voided_unseen_is_kept_too(sandbox: Sandbox) -> None:
    member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    open_invoice = Invoice.objects.get(status="open").stripe_id
    note = sandbox.stripe.v1.credit_notes.create({"invoice": open_invoice, "amount": 900})
    sandbox.stripe.v1.credit_notes.void_credit_note(note.id)
    deliver(sandbox.events())
    assert CreditNote.objects.get().status == "void"
    assert told() == []


@pytest.mark.slow
def test_comparison_finds_and_repairs_credit_notes(sandbox: Sandbox) -> None:
    member(sandbox)
    credit(sandbox, Invoice.objects.get(), amount=500, credit_amount=500)
    assert missed_events.reconcile(repair=False).differences_found == 0
    CreditNote.objects.update(amount=1, status="void")
    run = missed_events.reconcile(repair=True)
    assert (run.differences_found, run.differences_left) == (2, 0)
    CreditNote.objects.all().delete()
    Invoice.objects.update(post_payment_credit_notes_amount=0)
    assert missed_events.reconcile(repair=True).differences_left == 0
    assert CreditNote.objects.get().amount == 500


@pytest.mark.slow
def test_history_brings_credit_notes_void_ones_too(sandbox: Sandbox) -> None:
    member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    for invoice in Invoice.objects.order_by("created_at"):
        way = {"credit_amount": 500} if invoice.status == "paid" else {}
        credit(sandbox, invoice, amount=500, **way)
    void = CreditNote.objects.get(invoice__status="open")
    sandbox.stripe.v1.credit_notes.void_credit_note(void.stripe_id)
    CreditNote.objects.all().delete()
    before = Message.objects.count()
    history.read_history(Customer.objects.get().stripe_id)
    assert sorted(CreditNote.objects.values_list("status", flat=True)) == ["issued", "void"]
    assert Message.objects.count() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "label", "words"),
    [
        ("void_invoice", "Void", "There’s nothing to pay"),
        ("mark_uncollectible", "Not paid", "We’ve stopped collecting this invoice"),
    ],
)
def test_invoice_that_asks_for_nothing_is_explained(
    sandbox: Sandbox, client: Client, change: str, label: str, words: str
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    invoice = Invoice.objects.get(status="open")
    getattr(sandbox.stripe.v1.invoices, change)(invoice.stripe_id)
    deliver(sandbox.events())
    invoice.refresh_from_db()
    assert invoice.voided_at or invoice.given_up_at
    page = page_of(client, alice, invoice)
    assert label in page
    assert words in page
    assert "Pay now" not in page
    client.force_login(superuser())
    staff = client.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
    assert "counts for nothing" in staff or "Given up" in staff


def test_pdf_of_a_credit_note_is_fetched_on_click_by_its_member_only(
    sandbox: Sandbox, client: Client
) -> None:
    alice = member(sandbox)
    credit(sandbox, Invoice.objects.get(), amount=500, credit_amount=500)
    CreditNote.objects.update(pdf_url="https://stale.example/")
    note = CreditNote.objects.get()
    address = f"/payments/credit-notes/{note.pk}/pdf/"
    assert client.get(address)["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    assert client.get(address).status_code == 404
    client.force_login(alice)
    assert client.get(address)["Location"].startswith(sandbox.url)


def test_amounts_are_in_the_invoices_own_currency(client: Client) -> None:
    customer = factories.make_customer()
    invoice = factories.make_invoice(
        customer,
        currency="jpy",
        total=2900,
        starting_balance=-400,
        ending_balance=0,
        amount_due=2500,
        amount_paid=2500,
    )
    factories.make_credit_note(invoice, amount=300)
    page = page_of(client, customer.user, invoice)
    for amount in ("¥2,900", "−¥400", "¥2,500", "−¥300"):
        assert amount in page
    assert "$2" not in page.replace("$29.00 / month", "")


@pytest.mark.slow
def test_staff_see_the_same_amounts(sandbox: Sandbox, client: Client) -> None:
    member(sandbox)
    credit(sandbox, Invoice.objects.get(), amount=500, credit_amount=500)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    client.force_login(superuser())
    first, second = Invoice.objects.order_by("created_at")
    note = CreditNote.objects.get()
    page = client.get(reverse("admin:billing_invoice_change", args=[first.pk])).content.decode()
    assert "Credited after payment" in page
    assert reverse("admin:billing_creditnote_change", args=[note.pk]) in page
    page = client.get(reverse("admin:billing_invoice_change", args=[second.pk])).content.decode()
    assert "Credit applied" in page
    assert "$24.00" in page
    assert Customer.objects.count() == 1


def test_a_quantity_is_said_once(sandbox: Sandbox, client: Client) -> None:
    """Stripe's words for a subscription's item begin with it; those for a single item don't."""
    alice = member(sandbox)
    stripe, customer = sandbox.stripe.v1, Customer.objects.get().stripe_id
    [card] = stripe.payment_methods.list({"customer": customer}).data
    locker: Any = {"currency": "usd", "unit_amount": 1500, "recurring": {"interval": "month"}}
    price = stripe.prices.create(locker | {"product_data": {"name": "Locker"}})
    wanted: Any = {"customer": customer, "items": [{"price": price.id, "quantity": 2}]}
    stripe.subscriptions.create(wanted | {"default_payment_method": card.id})
    deliver(sandbox.events())
    invoice = Invoice.objects.get(total=3000)
    shown = page_of(client, alice, invoice)
    assert "2 × Locker (at $15.00 / month)" in shown
    assert "× 2" not in shown
    invoice.lines = [invoice.lines[0] | {"description": "Guest pass"}]
    invoice.save()
    assert "Guest pass × 2" in page_of(client, alice, invoice)


@pytest.mark.slow
@pytest.mark.parametrize("let_go", ["mark_uncollectible", "void_invoice"])
def test_who_owes_nothing_any_more_is_told_of_no_failure(
    sandbox: Sandbox, client: Client, let_go: str
) -> None:
    alice = member(sandbox, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    client.force_login(alice)
    assert "didn’t go through" in client.get("/").content.decode()
    getattr(sandbox.stripe.v1.invoices, let_go)(Invoice.objects.get(status="open").stripe_id)
    deliver(sandbox.events())
    home = client.get("/").content.decode()
    assert "didn’t go through" not in home
    assert "Your next charge of $29.00 is on" in home
