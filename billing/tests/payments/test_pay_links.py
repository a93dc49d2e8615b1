"""A payment request's link, opened by somebody who isn't signed in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import CheckoutState, RequestState
from billing.facts import pay_links
from billing.models import Checkout, Customer, Dispute, Payment, PaymentRequest
from billing.payments import payment_requests
from billing.reconcile import comparison, missed_events
from billing.tests.life import GOOD_CARD, deliver, sign_up
from common.money import Money
from conftest import HTTP, Sandbox
from emails import rendering
from emails.models import Message
from portal.backoffice import close_account

pytestmark = pytest.mark.django_db
FEE = Money(4000, "USD")


@pytest.fixture
def alice() -> User:
    """The member who is asked."""
    return sign_up("Alice Archer")


@pytest.fixture
def asked(alice: User) -> PaymentRequest:
    """A request that staff sent to Alice."""
    return payment_requests.send(alice, FEE, "Workshop fee", 14, sign_up("Sam Staff"))


@pytest.fixture
def visitor() -> Client:
    """Somebody's browser, in which nobody is signed in, and which checks tokens of forms."""
    return Client(enforce_csrf_checks=True)


def open_page(visitor: Client, asked: PaymentRequest, status: int = 200) -> str:
    answer = visitor.get(pay_links.path_of(asked))
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def press_pay(visitor: Client, asked: PaymentRequest) -> Any:
    """Open the page and send its form, with its token."""
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', open_page(visitor, asked))
    assert found
    return visitor.post(pay_links.path_of(asked), {"csrfmiddlewaretoken": found[1]})


def pay(sandbox: Sandbox, url: str, card: str = GOOD_CARD) -> str:
    """Pay on Stripe's page; return the address it leads back to, without the host."""
    form = {"number": card, "expiry": "12 / 34", "cvc": "123", "email": "aunt@example.org"}
    answer = HTTP.post(url, data=form)
    assert answer.status_code == 303, answer.text
    return re.sub(r"^https?://[^/]+", "", answer.headers["Location"])


def assert_says_nothing_of(alice: User, page: str) -> None:
    for secret in (alice.email, "Archer", "/payments/invoices", "Sign out"):
        assert secret not in page


