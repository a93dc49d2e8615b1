"""A member subscribes: from the button to the rows and the messages."""

from __future__ import annotations

import pytest

from billing.core.statuses import CheckoutState, InvoiceStatus, PaymentStatus, SubscriptionStatus
from billing.models import Checkout, Customer, Invoice, Payment, Subscription
from billing.tests.life import paid_member, sign_up, subscribe
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db


def test_first_payment_makes_an_active_membership(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)

    subscription = Subscription.objects.for_user(alice).get()
    assert subscription.status == SubscriptionStatus.ACTIVE
    assert (subscription.amount, subscription.currency) == (2900, "usd")
    assert (subscription.card_brand, subscription.card_last4) == ("visa", "4242")
    invoice = Invoice.objects.for_user(alice).get()
    assert (invoice.status, invoice.total) == (InvoiceStatus.PAID, 2900)
    assert invoice.subscription == subscription
    payment = Payment.objects.for_user(alice).get()
    assert (payment.status, payment.amount) == (PaymentStatus.SUCCEEDED, 2900)
    assert payment.invoice == invoice
    assert Checkout.objects.for_user(alice).get().state == CheckoutState.COMPLETE


def test_first_payment_welcomes_and_sends_a_receipt(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)

    kinds = Message.objects.filter(user=alice).values_list("kind", flat=True)
    assert list(kinds) == ["joined"]


def test_customer_carries_our_user_at_stripe(sandbox: Sandbox) -> None:
    alice = sign_up()
    subscribe(sandbox, alice)

    customer = Customer.objects.get(user=alice)
    at_stripe = sandbox.stripe.v1.customers.retrieve(customer.stripe_id)
    assert at_stripe.email == "alice@example.com"
    assert at_stripe.metadata is not None
    assert at_stripe.metadata["portal_user"] == str(alice.pk)
