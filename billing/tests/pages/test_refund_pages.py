"""The member's refunds: what each payment offers, the form and its preview, and the tracker."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.core import dates
from billing.core.statuses import RefundReason, RefundState
from billing.models import Payment, Refund, RefundPolicy, Subscription
from billing.refunds import service as refunds
from billing.refunds.policy import PaymentKind, Rule, Share
from billing.tests import factories, refund_world
from billing.tests.life import deliver, paid_member, sign_up
from billing.tests.refund_world import ask, policy, refund_request
from conftest import Sandbox, run_jobs
from members.models import Member

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15


@pytest.fixture
def alice(sandbox: Sandbox, client: Client) -> User:
    """A signed-in member who has paid once; up to $30.00 are approved at once, twice a year."""
    user = paid_member(sandbox)
    policy()
    client.force_login(user)
    return user


@pytest.fixture
def payment(alice: User) -> Payment:
    return Payment.objects.for_user(alice).get()


def page_of(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return words(answer)


def words(answer: Any) -> str:
    """Return a page's HTML with its white space as a browser shows it."""
    return re.sub(r"\s+", " ", answer.content.decode()).replace("&#x27;", "'")


def send(client: Client, payment: Payment, **changes: Any) -> Any:
    """Send the form as the page sends it."""
    answer = client.get(f"/payments/{payment.pk}/refund/")
    shown = re.search(r'name="shown" value="(\d+)"', answer.content.decode())
    values = {
        "key": str(uuid.uuid4()),
        "shown": shown.group(1) if shown else "",
        "how_much": "all",
        "reason": RefundReason.NOT_USED.value,
        "words": "I was ill.",
        "membership": "keep",
    }
    return client.post(f"/payments/{payment.pk}/refund/", values | changes)


# What a payment offers


def test_an_invoice_says_what_may_be_refunded_until_when_and_how(
    client: Client, payment: Payment
) -> None:
    until = dates.long_date((payment.paid_at or payment.created_at) + timedelta(days=30))
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert f"Instant refund of up to $29.00 until {until}" in page
    assert f'href="/payments/{payment.pk}/refund/"' in page
    policy(automatic_up_to=500)
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert f"Up to $29.00 until {until}. Up to $5.00 is instant; more needs our approval." in page
    policy(automatic_up_to=0)
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert f"Refund of up to $29.00 until {until}, with our approval" in page


def test_it_says_why_nothing_may_be_refunded(client: Client, payment: Payment) -> None:
    Payment.objects.update(paid_at=timezone.now() - timedelta(days=31))
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "Not refundable" in page
    assert "Payments of this kind are refundable for 30 days." in page
    assert "Ask for a refund" not in page
    assert "Payments of this kind are refundable" in page_of(
        client, f"/payments/{payment.pk}/refund/"
    )
    assert send(client, payment).status_code == 409
    assert not Refund.objects.exists()


def test_the_form_of_a_refunded_payment_says_that_nothing_is_left(
    client: Client, payment: Payment
) -> None:
    Payment.objects.update(amount_refunded=2900)
    page = page_of(client, f"/payments/{payment.pk}/refund/")
    assert "All of it was refunded or is on its way" in page
    assert 'name="how_much"' not in page


def test_a_smaller_share_and_the_next_one_are_said(client: Client, payment: Payment) -> None:
    policy(shares=(Share(10, 100), Share(40, 50)))
    paid_at = payment.paid_at or payment.created_at
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    last = dates.long_date(paid_at + timedelta(days=40))
    assert f"After that, you can get 50% back until {last}." in page
    Payment.objects.update(paid_at=timezone.now() - timedelta(days=20))
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "Instant refund of up to $14.50" in page
    assert "50% is refundable within 40 days of the payment." in page


def test_a_payment_without_an_invoice_has_it_too(client: Client, alice: User) -> None:
    row = factories.make_payment(alice.customers.get(), amount=1200, description="Guest pass")
    page = page_of(client, f"/payments/{row.pk}/")
    assert "Instant refund of up to $12.00" in page
    assert "Refundable until" in page_of(client, "/payments/")


