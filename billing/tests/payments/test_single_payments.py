"""Payments besides the membership: once, within limits, described, and private."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from billing.core.statuses import UNFINISHED_CHECKOUT, CheckoutState, RequestState, checkout_state
from billing.membership import checkout
from billing.models import Checkout, Customer, Item, Payment, PaymentRequest
from billing.payments import single_payments
from billing.tests.altered_stripe import altered
from billing.tests.life import GOOD_CARD, deliver, sign_up, subscribe
from conftest import Sandbox
from emails.models import Message

NEW = "/payments/new/"


def pay(sandbox: Sandbox, user: User, card: str = GOOD_CARD) -> dict[str, Any]:
    """Pay on the page that the user went to last; no webhook has arrived yet."""
    session_id = Checkout.objects.for_user(user).latest("pk").session_id
    session: dict[str, Any] = sandbox.control(
        f"checkout/{session_id}/complete", card=card, authenticate=True
    )
    return session


def make_item(*members: User, **fields: Any) -> Item:
    """Return the workshop: $40.00, for these members."""
    values = {"name": "Workshop fee", "amount": 4000, "currency": "usd"}
    item = Item.objects.create(**values | fields)
    item.members.set(members)
    return item


def receipts(user: User) -> list[dict[str, Any]]:
    kinds = ["payment_received", "joined"]
    mails = Message.objects.filter(user=user, kind__in=kinds, channel="email")
    return [message.context for message in mails]


@pytest.mark.django_db
def test_entered_amount_is_paid_listed_and_receipted(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    client.force_login(alice)
    answer = client.post(NEW, {"amount": "1,234.50", "note": "  Spring   donation "})
    assert answer["Location"].startswith(f"{sandbox.url}/checkout/")
    session = pay(sandbox, alice)
    result = f"/payments/result/?session_id={session['id']}"
    assert "Confirming your payment" in client.get(result).content.decode()

    deliver(sandbox.events())
    deliver(sandbox.events())
    fragment = client.get(result, headers={"HX-Request": "true"}).content.decode()
    assert "We received $1,234.50" in fragment
    assert "<html" not in fragment
    payment = Payment.objects.for_user(alice).get()
    assert (payment.amount, payment.currency) == (123450, "usd")
    assert (payment.description, payment.invoice) == ("Spring donation", None)
    row = Checkout.objects.for_user(alice).get()
    assert (row.payment, row.state) == (payment, CheckoutState.COMPLETE)
    page = client.get(f"/payments/{payment.pk}/").content.decode()
    assert "Spring donation" in page
    assert "$1,234.50" in page
    assert "Visa ending in 4242" in page
    assert f'href="/payments/{payment.pk}/"' in client.get("/payments/").content.decode()
    [receipt] = receipts(alice)
    assert (receipt["amount"], receipt["description"]) == ("$1,234.50", "Spring donation")
    assert receipt["url"].endswith(f"/payments/{payment.pk}/")


@pytest.mark.django_db
def test_our_ids_and_the_description_travel_with_the_payment(sandbox: Sandbox) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 2500, "")
    session = pay(sandbox, alice)
    row = Checkout.objects.get()
    ours = {"portal_user": str(alice.pk), "portal_checkout": str(row.pk)}
    intent = sandbox.stripe.v1.payment_intents.retrieve(session["payment_intent"])
    assert dict(session["metadata"]) == ours
    assert intent.metadata.to_dict() == ours
    assert intent.description == "Payment to Portal"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "charge.succeeded"])
def test_any_one_event_settles_the_payment(sandbox: Sandbox, kind: str) -> None:
    alice = sign_up()
    single_payments.pay_request(alice, single_payments.request_for(make_item(alice), alice).pk)
    pay(sandbox, alice)
    deliver(event for event in sandbox.events() if event["type"] == kind)
    row = Checkout.objects.get()
    assert (row.state, row.payment) == (CheckoutState.COMPLETE, Payment.objects.get())
    assert PaymentRequest.objects.get().state == RequestState.PAID
    deliver(sandbox.events())
    assert len(receipts(alice)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter an amount."),
        ("ten", "Enter an amount, for example 25.00."),
        ("12,50", "Use a decimal point, for example 12.50."),
        ("-10", "Enter an amount, for example 25.00."),
        ("10.001", "Enter an amount, for example 25.00."),
        ("4.99", "from $5.00 to $2,000.00"),
        ("2000.01", "from $5.00 to $2,000.00"),
    ],
)
def test_wrong_amounts_are_refused_in_words(
    sandbox: Sandbox, client: Client, typed: str, sentence: str
) -> None:
    client.force_login(sign_up())
    answer = client.post(NEW, {"amount": typed})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Checkout.objects.exists()


@pytest.mark.django_db
def test_suggestion_fills_the_field(client: Client, settings: Settings) -> None:
    settings.PAYMENT_SUGGESTIONS = [123450]
    client.force_login(sign_up())
    page = client.get(NEW).content.decode()
    assert 'href="?amount=1234.50"' in page
    assert 'value="1234.50"' in client.get(f"{NEW}?amount=1234.50").content.decode()


@pytest.mark.django_db
def test_amounts_can_be_switched_off(client: Client, settings: Settings) -> None:
    settings.PAYMENT_MAXIMUM = 0
    client.force_login(sign_up())
    assert client.get(NEW).status_code == 404
    assert client.post(NEW, {"amount": "10"}).status_code == 404
    assert "Make a payment" not in client.get("/payments/").content.decode()


@pytest.mark.django_db
def test_two_clicks_share_a_page_and_another_amount_replaces_it(sandbox: Sandbox) -> None:
    alice = sign_up()
    first = single_payments.pay_amount(alice, 2500, "")
    assert single_payments.pay_amount(alice, 2500, "") == first
    old = Checkout.objects.get().session_id
    assert single_payments.pay_amount(alice, 5000, "") != first
    assert sandbox.stripe.v1.checkout.sessions.retrieve(old).status == "expired"


@pytest.mark.django_db(transaction=True)
def test_tabs_with_other_amounts_never_lead_to_the_wrong_one(sandbox: Sandbox) -> None:
    alice = sign_up()
    checkout.customer_of(alice)
    urls: dict[int, str] = {}
    barrier = threading.Barrier(4)

    def click(amount: int) -> None:
        barrier.wait()
        try:
            with suppress(checkout.CheckoutError):
                urls[amount] = single_payments.pay_amount(alice, amount, "")
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click, args=[amount]) for amount in (1000, 2000, 3000, 4000)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    sessions = sandbox.stripe.v1.checkout.sessions.list({"status": "open"}).data
    of_url = {session.url: session.amount_total for session in sessions}
    assert all(of_url.get(url, amount) == amount for amount, url in urls.items())
    unfinished = Checkout.objects.filter(state__in=UNFINISHED_CHECKOUT)
    assert unfinished.count() <= 1


@pytest.mark.django_db
def test_second_payment_waits_for_the_first_to_be_confirmed(sandbox: Sandbox) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 2500, "")
    pay(sandbox, alice)
    with pytest.raises(checkout.AlreadyPaid, match="being confirmed"):
        single_payments.pay_amount(alice, 2500, "")
    deliver(sandbox.events())
    assert single_payments.pay_amount(alice, 2500, "").startswith(sandbox.url)


@pytest.mark.django_db(transaction=True)
def test_four_tabs_on_one_item_share_one_page(sandbox: Sandbox) -> None:
    alice = sign_up()
    checkout.customer_of(alice)
    item = make_item(alice)
    urls: list[str] = []
    barrier = threading.Barrier(4)

    def click() -> None:
        barrier.wait()
        try:
            urls.append(single_payments.pay_item(alice, item.pk))
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=click) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(urls) == 4
    assert len(set(urls)) == 1
    assert (Checkout.objects.count(), PaymentRequest.objects.count()) == (1, 1)


@pytest.mark.slow
@pytest.mark.django_db
def test_item_is_paid_once_by_each_of_its_members(sandbox: Sandbox, client: Client) -> None:
    alice, bob = sign_up(), sign_up("Bob Baker")
    item = make_item(alice, bob)
    client.force_login(alice)
    assert "Workshop fee" in client.get("/payments/").content.decode()
    client.post(f"/payments/items/{item.pk}/")
    pay(sandbox, alice)
    again = client.post(f"/payments/items/{item.pk}/", follow=True).content.decode()
    assert "You just paid this" in again
    assert "Pay $40.00" in again
    client.get(f"/payments/result/?session_id={Checkout.objects.get().session_id}")
    assert "Pay $40.00" not in client.get("/payments/").content.decode()
    deliver(sandbox.events())
    assert "Pay $40.00" not in client.get("/payments/").content.decode()
    with pytest.raises(checkout.AlreadyPaid, match="already"):
        single_payments.pay_item(alice, item.pk)
    assert single_payments.pay_item(bob, item.pk).startswith(sandbox.url)


@pytest.mark.django_db
def test_item_is_sold_only_to_those_it_is_for(sandbox: Sandbox, client: Client) -> None:
    mallory = sign_up("Mallory Marsh")
    private = make_item(sign_up(), name="Private lesson")
    gone = make_item(mallory, name="Old mat", is_active=False)
    make_item(name="Key deposit", for_everybody=True)
    client.force_login(mallory)
    page = client.get("/payments/").content.decode()
    assert "Key deposit" in page
    assert "Private lesson" not in page
    assert "Old mat" not in page
    for item in (private, gone):
        answer = client.post(f"/payments/items/{item.pk}/", follow=True)
        assert "available anymore" in answer.content.decode()
    assert not Checkout.objects.exists()


@pytest.mark.django_db
def test_new_price_replaces_the_open_page(sandbox: Sandbox) -> None:
    alice = sign_up()
    item = make_item(alice)
    first = single_payments.pay_item(alice, item.pk)
    Item.objects.update(amount=4500)
    assert single_payments.pay_item(alice, item.pk) != first
    assert pay(sandbox, alice)["amount_total"] == 4500


@pytest.mark.slow
@pytest.mark.django_db
def test_stripe_down_leaves_a_sentence_and_no_half_made_rows(
    sandbox: Sandbox, client: Client
) -> None:
    client.force_login(sign_up())
    sandbox.control("switches", api_fail=1)
    answer = client.post(NEW, {"amount": "25"}, follow=True)
    assert "Nothing was charged" in answer.content.decode()
    for model in (Customer, Checkout, Payment):
        assert not model._default_manager.exists()


@pytest.mark.django_db
def test_declined_card_leaves_the_page_open(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    url = single_payments.pay_amount(alice, 2500, "")
    pay(sandbox, alice, "4000000000000002")
    deliver(sandbox.events())
    assert single_payments.pay_amount(alice, 2500, "") == url
    pay(sandbox, alice)
    deliver(sandbox.events())
    assert len(receipts(alice)) == 1
    assert Payment.objects.get().status == "succeeded"


@pytest.mark.slow
@pytest.mark.django_db
def test_membership_is_untouched_by_other_payments(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 2500, "")
    checkout.start_membership(alice)
    assert Checkout.objects.for_user(alice).count() == 2
    subscribe(sandbox, alice)
    deliver(sandbox.events())
    assert len(receipts(alice)) == 1


@pytest.mark.django_db
def test_strangers_find_nothing(sandbox: Sandbox, client: Client) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 2500, "Private matter")
    session = pay(sandbox, alice)
    deliver(sandbox.events())
    payment = Payment.objects.get()
    addresses = [f"/payments/{payment.pk}/", NEW]
    for address in addresses:
        assert client.get(address)["Location"].startswith("/accounts/login/")
    client.force_login(sign_up("Mallory Marsh"))
    assert client.get(f"/payments/{payment.pk}/").status_code == 404
    result = client.get(f"/payments/result/?session_id={session['id']}")
    assert (result.status_code, result["Location"]) == (302, "/payments/")
    assert "Private matter" not in client.get("/payments/").content.decode()


@pytest.mark.django_db
def test_metadata_of_another_customer_settles_nothing(sandbox: Sandbox) -> None:
    alice, mallory = sign_up(), sign_up("Mallory Marsh")
    single_payments.pay_amount(alice, 2500, "")
    row = Checkout.objects.get()
    sandbox.stripe.v1.payment_intents.create(
        {
            "amount": 100,
            "currency": "usd",
            "customer": checkout.customer_of(mallory).stripe_id,
            "metadata": {"portal_checkout": str(row.pk)},
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    )
    deliver(sandbox.events())
    row.refresh_from_db()
    assert (row.state, row.payment) == (CheckoutState.OPEN, None)
    assert Payment.objects.for_user(mallory).exists()


@pytest.mark.parametrize(
    ("session", "payment_status", "payment", "state"),
    [
        ("open", "unpaid", "", None),
        ("expired", "unpaid", "", CheckoutState.EXPIRED),
        ("complete", "paid", "succeeded", CheckoutState.COMPLETE),
        ("complete", "unpaid", "processing", CheckoutState.PROCESSING),
        ("complete", "unpaid", "requires_payment_method", CheckoutState.FAILED),
        ("complete", "unpaid", "succeeded", CheckoutState.COMPLETE),
    ],
)
def test_delayed_methods_are_paid_when_the_money_is_there(
    session: str, payment_status: str, payment: str, state: CheckoutState | None
) -> None:
    assert checkout_state(session, payment_status, payment) == state


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CheckoutState.PROCESSING, "Your bank is processing the payment"),
        (CheckoutState.FAILED, "didn’t go through"),
    ],
)
def test_result_page_explains_delayed_methods(
    sandbox: Sandbox, client: Client, state: CheckoutState, words: str
) -> None:
    alice = sign_up()
    single_payments.pay_amount(alice, 2500, "")
    session = pay(sandbox, alice)
    Checkout.objects.update(state=state)
    client.force_login(alice)
    page = client.get(f"/payments/result/?session_id={session['id']}").content.decode()
    assert words in page


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_captured_counts_and_not_what_was_reserved(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    """In Stripe's dashboard a part of a reserved payment can be captured; the rest is let go."""
    user = sign_up()
    single_payments.pay_amount(user, 4000, "Guest pass")
    session_id = Checkout.objects.for_user(user).get().session_id
    sandbox.control(f"checkout/{session_id}/complete", card=GOOD_CARD, authenticate=True)

    def captured(answer: dict[str, Any]) -> dict[str, Any]:
        is_intent = answer["object"] == "payment_intent"
        return answer | ({"amount_received": 1000} if is_intent else {})

    with altered(sandbox, settings, captured):
        deliver(sandbox.events())
    payment = Payment.objects.get()
    assert (payment.amount, payment.amount_received) == (1000, 1000)
    client.force_login(user)
    for path in ("/", "/payments/", f"/payments/{payment.pk}/"):
        shown = client.get(path).content.decode()
        assert "$10.00" in shown
        assert "$40.00" not in shown
