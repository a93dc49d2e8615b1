"""Banks that answer after days: what the member sees and is told meanwhile, and in the end."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing.core.statuses import CheckoutState, Collection, RequestState
from billing.models import Checkout, Customer, Invoice, Payment, PaymentRequest, Subscription
from billing.payments import single_payments
from billing.tests import factories
from billing.tests.life import GOOD_CARD, a_minute_passes, deliver, paid_member, sign_up
from conftest import Sandbox
from emails import rendering
from emails.models import Message

pytestmark = pytest.mark.django_db
PAYS, FAILS = "000123456789", "000111111116"
DAY = 86_400


def told(user: User) -> list[str]:
    rows = Message.objects.filter(user=user, channel="email").order_by("pk")
    return list(rows.exclude(kind="card_changed").values_list("kind", flat=True))


def text_of(user: User, kind: str) -> str:
    message = Message.objects.filter(user=user, kind=kind, channel="email").latest("pk")
    return rendering.render_email(message).text


def page(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    return str(client.get(url).content.decode())


def days_pass(sandbox: Sandbox, days: int = 5) -> None:
    sandbox.control("clock", advance_seconds=days * DAY)
    deliver(sandbox.events())


def pay_once(sandbox: Sandbox, account: str) -> User:
    """Pay $62.50 from a bank account; return who did. The bank has not answered yet."""
    alice = sign_up()
    single_payments.pay_amount(alice, 6250, "Guest pass")
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=account, authenticate=True)
    deliver(sandbox.events())
    return alice


def join(sandbox: Sandbox, account: str) -> User:
    """Buy the membership from a bank account."""
    return paid_member(sandbox, card=account)


@pytest.mark.slow
def test_single_payment_is_explained_while_the_bank_works_and_receipted_once_it_pays(
    sandbox: Sandbox, client: Client
) -> None:
    alice = pay_once(sandbox, PAYS)
    payment = Payment.objects.get()
    assert (payment.status, Checkout.objects.get().state) == ("processing", "processing")
    assert told(alice) == ["debit_coming"]
    text = text_of(alice, "debit_coming")
    assert "Your payment of $62.50 is on its way" in text
    assert "From: Bank account ending in 6789" in text
    address = f"/payments/{payment.pk}/"
    home = page(client, alice, "/")
    assert "Your payment of $62.50 for Guest pass" in home
    for url in ("/payments/", address):
        assert "In progress" in page(client, alice, url)
    detail = page(client, alice, address)
    assert "Your bank is processing it" in detail
    assert "Bank account ending in 6789" in detail
    assert "Nothing was charged" not in detail

    days_pass(sandbox)
    days_pass(sandbox, 0)
    assert told(alice) == ["debit_coming", "payment_received"]
    assert "Paid with: Bank account ending in 6789" in text_of(alice, "payment_received")
    paid = Payment.objects.get()
    assert paid.paid_at
    assert (paid.paid_at - paid.created_at).days == 4
    assert Checkout.objects.get().state == CheckoutState.COMPLETE
    assert "on its way" not in page(client, alice, "/")
    assert "Paid" in page(client, alice, address)


@pytest.mark.slow
def test_single_payment_that_the_bank_refuses_is_told_and_can_be_made_again(
    sandbox: Sandbox, client: Client
) -> None:
    alice = pay_once(sandbox, FAILS)
    days_pass(sandbox)
    days_pass(sandbox, 0)
    assert told(alice) == ["debit_coming", "payment_not_made"]
    text = text_of(alice, "payment_not_made")
    assert "Your payment of $62.50 didn’t go through" in text
    assert "The bank account is closed." in text
    assert "/payments/new/" in text
    detail = page(client, alice, f"/payments/{Payment.objects.get().pk}/")
    assert "Nothing was charged" in detail
    assert "The bank account is closed." in detail
    assert Checkout.objects.get().state == CheckoutState.FAILED
    result = f"/payments/result/?session_id={Checkout.objects.get().session_id}"
    assert "didn’t go through" in page(client, alice, result)
    assert single_payments.pay_amount(alice, 6250, "Guest pass").startswith(sandbox.url)


def test_request_that_the_bank_refuses_can_be_paid_another_way(sandbox: Sandbox) -> None:
    alice = sign_up()
    asked = PaymentRequest.objects.create(
        user=alice, amount=4000, currency="usd", description="Key deposit"
    )
    single_payments.pay_request(alice, asked.pk)
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=FAILS, authenticate=True)
    deliver(sandbox.events())
    days_pass(sandbox)
    assert told(alice) == ["debit_coming", "payment_not_made"]
    assert f"/pay/{asked.pk}." in text_of(alice, "payment_not_made")
    asked.refresh_from_db()
    assert asked.state == RequestState.OPEN
    assert single_payments.pay_request(alice, asked.pk).startswith(sandbox.url)


def test_declined_card_sends_no_mail_about_a_bank(sandbox: Sandbox) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 6250, "")
    session_id = Checkout.objects.get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card="4000000000009995")
    deliver(sandbox.events())
    assert told(alice) == []


@pytest.mark.slow
def test_membership_from_a_bank_account_begins_at_once_and_is_receipted_later(
    sandbox: Sandbox, client: Client
) -> None:
    alice = join(sandbox, PAYS)
    a_minute_passes()
    assert told(alice) == ["welcome"]
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.collection) == ("open", Collection.PROCESSING)
    home = page(client, alice, "/")
    assert "You’re a member" in home
    assert "Active" in home
    assert "Your $29.00 bank payment is on its way" in home
    assert "Your payment of $29.00 is on its way" in home
    membership = page(client, alice, "/membership/")
    assert "Your $29.00 bank payment is on its way" in membership
    assert "Bank account ending in 6789" in membership
    assert "In progress" in page(client, alice, "/payments/")
    assert "Your bank is processing it" in page(client, alice, f"/payments/invoices/{invoice.pk}/")
    session_id = Checkout.objects.get().session_id
    welcome = page(client, alice, f"/membership/welcome/?session_id={session_id}")
    assert "We’ll email you a receipt once the money arrives" in welcome

    days_pass(sandbox)
    assert told(alice) == ["welcome", "payment_received"]
    assert "went through this time" not in text_of(alice, "payment_received")
    assert "bank payment is on its way" not in page(client, alice, "/")


@pytest.mark.slow
def test_membership_whose_first_payment_the_bank_refuses_is_not_lost_in_silence(
    sandbox: Sandbox, client: Client
) -> None:
    alice = join(sandbox, FAILS)
    a_minute_passes()
    days_pass(sandbox)
    days_pass(sandbox, 0)
    assert told(alice) == ["welcome", "payment_failed"]
    assert "The bank account is closed." in text_of(alice, "payment_failed")
    home = page(client, alice, "/")
    assert "Your payment of $29.00 didn’t go through" in home
    assert "You’re still a member for now." in home
    assert Subscription.objects.get().status == "past_due"

    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    sandbox.stripe.v1.invoices.pay(Invoice.objects.get().stripe_id)
    days_pass(sandbox, 0)
    assert told(alice) == ["welcome", "payment_failed", "payment_received"]
    assert "went through this time" in text_of(alice, "payment_received")
    assert "Active" in page(client, alice, "/")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("account", "outcome"), [(PAYS, "payment_received"), (FAILS, "payment_failed")]
)
def test_renewal_by_bank_is_told_as_one_thing(
    sandbox: Sandbox, client: Client, account: str, outcome: str
) -> None:
    alice = join(sandbox, GOOD_CARD)
    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=account)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    before = told(alice)
    assert before == ["joined", "debit_coming"]
    assert "Your $29.00 bank payment is on its way" in page(client, alice, "/")
    days_pass(sandbox)
    days_pass(sandbox, 0)
    assert told(alice) == [*before, outcome]


@pytest.mark.slow
def test_failure_is_told_also_where_nothing_was_heard_before(sandbox: Sandbox) -> None:
    alice = join(sandbox, GOOD_CARD)
    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=FAILS)
    sandbox.control("clock", advance="renewal")
    days_pass(sandbox)
    assert told(alice).count("payment_failed") == 1
    assert told(alice).count("payment_received") == 0


@pytest.mark.parametrize(
    ("collection", "words"),
    [
        (Collection.PROCESSING, "Your membership starts once it arrives."),
        (Collection.REQUIRES_ACTION, "Your membership starts once you confirm"),
        (Collection.FAILED, "your membership hasn’t started"),
    ],
)
def test_membership_that_waits_for_its_first_payment_says_so(
    client: Client, collection: Collection, words: str
) -> None:
    customer = factories.make_customer()
    subscription = factories.make_subscription(customer, status="incomplete")
    factories.make_invoice(
        customer,
        subscription=subscription,
        status="open",
        collection=collection,
        billing_reason="subscription_create",
        attempt_count=1,
    )
    home = page(client, customer.user, "/")
    assert words in home
    assert "$29.00" in home
    assert "You’re a member" not in home


def test_membership_that_never_began_is_not_called_ended(client: Client) -> None:
    customer = factories.make_customer()
    factories.make_subscription(customer, status="incomplete_expired")
    home = page(client, customer.user, "/")
    assert "the first payment wasn’t made in time" in home
    assert "ended on" not in home


@pytest.mark.slow
def test_a_balance_entry_that_comes_late_changes_nothing(sandbox: Sandbox) -> None:
    """Stripe books a card's payment a minute after midnight: it is still paid on its own day."""
    sandbox.control("switches", late_balance=True)
    alice = paid_member(sandbox, card=GOOD_CARD)
    payment = Payment.objects.get()
    before, messages = payment.paid_at, told(alice)
    assert before is not None

    sandbox.control("clock", advance_seconds=60)
    late = sandbox.events()
    assert "charge.updated" in [event["type"] for event in late]
    deliver(late)
    payment.refresh_from_db()
    assert (payment.status, payment.paid_at) == ("succeeded", before)
    assert told(alice) == messages