@pytest.mark.slow
def test_lists_stay_flat_however_many_payments_and_refunds(
    client: Client, alice: User, payment: Payment, django_assert_max_num_queries: Any
) -> None:
    count: DjangoAssertNumQueries = django_assert_max_num_queries
    ask(alice, payment, 100)
    factories.make_payment(alice.customers.get())
    with count(MOST_QUERIES) as few:
        client.get("/payments/")
    policy(automatic_up_to=0)
    for number in range(10):
        invoice = factories.make_invoice(alice.customers.get(), number=f"MANY-{number}")
        ask(alice, factories.make_payment(invoice=invoice), 100)
        ask(alice, factories.make_payment(alice.customers.get()), 100)
    factories.make_payment(alice.customers.get())
    with count(MOST_QUERIES) as many:
        page = client.get("/payments/").content.decode()
    assert len(many) <= len(few)
    assert page.count("In review") == 20
    assert "Refundable until" in page


# Asking


def test_the_form_previews_the_whole_amount_without_javascript(
    client: Client, payment: Payment
) -> None:
    page = page_of(client, f"/payments/{payment.pk}/refund/")
    assert "You’ll be refunded right away" in page
    assert "We’ll send $29.00 to your Visa ending in 4242 right away." in page
    assert "Request refund of $29.00</span>" in page
    assert "goodwill" not in page.lower()


@pytest.mark.parametrize(
    ("rules", "amount", "says"),
    [
        ({}, "9", "You’ll be refunded right away"),
        ({"automatic_up_to": 500}, "9.00", "Up to $5.00 would be refunded right away."),
        ({"automatic_up_to": 0}, "$9", "Someone on our team will review this"),
        (
            {"automatic_up_to": 0, "two_people_from": 800},
            "9",
            "Two people on our team will review this",
        ),
        ({}, "40", "Enter an amount up to $29.00."),
        ({}, "nine", "Enter an amount, for example 29.00."),
        ({}, "10,50", "Use a decimal point, for example 10.50."),
        ({}, "1,234,5", "Enter an amount, for example 29.00."),
        ({}, "", "Enter an amount up to $29.00."),
    ],
)
def test_the_preview_says_what_would_happen(
    client: Client, payment: Payment, rules: dict[str, Any], amount: str, says: str
) -> None:
    policy(**rules)
    url, sent = f"/payments/{payment.pk}/refund/", {"look": "1", "how_much": "part"}
    with_htmx = client.post(url, sent | {"amount": amount}, headers={"HX-Request": "true"})
    assert with_htmx.status_code == 200
    assert says in words(with_htmx)
    assert "<html" not in words(with_htmx)
    whole = client.post(url, sent | {"amount": amount})
    if "nter an amount" in says or "the amount" in says:
        # A whole page says at the field what is wrong with it, and nowhere else.
        assert len(re.findall("Enter an amount|Write the amount", words(whole))) == 1
    else:
        assert says in words(whole)
    assert "Choose a reason.</span>" not in words(whole)
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"how_much": "part", "amount": "40"}, "Enter an amount up to $29.00."),
        ({"how_much": "part", "amount": "0"}, "Enter an amount up to $29.00."),
        ({"how_much": "part", "amount": "12,5"}, "Use a decimal point, for example 12.50."),
        ({"how_much": "most"}, "Choose how much."),
        ({"reason": ""}, "Choose a reason."),
        ({"reason": "goodwill"}, "Choose a reason."),
        ({"membership": "burn"}, "Choose one."),
        ({"words": "x" * 1001}, "at most 1000 characters"),
        ({"key": "nonsense"}, "This page has expired."),
    ],
)
def test_bad_input_is_answered_in_place(
    client: Client, payment: Payment, changes: dict[str, str], says: str
) -> None:
    answer = send(client, payment, **changes)
    assert answer.status_code == 422
    assert says in words(answer)
    assert not Refund.objects.exists()


def test_htmx_gets_what_is_wrong_with_the_amount_at_its_field(
    client: Client, payment: Payment
) -> None:
    url, typed = f"/payments/{payment.pk}/refund/", {"look": "1", "how_much": "part"}
    for amount, says in (("10,50", "for example 10.50"), ("", ""), ("40", "up to $29.00")):
        answer = client.post(url, typed | {"amount": amount}, headers={"HX-Request": "true"})
        _swapped, at_field = words(answer).split('<div id="amount-said" hx-swap-oob="true">')
        assert says in at_field
        assert ('class="error"' in at_field) == bool(says)
        # The button names no amount that won't be asked for.
        assert "Request refund of" not in words(answer)