@pytest.mark.slow
def test_somebody_pays_without_signing_in(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    page = open_page(visitor, asked)
    for words in ("Please pay $40.00", "Workshop fee", "Alice", "You don’t need to sign in."):
        assert words in page
    assert_says_nothing_of(alice, page)
    checkout_page = press_pay(visitor, asked)["Location"]
    assert "/checkout/" in checkout_page
    assert_says_nothing_of(alice, HTTP.get(checkout_page).text)
    back = pay(sandbox, checkout_page)
    waiting = visitor.get(back).content.decode()
    assert "Confirming your payment" in waiting
    assert_says_nothing_of(alice, waiting)
    assert "A payment is being confirmed" in open_page(visitor, asked)
    deliver(sandbox.events())
    thanks = visitor.get(back).content.decode()
    assert "We received $40.00" in thanks
    assert "We’re emailing the receipt to Alice." in thanks
    assert_says_nothing_of(alice, thanks)
    page = open_page(visitor, asked)
    assert "This is already paid" in page
    assert_says_nothing_of(alice, page)
    asked.refresh_from_db()
    assert asked.state == RequestState.PAID
    payment = Payment.objects.get()
    assert (payment.customer.user, payment.amount_received) == (alice, 4000)
    assert Message.objects.filter(user=alice, kind="payment_received").count() == 1
    assert not comparison.compare().differences


def test_looking_at_it_changes_nothing(
    visitor: Client, asked: PaymentRequest, django_assert_max_num_queries: Any
) -> None:
    before = PaymentRequest.objects.values().get(pk=asked.pk)
    with django_assert_max_num_queries(7) as asked_database:
        open_page(visitor, asked)
    written = ("INSERT", "UPDATE", "DELETE")
    assert not [one for one in asked_database.captured_queries if one["sql"].startswith(written)]
    assert visitor.head(pay_links.path_of(asked)).status_code == 200
    assert PaymentRequest.objects.values().get(pk=asked.pk) == before
    assert not Checkout.objects.exists()
    assert not Session.objects.exists()
    assert "sessionid" not in visitor.cookies


def test_the_link_stays_out_of_caches_and_search_engines(
    visitor: Client, asked: PaymentRequest
) -> None:
    for path in (pay_links.path_of(asked), "/pay/1.wrong/"):
        answer = visitor.get(path)
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert answer["Referrer-Policy"] == "same-origin"


def test_a_form_without_its_token_is_refused(visitor: Client, asked: PaymentRequest) -> None:
    answer = visitor.post(pay_links.path_of(asked))
    assert answer.status_code == 403
    assert pay_links.path_of(asked) in answer.content.decode()
    assert not Checkout.objects.exists()


def test_a_form_that_is_too_old_leads_to_the_page_as_it_is(
    sandbox: Sandbox, visitor: Client, asked: PaymentRequest
) -> None:
    open_page(visitor, asked)
    answer = visitor.post(pay_links.path_of(asked), {"csrfmiddlewaretoken": "x" * 64}, follow=True)
    assert "This page had expired" in answer.content.decode()
    assert "/checkout/" in press_pay(visitor, asked)["Location"]


def test_two_tabs_lead_to_one_page_and_leaving_it_says_so(
    sandbox: Sandbox, visitor: Client, asked: PaymentRequest
) -> None:
    first = press_pay(visitor, asked)["Location"]
    other = Client(enforce_csrf_checks=True)
    assert press_pay(other, asked)["Location"] == first
    left = visitor.get(f"{pay_links.path_of(asked)}?canceled=1").content.decode()
    assert "You left the payment page. Nothing was charged." in left
    assert "Pay $40.00" in left
    session = Checkout.objects.get().session_id
    unpaid = visitor.get(f"{pay_links.path_of(asked)}result/?session_id={session}", follow=True)
    assert "Nothing was charged." in unpaid.content.decode()
    pay(sandbox, first)
    # Nothing has been heard of it yet.
    assert "A payment is being confirmed" in press_pay(other, asked).content.decode()
    assert Checkout.objects.count() == 1


def test_the_member_and_a_guest_can_not_both_pay(
    sandbox: Sandbox, visitor: Client, client: Client, alice: User, asked: PaymentRequest
) -> None:
    client.force_login(alice)
    mine = client.post(pay_links.path_of(asked))["Location"]
    theirs = press_pay(visitor, asked)["Location"]
    assert mine != theirs
    assert "This checkout has expired" in HTTP.get(mine).text
    pay(sandbox, theirs)
    answer = client.post(pay_links.path_of(asked), follow=True).content.decode()
    assert "You just paid this" in answer
    deliver(sandbox.events())
    assert Payment.objects.filter(status="succeeded").count() == 1


def test_another_member_sees_what_a_visitor_sees(
    sandbox: Sandbox, client: Client, alice: User, asked: PaymentRequest
) -> None:
    client.force_login(sign_up("Mallory Moss"))
    page = client.get(pay_links.path_of(asked)).content.decode()
    assert "Please pay $40.00" in page
    assert alice.email not in page
    assert "Archer" not in page
    answer = client.post(pay_links.path_of(asked), {"by": "zelle"})
    assert "/checkout/" in answer["Location"]
    assert Checkout.objects.get().user == alice
    assert "mallory@example.com" not in HTTP.get(answer["Location"]).text


def test_each_end_of_a_request_has_its_page(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    rows = PaymentRequest.objects.filter(pk=asked.pk)
    ends: list[tuple[dict[str, Any], str, int]] = [
        ({"state": RequestState.PAID}, "This is already paid", 200),
        ({"state": RequestState.CANCELED}, "This payment request was withdrawn", 410),
        (
            {"state": RequestState.OPEN, "expires_at": timezone.now() - timedelta(minutes=1)},
            "This payment link has expired",
            410,
        ),
    ]
    token = re.search(r'value="([^"]+)"', open_page(visitor, asked))
    assert token
    for values, heading, status in ends:
        rows.update(**values)
        page = open_page(visitor, asked, status)
        assert f"<h1>{heading}</h1>" in page
        assert "Pay $40.00" not in page
        assert_says_nothing_of(alice, page)
        form = {"csrfmiddlewaretoken": token[1]}
        assert visitor.post(pay_links.path_of(asked), form).status_code == status
    assert not Checkout.objects.exists()


def test_the_link_of_a_closed_account_says_so(
    visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    close_account.close_account(alice)
    page = open_page(visitor, asked, 410)
    assert "This payment link no longer works" in page
    assert "Alice" not in page


@pytest.mark.parametrize("token", ["1", "1.", "1.x", "x", "9999999999999999999.x"])
def test_a_wrong_link_has_its_page(visitor: Client, asked: PaymentRequest, token: str) -> None:
    answer = visitor.get(f"/pay/{token}/")
    assert answer.status_code == 404
    assert "This payment link isn’t valid" in answer.content.decode()


def test_guesses_and_presses_are_limited(
    sandbox: Sandbox, visitor: Client, asked: PaymentRequest
) -> None:
    cache.clear()
    answers = [visitor.get(f"/pay/{number}.x/").status_code for number in range(40)]
    assert answers[0] == 404
    assert answers[-1] == 429
    open_page(visitor, asked)
    pressed = [press_pay(visitor, asked).status_code for _ in range(15)]
    assert pressed[0] == 302
    assert pressed[-1] == 429


def test_stripe_away_is_said_and_leaves_nothing(
    sandbox: Sandbox, visitor: Client, asked: PaymentRequest
) -> None:
    sandbox.control("switches", api_fail=1)
    answer = press_pay(visitor, asked)
    assert answer.status_code == 503
    assert "Please try again in a moment." in answer.content.decode()
    assert not Checkout.objects.exists()


def test_the_result_needs_its_own_session(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    path = pay_links.path_of(asked)
    for query in ("", "?session_id=", "?session_id=cs_other"):
        assert visitor.get(f"{path}result/{query}")["Location"] == path
    assert visitor.get("/pay/1.x/result/").status_code == 404


@pytest.mark.slow
def test_a_guests_payment_is_refunded_and_disputed_like_any_other(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    pay(sandbox, press_pay(visitor, asked)["Location"])
    deliver(sandbox.events())
    payment = Payment.objects.get()
    intent = sandbox.stripe.v1.payment_intents.retrieve(payment.stripe_id)
    assert intent.customer is None
    sandbox.stripe.v1.refunds.create({"payment_intent": payment.stripe_id, "amount": 500})
    sandbox.control(f"charges/{payment.charge_id}/dispute")
    deliver(sandbox.events())
    payment.refresh_from_db()
    assert payment.amount_refunded == 500
    assert Dispute.objects.get().customer == payment.customer
    assert not comparison.compare().differences


@pytest.mark.slow
def test_a_guests_payment_that_was_lost_is_repaired(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest
) -> None:
    pay(sandbox, press_pay(visitor, asked)["Location"])
    deliver(sandbox.events())
    Checkout.objects.update(payment=None)
    Payment.objects.all().delete()
    [difference] = comparison.compare().differences
    assert (difference.object, difference.ours) == ("payment", "missing")
    missed_events.reconcile(repair=True)
    assert not comparison.compare().differences
    assert Payment.objects.get().customer == Customer.objects.get(user=alice)
    assert Checkout.objects.get().state == CheckoutState.COMPLETE


def test_a_guest_pays_tax_at_their_own_address(
    sandbox: Sandbox, visitor: Client, alice: User, asked: PaymentRequest, settings: Settings
) -> None:
    settings.STRIPE_TAX = True
    settings.STRIPE_TAX_BEHAVIOR = "exclusive"
    url = press_pay(visitor, asked)["Location"]
    session = url.rsplit("/", 1)[1]
    place = {"country": "US", "postal_code": "10001", "city": "New York", "line1": "1 Main St"}
    sandbox.control(f"checkout/{session}/complete", address=place, email="aunt@example.org")
    deliver(sandbox.events())
    payment = Payment.objects.get()
    assert (payment.amount_received, payment.tax) == (4160, 160)
    assert payment.customer.user == alice
    # The guest's address isn't the member's.
    customer = sandbox.stripe.v1.customers.retrieve(payment.customer.stripe_id)
    assert not customer.address


def test_mails_say_that_no_sign_in_is_needed(asked: PaymentRequest) -> None:
    message = Message.objects.get(kind="payment_requested", channel="email")
    assert message.context["url"] == pay_links.url_of(asked)
    assert "no sign-in needed" in rendering.render_email(message).text
