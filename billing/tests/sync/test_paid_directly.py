"""Invoices paid outside of Stripe: one payment like any other, which Stripe can't give back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from billing.core.statuses import RefundReason
from billing.facts import daily
from billing.models import Customer, Invoice, Payment, Reconciliation, Refund
from billing.reconcile import comparison, missed_events
from billing.refunds import service as refunds
from billing.refunds.service import RefundRequest
from billing.refunds.transitions import RefundError
from billing.tests import factories
from billing.tests.life import DECLINED_LATER_CARD, deliver, paid_member, sign_up, subscribe
from billing.tests.staff_world import manager, signed_in_now, superuser
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    """A member who pays by invoice, and has paid one in cash."""
    user = paid_member(sandbox)
    bill(sandbox, user, 4000)
    sandbox.stripe.v1.invoices.pay(newest(user).stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    return user


def bill(sandbox: Sandbox, user: User, amount: int) -> None:
    """Send an invoice from Stripe's dashboard."""
    stripe, customer = sandbox.stripe.v1, Customer.objects.get(user=user).stripe_id
    wanted: Any = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 14}
    draft = stripe.invoices.create(wanted)
    stripe.invoice_items.create(
        {"customer": customer, "invoice": draft.id, "amount": amount, "description": "Workshop"}
    )
    stripe.invoices.send_invoice(draft.id)
    deliver(sandbox.events())


def newest(user: User) -> Invoice:
    return Invoice.objects.for_user(user).latest("created_at", "pk")


def test_it_is_a_payment_of_the_invoice(alice: User) -> None:
    invoice = newest(alice)
    paid = invoice.payments.get()
    assert (invoice.amount_paid_outside, invoice.status) == (4000, "paid")
    assert (paid.amount_received, paid.status, paid.is_outside) == (4000, "succeeded", True)
    assert paid.paid_at == invoice.paid_at


def test_the_member_sees_it_in_list_and_invoice(alice: User, client: Client) -> None:
    client.force_login(alice)
    listed = client.get("/payments/").content.decode()
    assert "Paid directly" in listed
    page = client.get(f"/payments/invoices/{newest(alice).pk}/").content.decode()
    assert "You paid this directly to us" in page
    assert "Direct payment" in page
    assert "Ask for a refund" not in page
    assert "can’t be refunded online" in page
    for wrong in ("declined", "Failed", "Canceled"):
        assert wrong not in page


def test_the_receipt_says_how_it_was_paid(alice: User) -> None:
    message = Message.objects.filter(kind="payment_received", channel="email").latest("pk")
    mail = rendering.render_email(message)
    assert mail.subject == "Receipt: $40.00 for Workshop"
    assert "Paid with: Direct payment" in mail.text
    assert "Nothing was charged to a card" in mail.text
    assert "went through this time" not in mail.text


def test_file_and_statement_have_it(alice: User, client: Client) -> None:
    client.force_login(alice)
    rows = b"".join(client.get("/payments/payments.csv")).decode().splitlines()
    [row] = [row for row in rows if "Workshop" in row]
    assert "40.00" in row
    assert "Direct payment" in row
    assert "Paid directly" in row
    year = newest(alice).created_at.year
    statement = client.get(f"/payments/statements/{year}/").content.decode()
    assert "$69.00" in statement, "29.00 by card and 40.00 in cash"


def test_the_sums_of_the_staff_have_it(alice: User, client: Client) -> None:
    client.force_login(superuser())
    payments = client.get(reverse("admin:billing_payment_changelist")).content.decode()
    assert "$69.00" in payments
    assert "Of that outside Stripe" in payments
    only = client.get(reverse("admin:billing_payment_changelist"), {"way": "outside"})
    assert [row.amount for row in only.context["cl"].result_list] == [4000]
    invoices = client.get(reverse("admin:billing_invoice_changelist")).content.decode()
    assert "Paid outside Stripe" in invoices
    assert "Paid directly" in invoices
    daily.refresh_all()
    assert "$69.00" in client.get("/staff/").content.decode()
    taken = client.get("/staff/billing/payment/download/csv/")
    assert "Direct payment" in b"".join(taken).decode()