def test_a_preview_changes_the_words_of_the_button_and_not_the_button(
    client: Client, payment: Payment
) -> None:
    """It may come while the button is pressed, and a button that's exchanged then does nothing."""
    url, typed = f"/payments/{payment.pk}/refund/", {"look": "1", "how_much": "part", "amount": "9"}
    answer = words(client.post(url, typed, headers={"HX-Request": "true"}))
    assert "<button" not in answer
    said = answer.split('<span id="request-words" hx-swap-oob="true">')[1]
    assert "Request refund of $9.00" in said
    assert page_of(client, url).count('id="request-words"') == 1


def test_a_preview_that_comes_after_the_request_leads_nowhere(
    client: Client, payment: Payment
) -> None:
    url, htmx = f"/payments/{payment.pk}/refund/", {"HX-Request": "true"}
    [key] = re.findall(r'name="key" value="([^"]+)"', page_of(client, url))
    assert send(client, payment, key=key).status_code == 302
    late: Any = client.post(url, {"look": "1", "key": key, "how_much": "all"}, headers=htmx)
    assert (late.status_code, late.content) == (204, b"")
    assert not {"HX-Redirect", "HX-Location"} & set(late.headers)
    # Without HTMX, it's a page, and that's the refund's.
    assert client.post(url, {"look": "1", "key": key}).status_code == 302


def test_htmx_gets_the_form_with_what_is_wrong_and_then_goes_to_the_refund(
    client: Client, payment: Payment
) -> None:
    url, htmx = f"/payments/{payment.pk}/refund/", {"HX-Request": "true"}
    page = page_of(client, url)
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    sent = {"key": key, "shown": "2900", "how_much": "all", "membership": "keep", "words": "Ill."}
    answer = client.post(url, sent, headers=htmx)
    assert answer.status_code == 200
    assert "<html" not in words(answer)
    assert "Choose a reason.</span>" in words(answer)
    assert "Ill.</textarea>" in words(answer)
    changed = client.post(url, sent | {"shown": "4000"}, headers=htmx)
    assert "What can be refunded has changed in the meantime." in words(changed)
    assert "<html" not in words(changed)
    done = [client.post(url, sent | {"reason": "not_used"}, headers=htmx) for _ in range(2)]
    refund = Refund.objects.get()
    assert {one["HX-Redirect"] for one in done} == {f"/refunds/{refund.pk}/"}


def test_what_has_changed_since_the_page_was_made_is_shown_first(
    client: Client, payment: Payment
) -> None:
    answer = send(client, payment, shown="4000")
    assert answer.status_code == 409
    assert "What can be refunded has changed in the meantime." in words(answer)
    assert not Refund.objects.exists()


def test_a_refused_request_says_why_in_place(client: Client, alice: User, payment: Payment) -> None:
    policy(automatic_up_to=0)
    ask(alice, payment, 900)
    answer = send(client, payment, how_much="part", amount="5", shown="2000")
    assert answer.status_code == 409
    assert "You’ve already requested a refund of this payment." in words(answer)


def test_approved_at_once_and_followed_to_the_bank(
    client: Client, alice: User, payment: Payment
) -> None:
    answer = send(client, payment, how_much="part", amount="9")
    row = Refund.objects.for_user(alice).get()
    assert answer["Location"] == f"/refunds/{row.pk}/"
    assert (row.amount, row.words, row.reason) == (900, "I was ill.", "not_used")
    page = page_of(client, f"/refunds/{row.pk}/")
    assert "We’re sending it" in page
    assert 'hx-trigger="every 2s"' in page
    run_jobs()
    row.refresh_from_db()
    page = page_of(client, f"/refunds/{row.pk}/")
    assert "Approved automatically under our refund policy" in page
    first, last = dates.arrival(row.succeeded_at or timezone.now())
    assert f"between {dates.long_date(first)} and {dates.long_date(last)}" in page
    assert "hx-trigger" not in page
    assert "Refund you asked for" in page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "Refunds in progress" in page_of(client, "/payments/")


