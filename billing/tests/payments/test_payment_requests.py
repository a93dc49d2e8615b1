"""Payment requests: sent by staff, opened by their member only, paid once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from billing.core.statuses import CheckoutState, RequestState
from billing.facts import pay_links
from billing.membership import checkout
from billing.models import Checkout, Payment, PaymentRequest
from billing.payments import payment_requests, single_payments
from billing.payments.payment_requests import RequestRefused
from billing.tests.factories import set_member
from billing.tests.life import deliver, sign_up
from billing.tests.payments.test_single_payments import make_item, pay
from common.money import Money
from conftest import Sandbox
from emails.models import Message

pytestmark = pytest.mark.django_db
FEE = Money(4000, "USD")


@pytest.fixture
def alice() -> User:
    """The member who is asked."""
    return sign_up()


@pytest.fixture
def asked(alice: User) -> PaymentRequest:
    """A request that Sam, a staff member, sent to Alice."""
    return payment_requests.send(alice, FEE, "Workshop fee", 14, sign_up("Sam Staff"))


def test_request_is_sent_by_every_agreed_channel() -> None:
    alice = sign_up()
    now = timezone.now()
    set_member(alice, phone="+14155552671", phone_verified_at=now, sms_consent_at=now)
    alice.refresh_from_db()
    asked = payment_requests.send(alice, FEE, "Workshop fee", 14, sign_up("Sam Staff"))
    sent = {message.channel: message for message in Message.objects.all()}
    assert set(sent) == {"email", "sms"}
    assert sent["email"].subject == "Please pay $40.00 for Workshop fee"
    assert sent["sms"].context["url"] == pay_links.url_of(asked)


@pytest.mark.slow
def test_from_the_link_to_the_receipt(
    sandbox: Sandbox, client: Client, alice: User, asked: PaymentRequest
) -> None:
    path = pay_links.path_of(asked)
    client.force_login(alice)
    assert "Please pay $40.00" in client.get("/").content.decode()
    assert "Please pay $40.00" in client.get(path).content.decode()
    first = client.post(path)["Location"]
    assert client.post(path)["Location"] == first
    session = pay(sandbox, alice)
    assert "You just paid this" in client.post(path, follow=True).content.decode()
    client.get(f"/payments/result/?session_id={session['id']}")
    assert "You just paid this" in client.get(path).content.decode()
    assert "Please pay" not in client.get("/").content.decode()

    deliver(sandbox.events())
    page = client.get(path).content.decode()
    assert "You’ve already paid this" in page
    assert f'action="{path}"' not in page
    assert "Please pay" not in client.get("/").content.decode()
    asked.refresh_from_db()
    assert asked.state == RequestState.PAID
    assert Payment.objects.get().checkout.request == asked
    result = client.get(f"/payments/result/?session_id={session['id']}").content.decode()
    assert "We received $40.00" in result
    assert Message.objects.filter(kind="payment_received").count() == 1


def test_leaving_checkout_comes_back_to_the_request(
    client: Client, alice: User, asked: PaymentRequest
) -> None:
    client.force_login(alice)
    answer = client.get(f"{pay_links.path_of(asked)}?canceled=1", follow=True)
    assert "Nothing was charged" in answer.content.decode()
    assert "Pay $40.00" in answer.content.decode()


def test_another_member_can_not_pay_it_as_their_own(
    sandbox: Sandbox, asked: PaymentRequest
) -> None:
    mallory = sign_up("Mallory Marsh")
    with pytest.raises(checkout.CheckoutError, match="no such"):
        single_payments.pay_request(mallory, asked.pk)
    assert not Checkout.objects.exists()


def test_only_links_that_we_made_open(client: Client, alice: User, asked: PaymentRequest) -> None:
    client.force_login(alice)
    signed = pay_links.path_of(asked).removeprefix("/pay/")
    signature = signed.partition(".")[2]
    for token in (str(asked.pk), f"{asked.pk}.", f"{asked.pk}.x", f"{asked.pk + 1}.{signature}"):
        assert client.get(f"/pay/{token}/").status_code == 404, token


def test_expired_request_says_so(
    sandbox: Sandbox, client: Client, alice: User, asked: PaymentRequest
) -> None:
    PaymentRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.force_login(alice)
    path = pay_links.path_of(asked)
    assert "has expired" in client.get(path).content.decode()
    assert "has expired" in client.post(path, follow=True).content.decode()
    assert "Workshop fee" not in client.get("/payments/").content.decode()
    assert not Checkout.objects.exists()


def test_canceling_closes_the_open_page(
    sandbox: Sandbox, client: Client, alice: User, asked: PaymentRequest
) -> None:
    single_payments.pay_request(alice, asked.pk)
    payment_requests.cancel(asked, sign_up("Sue Staff"))
    row = Checkout.objects.get()
    assert sandbox.stripe.v1.checkout.sessions.retrieve(row.session_id).status == "expired"
    assert row.state == CheckoutState.EXPIRED
    client.force_login(alice)
    assert "was withdrawn" in client.get(pay_links.path_of(asked)).content.decode()
    with pytest.raises(checkout.CheckoutError, match="withdrawn"):
        single_payments.pay_request(alice, asked.pk)
    with pytest.raises(RequestRefused, match="already"):
        payment_requests.cancel(asked, alice)


def test_canceling_is_refused_once_the_member_has_paid(
    sandbox: Sandbox, alice: User, asked: PaymentRequest
) -> None:
    single_payments.pay_request(alice, asked.pk)
    pay(sandbox, alice)
    with pytest.raises(RequestRefused, match="just paid"):
        payment_requests.cancel(asked, alice)
    deliver(sandbox.events())
    asked.refresh_from_db()
    assert (asked.state, asked.canceled_at) == (RequestState.PAID, None)


@pytest.mark.slow
def test_canceling_while_stripe_is_away_changes_nothing(
    sandbox: Sandbox, alice: User, asked: PaymentRequest
) -> None:
    single_payments.pay_request(alice, asked.pk)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(RequestRefused, match="can still be paid"):
        payment_requests.cancel(asked, alice)
    asked.refresh_from_db()
    assert asked.state == RequestState.OPEN


def test_item_is_asked_for_once_and_again_when_expired(sandbox: Sandbox, alice: User) -> None:
    sam = sign_up("Sam Staff")
    item = make_item(alice)
    first = payment_requests.send_item(item, alice, 14, sam)
    with pytest.raises(RequestRefused, match="asked already"):
        payment_requests.send_item(item, alice, 14, sam)
    PaymentRequest.objects.update(expires_at=timezone.now())
    assert payment_requests.send_item(item, alice, 14, sam) == first
    assert Message.objects.filter(kind="payment_requested").count() == 2

    single_payments.pay_item(alice, item.pk)
    pay(sandbox, alice)
    deliver(sandbox.events())
    with pytest.raises(RequestRefused, match="has paid"):
        payment_requests.send_item(item, alice, 14, sam)


def test_item_that_was_asked_for_is_listed_once(client: Client, alice: User) -> None:
    item = make_item(alice)
    asked = payment_requests.send_item(item, alice, 14, sign_up("Sam Staff"))
    client.force_login(alice)
    page = client.get("/payments/").content.decode()
    assert pay_links.path_of(asked) in page
    assert f"/payments/items/{item.pk}/" not in page