def test_nobody_refunds_it_through_stripe(alice: User, client: Client) -> None:
    paid = newest(alice).payments.get()
    wanted = RefundRequest(amount=4000, reason=RefundReason.GOODWILL, words="", key=uuid.uuid4())
    boss = manager()
    with pytest.raises(RefundError, match="outside Stripe"):
        refunds.give(paid.pk, boss, wanted)
    client.force_login(alice)
    page = client.get(f"/payments/{paid.pk}/refund/").content.decode()
    assert "paid this directly to us" in page
    answer = client.post(f"/payments/{paid.pk}/refund/", {"amount": "40.00", "reason": "not_used"})
    assert answer.status_code == 409
    assert not Refund.objects.exists()
    staff = signed_in_now(boss)
    shown = staff.get(reverse("admin:billing_payment_change", args=[paid.pk])).content.decode()
    assert "Give it back the way it came" in shown
    assert f"/payment/{paid.pk}/refund" not in shown


@pytest.mark.slow
def test_an_invoice_that_failed_and_was_paid_in_cash_is_no_payment_that_worked(
    sandbox: Sandbox,
) -> None:
    alice = sign_up()
    subscribe(sandbox, alice, DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    sandbox.stripe.v1.invoices.pay(newest(alice).stripe_id, {"paid_out_of_band": True})
    deliver(sandbox.events())
    message = Message.objects.filter(kind="payment_received", channel="email").latest("pk")
    assert message.subject.startswith("Receipt: $29.00")


@pytest.mark.slow
def test_comparison_and_repair_know_it(alice: User) -> None:
    assert not comparison.compare().differences
    paid = newest(alice).payments.get()
    Payment.objects.filter(pk=paid.pk).update(amount_received=1, read_at="2020-01-01T00:00Z")
    assert {one.field for one in comparison.compare().differences} == {"amount_received"}
    missed_events.reconcile(repair=True)
    paid.refresh_from_db()
    assert paid.amount_received == 4000
    paid.delete()
    missed_events.reconcile(repair=True)
    assert newest(alice).payments.get().amount_received == 4000
    assert not Reconciliation.objects.latest("pk").differences_left


def test_a_payment_nobody_has_tried_is_none(sandbox: Sandbox, client: Client) -> None:
    """Stripe makes a payment intent with each invoice: it is no payment that failed."""
    alice = paid_member(sandbox)
    bill(sandbox, alice, 4000)
    invoice = newest(alice)
    assert (invoice.status, invoice.payments.count()) == ("open", 0)
    client.force_login(alice)
    page = client.get(f"/payments/invoices/{invoice.pk}/").content.decode()
    assert "Failed" not in page
    assert "declined" not in page
    sandbox.stripe.v1.invoices.void_invoice(invoice.stripe_id)
    deliver(sandbox.events())
    assert not invoice.payments.exists()
    assert not comparison.compare().differences


@pytest.mark.slow
def test_all_lines_of_a_long_invoice_are_read(sandbox: Sandbox, client: Client) -> None:
    alice = paid_member(sandbox)
    stripe, customer = sandbox.stripe.v1, Customer.objects.get(user=alice).stripe_id
    draft = stripe.invoices.create({"customer": customer})
    for number in range(1, 15):
        wanted: Any = {"customer": customer, "invoice": draft.id, "amount": 100}
        stripe.invoice_items.create(wanted | {"description": f"Class {number}"})
    [card] = stripe.payment_methods.list({"customer": customer}).data
    stripe.invoices.pay(draft.id, {"payment_method": card.id})
    deliver(sandbox.events())
    invoice = newest(alice)
    assert [line["description"] for line in invoice.lines] == [f"Class {n}" for n in range(1, 15)]
    client.force_login(alice)
    assert "Class 1 and 13 more" in client.get("/payments/").content.decode()
    assert "Class 14" in client.get(f"/payments/invoices/{invoice.pk}/").content.decode()
    message = Message.objects.filter(kind="payment_received", channel="email").latest("pk")
    assert message.subject == "Receipt: $14.00 for Class 1 and 13 more"
    assert not comparison.compare().differences


def test_untried_rows_of_old_are_told_apart(client: Client) -> None:
    """A payment of a card that failed is still one that failed."""
    invoice = factories.make_invoice(status="open", attempt_count=1, collection="failed")
    factories.make_payment(invoice=invoice, status="requires_payment_method", failure_code="x")
    client.force_login(invoice.customer.user)
    page = client.get(f"/payments/invoices/{invoice.pk}/").content.decode()
    assert "Failed" in page