def test_a_double_click_makes_one_refund(client: Client, payment: Payment) -> None:
    key = str(uuid.uuid4())
    first = send(client, payment, key=key)
    second = client.post(
        f"/payments/{payment.pk}/refund/", {"key": key, "shown": "2900", "how_much": "all"}
    )
    assert first["Location"] == second["Location"]
    assert Refund.objects.count() == 1


def test_a_request_that_waits_is_shown_instead_of_a_second_form(
    client: Client, alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    assert client.get(f"/payments/{payment.pk}/refund/")["Location"] == f"/refunds/{row.pk}/"
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "In review" in page
    assert "Ask for a refund" not in page


# The membership


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how_much", "amount", "says"),
    [
        ("all", "", "Your membership ends as soon as all of this is approved."),
        ("part", "9", "You won’t be charged again."),
    ],
)
def test_the_fate_of_the_membership_is_asked_and_foretold(
    client: Client, alice: User, payment: Payment, how_much: str, amount: str, says: str
) -> None:
    url = f"/payments/{payment.pk}/refund/"
    assert "What about your membership?" in page_of(client, url)
    sent = {"look": "1", "how_much": how_much, "amount": amount}
    assert says in words(client.post(url, sent | {"membership": "cancel"}))
    assert "Your membership continues." in words(client.post(url, sent | {"membership": "keep"}))
    send(client, payment, how_much=how_much, amount=amount, membership="cancel")
    row = Refund.objects.for_user(alice).get()
    assert row.cancels_membership
    assert "It ends, too, as you asked" in page_of(client, f"/refunds/{row.pk}/")
    run_jobs()
    membership = Subscription.objects.for_user(alice).get()
    assert (membership.status == "canceled") is (how_much == "all")


def test_no_membership_is_asked_about_where_none_hangs_on_it(client: Client, alice: User) -> None:
    row = factories.make_payment(alice.customers.get(), amount=1200)
    assert "What about your membership?" not in page_of(client, f"/payments/{row.pk}/refund/")


# Strangers


def test_strangers_find_nothing(client: Client, alice: User, payment: Payment) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    bob = sign_up("Bob Baker")
    client.force_login(bob)
    assert client.get(f"/payments/{payment.pk}/refund/").status_code == 404
    assert client.post(f"/payments/{payment.pk}/refund/", {"look": "1"}).status_code == 404
    assert client.get(f"/refunds/{row.pk}/").status_code == 404
    assert client.post(f"/refunds/{row.pk}/withdraw/").status_code == 404
    assert "Refunds in progress" not in page_of(client, "/payments/")
    client.logout()
    for url in (f"/payments/{payment.pk}/refund/", f"/refunds/{row.pk}/"):
        assert client.get(url)["Location"].startswith("/accounts/login/")
    row.refresh_from_db()
    assert row.state == RefundState.REQUESTED


# The tracker


def tell(client: Client, row: Refund, **columns: Any) -> str:
    """Return the tracker of a refund that has become something."""
    Refund.objects.filter(pk=row.pk).update(**columns)
    return page_of(client, f"/refunds/{row.pk}/")


@pytest.fixture
def asked(alice: User, payment: Payment) -> Refund:
    """A request that a person decides on."""
    policy(automatic_up_to=0)
    return ask(alice, payment, 2900)


def test_withdrawn_while_undecided(client: Client, asked: Refund) -> None:
    page = page_of(client, f"/refunds/{asked.pk}/")
    assert "We’re reviewing it" in page
    assert "Withdraw your request?" in page
    answer = client.post(f"/refunds/{asked.pk}/withdraw/", follow=True)
    assert "You withdrew your request for $29.00." in words(answer)
    assert "You withdrew your request</" not in words(answer)
    assert "Withdraw my request" not in words(answer)
    again = client.post(f"/refunds/{asked.pk}/withdraw/", follow=True)
    assert "We’ve already decided on this request." in words(again)
    assert client.get(f"/refunds/{asked.pk}/withdraw/")["Location"] == f"/refunds/{asked.pk}/"


def test_htmx_withdraws_in_place_once(client: Client, asked: Refund) -> None:
    url, htmx = f"/refunds/{asked.pk}/withdraw/", {"HX-Request": "true"}
    answer = words(client.post(url, headers=htmx))
    assert "<html" not in answer
    assert "You withdrew your request for $29.00." in answer
    assert "Withdraw my request" not in answer
    again = words(client.post(url, headers=htmx))
    assert "We’ve already decided on this request." in again
    # What's said in place isn't said again by the next page.
    assert "You withdrew your request for" not in page_of(client, f"/refunds/{asked.pk}/")


def test_a_decision_meanwhile_is_shown_and_followed(client: Client, asked: Refund) -> None:
    Refund.objects.update(state=RefundState.APPROVED, decided_at=timezone.now())
    answer = words(client.post(f"/refunds/{asked.pk}/withdraw/", headers={"HX-Request": "true"}))
    assert "We’ve already decided on this request." in answer
    assert f'hx-get="/refunds/{asked.pk}/?seen=' in answer


def test_polling_brings_news_only(client: Client, asked: Refund) -> None:
    url = f"/refunds/{asked.pk}/"
    page = page_of(client, url)
    stamp = re.search(r"seen=([^\"]+)\"", page)
    assert stamp
    htmx = {"HX-Request": "true"}
    assert client.get(f"{url}?seen={stamp.group(1)}", headers=htmx).status_code == 204
    refunds.deny(asked.pk, refund_world.approver("Bob Baker"), "The workshop took place.")
    fresh = client.get(f"{url}?seen={stamp.group(1)}", headers=htmx)
    assert "We didn’t approve it" in words(fresh)
    assert "The workshop took place." in words(fresh)
    assert "<html" not in words(fresh)
    assert "hx-trigger" not in words(fresh)


def test_less_than_asked_is_said_with_our_words(client: Client, asked: Refund) -> None:
    refunds.approve(asked.pk, refund_world.approver("Bob Baker"), 2000, "You used a third of it.")
    page = page_of(client, f"/refunds/{asked.pk}/")
    assert "You requested $29.00" in page
    assert "We approved $20.00 of it" in page
    assert "You used a third of it." in page


def test_two_people_are_said_but_not_what_one_wrote(client: Client, asked: Refund) -> None:
    Refund.objects.update(approvals_needed=2)
    refunds.approve(asked.pk, refund_world.approver("Bob Baker"), words="Between us: odd.")
    page = page_of(client, f"/refunds/{asked.pk}/")
    assert "Two people on our team are reviewing it" in page
    assert "One of them has approved it." in page
    assert "Between us" not in page


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"state": "pending", "pending_reason": "insufficient_funds"}, "topped up first"),
        ({"state": "pending", "pending_reason": "charge_pending"}, "hasn’t fully gone through yet"),
        ({"state": "pending"}, "still working on it"),
        ({"state": "requires_action"}, "asking where to send the money"),
        ({"state": "failed", "failure_reason": "lost_or_stolen_card"}, "lost or stolen"),
        ({"state": "failed", "failure_reason": "new_word"}, "Your bank sent it back."),
        ({"state": "canceled"}, "canceled it. Nothing was sent."),
    ],
)
def test_the_plain_truth_of_each_state_at_stripe(
    client: Client, asked: Refund, columns: dict[str, Any], says: str
) -> None:
    now = timezone.now()
    at_stripe = {"stripe_id": "re_1", "decided_at": now, "sent_at": now, "failed_at": now}
    page = tell(client, asked, **at_stripe | columns)
    assert says in page
    for word in ("insufficient_funds", "requires_action", "re_1", "new_word"):
        assert word not in page


def test_where_the_money_goes_is_not_said_where_stripe_had_to_ask(
    client: Client, asked: Refund
) -> None:
    assert "Visa ending in 4242" in tell(client, asked, state="pending", stripe_id="re_1")
    until = datetime(2031, 1, 9, 12, tzinfo=UTC)
    page = tell(client, asked, state="requires_action", answer_by=until)
    assert re.search(r"Answer by Thursday, January 9(, 2031)?\.", page)
    for state in ("pending", "succeeded", "canceled"):
        page += tell(client, asked, state=state, succeeded_at=timezone.now())
    assert "Goes to" not in page
    assert "you didn’t say where to send the money" in page


def test_the_number_of_the_bank_is_shown_as_soon_as_stripe_has_it(
    sandbox: Sandbox, client: Client, asked: Refund
) -> None:
    refunds.approve(asked.pk, refund_world.approver("Bob Baker"))
    run_jobs()
    asked.refresh_from_db()
    assert "reference" not in page_of(client, f"/refunds/{asked.pk}/").lower()
    sandbox.control(f"refunds/{asked.stripe_id}", step="refer")
    deliver(sandbox.events())
    asked.refresh_from_db()
    assert len(asked.reference) == 23
    assert asked.reference in page_of(client, f"/refunds/{asked.pk}/")


def test_arrival_is_told_in_the_members_time_zone_and_later_by_the_reference(
    client: Client, alice: User, asked: Refund
) -> None:
    Member.objects.filter(user=alice).update(time_zone="Pacific/Auckland")
    sent = datetime(2031, 11, 23, 23, 30, tzinfo=UTC)
    at_bank = {"state": "succeeded", "stripe_id": "re_1", "decided_at": sent}
    page = tell(client, asked, **at_bank, sent_at=sent, succeeded_at=sent)
    # It is Monday, November 24 there.
    between = r"between Monday, December 1(, 2031)? and Monday, December 8(, 2031)?"
    assert re.search(between, page)
    old = timezone.now() - timedelta(days=40)
    page = tell(client, asked, sent_at=old, succeeded_at=old, reference="74211234")
    assert "It should have reached your account by" in page
    assert "74211234" in page


def test_stuck_before_stripe_is_said(client: Client, asked: Refund) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    page = tell(client, asked, state="sending", decided_at=long_ago, problem="Not sent yet: down")
    assert "hasn’t accepted it yet" in page
    assert "Not sent yet: down" not in page


def test_goodwill_is_seen_once_it_is_agreed_and_never_before(
    client: Client, alice: User, payment: Payment
) -> None:
    policy(two_people_from=100)
    bob, carol = refund_world.approver("Bob Baker"), refund_world.approver("Carol", large=True)
    gift = refund_request(500, RefundReason.GOODWILL, words="She complains a lot.")
    row = refunds.give(payment.pk, bob, gift)
    assert client.get(f"/refunds/{row.pk}/").status_code == 404
    assert "5.00" not in page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    refunds.approve(row.pk, carol)
    run_jobs()
    page = page_of(client, f"/refunds/{row.pk}/")
    assert "We refunded you $5.00" in page
    assert "complains" not in page
    assert "Refunded by us" in page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    other = refunds.give(payment.pk, bob, refund_request(500, RefundReason.GOODWILL))
    refunds.deny(other.pk, carol, "Too much.")
    assert client.get(f"/refunds/{other.pk}/").status_code == 404


def test_a_refund_of_the_dashboard_is_one_by_us(
    sandbox: Sandbox, client: Client, alice: User, payment: Payment
) -> None:
    params: Any = {"payment_intent": payment.stripe_id, "amount": 700}
    sandbox.stripe.v1.refunds.create(params)
    deliver(sandbox.events())
    row = Refund.objects.for_user(alice).get()
    assert "Refunded by us" in page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "We refunded you $7.00" in page_of(client, f"/refunds/{row.pk}/")


def test_overtaken_by_the_dashboard(
    sandbox: Sandbox, client: Client, payment: Payment, asked: Refund
) -> None:
    params: Any = {"payment_intent": payment.stripe_id}
    sandbox.stripe.v1.refunds.create(params)
    deliver(sandbox.events())
    page = page_of(client, f"/refunds/{asked.pk}/")
    assert "Your request is closed" in page
    assert "This payment was refunded another way in the meantime." in page


@pytest.mark.slow
def test_home_holds_a_failed_refund_up_until_it_is_made_good(
    sandbox: Sandbox, client: Client
) -> None:
    nina = paid_member(sandbox, "Nina Novak", card="4000000000005126")
    policy()
    payment = Payment.objects.for_user(nina).get()
    row = ask(nina, payment, 2900)
    run_jobs()
    client.force_login(nina)
    assert "didn’t arrive" not in page_of(client, "/")
    sandbox.control("clock", advance_seconds=2 * 86_400)
    deliver(sandbox.events())
    page = page_of(client, "/")
    assert "Your refund of $29.00 didn’t arrive" in page
    assert "lost or stolen" in page
    assert f'href="/refunds/{row.pk}/"' in page
    page = page_of(client, f"/refunds/{row.pk}/")
    assert "It didn’t arrive" in page
    assert "will be in touch" in page
    invoice = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "Instant refund of up to $29.00" in invoice
    ask(nina, payment, 500)
    assert "Your refund of $29.00 didn’t arrive" in page_of(client, "/")
    ask(nina, payment, 2400)
    assert "didn’t arrive" not in page_of(client, "/")


def test_home_says_what_goes_on_with_refunds_and_leads_to_each(
    client: Client, alice: User, payment: Payment, django_assert_max_num_queries: Any
) -> None:
    count: DjangoAssertNumQueries = django_assert_max_num_queries
    assert "in progress" not in page_of(client, "/")
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    with count(MOST_QUERIES):
        page = page_of(client, "/")
    assert "Refund in progress" in page
    assert f'href="/refunds/{row.pk}/"' in page
    assert "$9.00" in page
    assert "In review" in page
    later = [ask(alice, factories.make_payment(alice.customers.get()), 100) for _ in range(3)]
    with count(MOST_QUERIES):
        page = page_of(client, "/")
    assert all(f'href="/refunds/{one.pk}/"' in page for one in later)
    # The newest three, and the way to all.
    assert f'href="/refunds/{row.pk}/"' not in page
    assert 'href="/payments/#refunds"' in page


@pytest.mark.slow
def test_home_holds_up_what_needs_an_answer_and_says_it_once(
    client: Client, alice: User, payment: Payment
) -> None:
    policy(automatic_up_to=0)
    row = ask(alice, payment, 900)
    Refund.objects.update(state=RefundState.REQUIRES_ACTION, stripe_id="re_1")
    page = page_of(client, "/")
    assert "Your refund of $9.00 needs an answer from you" in page
    assert page.count(f'href="/refunds/{row.pk}/"') == 1
    assert "Refund in progress" not in page
    refund = page_of(client, f"/refunds/{row.pk}/")
    assert "Check your spam folder, or write to help@example.com." in refund
    assert "· You<" not in refund
    # Many others do not push it away.
    for _ in range(21):
        ask(alice, factories.make_payment(alice.customers.get()), 100)
    assert "needs an answer from you" in page_of(client, "/")


def test_a_strangers_home_knows_of_no_refund(client: Client, alice: User, payment: Payment) -> None:
    policy(automatic_up_to=0)
    ask(alice, payment, 900)
    client.force_login(factories.make_member("Mallory Marsh"))
    page = page_of(client, "/")
    assert "$9.00" not in page
    assert "In review" not in page


def test_at_the_bank_is_under_way_until_banks_usually_show_it(
    client: Client, alice: User, payment: Payment
) -> None:
    row = ask(alice, payment, 900)
    run_jobs()
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    badge = '<span class="badge is-{}">'
    for url in ("/", "/payments/", f"/refunds/{row.pk}/"):
        page = page_of(client, url)
        assert "At your bank" in page
        assert badge.format("wait") in page
    sent = timezone.now() - timedelta(days=15)
    Refund.objects.update(sent_at=sent, succeeded_at=sent)
    for url in ("/", "/payments/"):
        assert f'href="/refunds/{row.pk}/"' not in page_of(client, url)
    page = page_of(client, f"/refunds/{row.pk}/")
    assert re.search(r'class="badge is-good">.*?Refunded', page)


def test_days_of_banks_are_counted_from_monday_to_friday() -> None:
    friday = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert dates.business_days_after(friday, 1, UTC) == datetime(2026, 11, 30, 12, tzinfo=UTC)
    first, last = dates.arrival(friday, UTC)
    assert (first.day, last.day) == (4, 11)


def test_no_policy_for_a_kind_means_not_refundable(client: Client, payment: Payment) -> None:
    version = RefundPolicy.objects.latest("version")
    only = {PaymentKind.SINGLE: Rule((Share(10, 100),))}
    RefundPolicy.objects.create(
        version=version.version + 1,
        currency="usd",
        rules={
            kind.value: {
                "shares": [{"days": 10, "percent": 100}],
                "automatic_up_to": 0,
                "automatic_per_year": 0,
                "two_people_from": None,
            }
            for kind in only
        },
    )
    page = page_of(client, f"/payments/invoices/{payment.invoice_id}/")
    assert "Payments of this kind aren’t refundable." in page
