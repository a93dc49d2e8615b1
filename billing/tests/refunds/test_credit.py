"""Refunds of what credit paid along with a card: nobody loses what they have paid for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from billing.core.dates import long_date
from billing.membership import switch_options, switching
from billing.models import Invoice, Payment, Refund, RetentionOffer, Subscription
from billing.refunds import membership_end
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.membership_end import Ending
from billing.refunds.policy import Share
from billing.refunds.transitions import RefundError
from billing.sync import catalog
from billing.tests import factories, refund_world
from billing.tests.facts.test_credit import mail_of, set_balance
from billing.tests.life import deliver, know_the_plan, paid_member, sign_up, subscribe
from billing.tests.refund_world import policy, refund_request
from conftest import Sandbox, run_jobs
from testing.made_once import made_once

pytestmark = pytest.mark.django_db

MONTHLY, YEARLY = "price_membership_monthly", "price_membership_yearly"


@pytest.fixture
def alice(sandbox: Sandbox, client: Client, settings: Settings) -> User:
    """A signed-in member who pays by the year."""
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    know_the_plan(sandbox)
    user = paid_by_the_year(sandbox)
    client.force_login(user)
    return user


@made_once
def paid_by_the_year(sandbox: Sandbox) -> User:
    user = paid_member(sandbox, price=YEARLY)
    policy(two_people_from=None)
    return user


def switch(sandbox: Sandbox, user: User) -> None:
    """Pay by the other interval from now on, with all events delivered."""
    row = Subscription.objects.for_user(user).get(status="active")
    choice = switch_options.choices(row)[0]
    switching.switch(user, choice, switching.preview(row, choice).token)
    deliver(sandbox.events())


@pytest.fixture
def rejoined(sandbox: Sandbox, alice: User) -> Payment:
    """The payment of $29.00 for a year, of which credit of an earlier year paid $261.00."""
    switch(sandbox, alice)
    sandbox.stripe.v1.subscriptions.cancel(Subscription.objects.get().stripe_id)
    deliver(sandbox.events())
    subscribe(sandbox, alice, price=YEARLY)
    deliver(sandbox.events())
    return Payment.objects.for_user(alice).get(amount=2900)


def words(answer: Any) -> str:
    """Return what a page says, without its tags."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text).replace("&#x27;", "'")


def live(user: User) -> Subscription:
    return Subscription.objects.for_user(user).get(status="active")


@pytest.mark.slow
def test_a_year_that_credit_paid_along_goes_on_to_its_end(
    sandbox: Sandbox, client: Client, alice: User, rejoined: Payment
) -> None:
    until = long_date(live(alice).current_period_end)
    url = f"/payments/{rejoined.pk}/refund/"
    says = f"Your membership continues until {until} because credit paid for part of it."
    # Said beside the choice before anything is chosen, and once it is.
    assert says in words(client.get(url))
    look = {"look": "1", "how_much": "all", "membership": "cancel"}
    assert words(client.post(url, look)).count(says) == 2
    row = refunds.request(alice, rejoined.pk, refund_request(2900, cancels_membership=True))
    run_jobs()
    deliver(sandbox.events())
    after = live(alice)
    assert after.ends_at == after.current_period_end
    tracker = words(client.get(f"/refunds/{row.pk}/"))
    assert f"It ends on {until} because credit paid for part of it" in tracker
    assert re.sub(r" \d{4}$", "", until.split(", ")[1]) in mail_of("membership_ends")


def test_while_we_decide_tracker_and_mails_say_so_too(
    client: Client, alice: User, rejoined: Payment
) -> None:
    policy(automatic_up_to=0, two_people_from=None)
    row = refunds.request(alice, rejoined.pk, refund_request(2900, cancels_membership=True))
    until = long_date(live(alice).current_period_end)
    because = "because credit paid for part of it"
    tracker = words(client.get(f"/refunds/{row.pk}/"))
    assert f"If we approve the refund, it continues until {until} {because}" in tracker
    assert f"Your membership: continues until {until}, {because}" in mail_of("refund_received")
    refunds.approve(row.pk, refund_world.approver("Bob Baker"))
    assert f"Your membership: continues until {until}, {because}" in mail_of("refund_approved")
    run_jobs()
    assert live(alice).ends_at


@pytest.mark.slow
def test_without_credit_mails_and_tracker_say_that_it_ends_at_once(
    client: Client, alice: User
) -> None:
    policy(automatic_up_to=0, two_people_from=None)
    payment = Payment.objects.for_user(alice).get()
    row = refunds.request(alice, payment.pk, refund_request(29_000, cancels_membership=True))
    tracker = f"/refunds/{row.pk}/"
    assert "It ends right away if we approve all of this" in words(client.get(tracker))
    assert "Your membership: ends right away if we approve it" in mail_of("refund_received")
    refunds.approve(row.pk, refund_world.approver("Bob Baker"))
    assert "Your membership: ends right away" in mail_of("refund_approved")
    run_jobs()
    assert Subscription.objects.get().status == "canceled"
    assert "It ended, as you asked" in words(client.get(tracker))


@pytest.mark.slow
def test_time_that_a_switch_brought_in_counts_as_credit(
    sandbox: Sandbox, alice: User, settings: Settings
) -> None:
    bob = sign_up("Bert Bishop")
    subscribe(sandbox, bob, price=MONTHLY)
    sandbox.control("clock", advance_seconds=10 * 86_400)
    deliver(sandbox.events())
    switch(sandbox, bob)
    year = Payment.objects.for_user(bob).get(invoice__billing_reason="subscription_update")
    assert 26_000 < year.amount < 29_000
    assert membership_end.ending_of(year, year.amount) == Ending.CREDIT_STAYS


def test_a_month_that_credit_pays_is_not_ended_by_what_is_left_of_the_year(
    sandbox: Sandbox, alice: User
) -> None:
    sandbox.control("clock", advance_seconds=10 * 86_400)
    deliver(sandbox.events())
    year = Payment.objects.for_user(alice).get()
    switch(sandbox, alice)
    left = refund_terms.facts_of(year).left
    assert 0 < left < 1000
    assert membership_end.ending_of(year, left) == Ending.WITH_PERIOD


def test_a_renewal_that_credit_pays_is_the_period_that_runs(sandbox: Sandbox, alice: User) -> None:
    year = Payment.objects.for_user(alice).get()
    assert membership_end.ending_of(year, year.amount) == Ending.AT_ONCE
    set_balance(sandbox, -40_000)
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    assert Invoice.objects.latest("created_at").amount_paid == 0
    assert membership_end.ending_of(year, year.amount) == Ending.WITH_PERIOD


def test_of_two_payments_the_last_refund_ends_it_whichever_it_is(alice: User) -> None:
    row = live(alice)
    invoice = factories.make_invoice(row.customer, subscription=row, total=3000)
    first, second = (
        factories.make_payment(invoice=invoice, amount=amount, amount_received=amount)
        for amount in (1000, 2000)
    )
    assert membership_end.ending_of(first, 1000) == Ending.PART_STAYS
    assert membership_end.ending_of(first, 900) == Ending.WITH_PERIOD
    refunds.request(alice, second.pk, refund_request(2000))
    assert membership_end.ending_of(first, 1000) == Ending.AT_ONCE
    assert membership_end.ending_of(first, 900) == Ending.WITH_PERIOD


# What became credit is not called refunded


def offer_of(client: Client, payment: Payment) -> str:
    return words(client.get(f"/payments/invoices/{payment.invoice_id}/"))


def test_what_became_credit_is_not_called_refunded(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    year = Payment.objects.for_user(alice).get()
    switch(sandbox, alice)
    page = offer_of(client, year)
    assert "The unused part became credit when you switched." in page
    assert "refunded" not in page
    form = words(client.get(f"/payments/{year.pk}/refund/"))
    assert "became credit when you switched" in form
    assert "refunded, or" not in form
    with pytest.raises(RefundError, match="became credit when you switched"):
        refunds.request(alice, year.pk, refund_request(100))
    assert not Refund.objects.exists()


@pytest.mark.slow
def test_partly_refunded_and_the_rest_credited_says_both(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("clock", advance_seconds=10 * 86_400)
    deliver(sandbox.events())
    year = Payment.objects.for_user(alice).get()
    switch(sandbox, alice)
    policy(automatic_up_to=40_000, two_people_from=None)
    refunds.request(alice, year.pk, refund_request(refund_terms.facts_of(year).left))
    run_jobs()
    page = offer_of(client, year)
    assert "Part of it was refunded or is on its way." in page
    assert "The unused rest became credit when you switched" in page


def test_a_smaller_share_than_was_credited_says_where_it_went(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    sandbox.control("clock", advance_seconds=10 * 86_400)
    deliver(sandbox.events())
    policy(shares=(Share(30, 50),))
    year = Payment.objects.for_user(alice).get()
    switch(sandbox, alice)
    page = offer_of(client, year)
    assert "became credit when you switched. What you’d used isn’t refundable" in page
    assert "refunded already" not in page


# What is on its way back is not called refunded, and reads the same wherever it stands


def seen(client: Client, payment: Payment) -> list[str]:
    """Return what home, list and invoice say of a payment's amounts and state."""
    urls = ("/", "/payments/", f"/payments/invoices/{payment.invoice_id}/")
    return [words(client.get(url)) for url in urls]


@pytest.mark.slow
@pytest.mark.parametrize("switched", ["refunds_ask", "refunds_pending"])
def test_until_the_bank_has_it_it_is_being_refunded_everywhere(
    sandbox: Sandbox, client: Client, alice: User, switched: str
) -> None:
    if switched == "refunds_ask":
        sandbox.control("switches", refunds_ask=True)
    else:
        sandbox.control("balance", available=0)
    payment = Payment.objects.for_user(alice).get()
    row = refunds.request(alice, payment.pk, refund_request(1050))
    run_jobs()
    deliver(sandbox.events())
    row.refresh_from_db()
    payment.refresh_from_db()
    assert row.state in ("requires_action", "pending")
    assert payment.amount_refunded == 1050
    for page in seen(client, payment):
        assert "Being refunded" in page
        assert "$10.50 being refunded" in page
        assert "$10.50 refunded" not in page
        assert "Partly refunded" not in page
        assert "Paid $" not in page
    Refund.objects.filter(pk=row.pk).update(state="succeeded")
    for page in seen(client, payment):
        assert "Partly refunded" in page
        assert "$10.50 refunded" in page
        assert "eing refunded" not in page


def test_what_came_back_earlier_is_told_apart_from_what_is_on_its_way(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    payment = Payment.objects.for_user(alice).get()
    refunds.request(alice, payment.pk, refund_request(1000))
    run_jobs()
    refunds.request(alice, payment.pk, refund_request(500))
    for page in seen(client, payment):
        assert "$10.00 refunded" in page
        assert "$5.00 being refunded" in page


def test_a_payment_without_invoice_says_it_on_its_page_too(client: Client, alice: User) -> None:
    payment = factories.make_payment(alice.customers.get(), amount=1200, amount_received=1200)
    refunds.request(alice, payment.pk, refund_request(500))
    assert "Being refunded $5.00" in words(client.get(f"/payments/{payment.pk}/"))
    assert "$5.00 being refunded" in words(client.get("/payments/"))


def test_all_refunded_and_disputed_read_alike_too(client: Client, alice: User) -> None:
    payment = Payment.objects.for_user(alice).get()
    Payment.objects.update(amount_refunded=payment.amount_received)
    for page in seen(client, payment):
        assert "Refunded" in page
        assert "Paid $" not in page
    factories.make_dispute(payment)
    for page in seen(client, payment):
        assert "Disputed" in page


# Switching while a request waits


def test_a_request_in_review_says_what_opens_the_switch_again(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    policy(automatic_up_to=0)
    row = refunds.request(alice, Payment.objects.for_user(alice).get().pk, refund_request(1000))
    page = client.get("/membership/")
    assert "We’re reviewing your refund request for this period’s payment." in words(page)
    assert "To switch now, withdraw the request." in words(page)
    assert f'href="/refunds/{row.pk}/"' in page.content.decode()
    refunds.withdraw(alice, row.pk)
    assert "Switch to monthly" in words(client.get("/membership/"))


def test_what_is_refunded_is_said_as_that(sandbox: Sandbox, client: Client, alice: User) -> None:
    policy(automatic_up_to=3000)
    refunds.request(alice, Payment.objects.for_user(alice).get().pk, refund_request(1000))
    assert "Part of this period’s payment is being refunded." in words(client.get("/membership/"))
    run_jobs()
    assert "Part of this period’s payment was refunded." in words(client.get("/membership/"))


def test_all_that_is_refunded_is_no_part(client: Client, alice: User) -> None:
    payment = Payment.objects.for_user(alice).get()
    refunds.request(alice, payment.pk, refund_request(payment.amount_received))
    Refund.objects.update(state="succeeded")
    page = words(client.get("/membership/"))
    assert "This period’s payment was refunded." in page
    assert "Part of this" not in page


def test_a_gift_that_is_not_agreed_yet_is_not_told_here(client: Client, alice: User) -> None:
    policy(two_people_from=1000)
    payment = Payment.objects.for_user(alice).get()
    refunds.give(payment.pk, refund_world.approver("Bob Baker"), refund_request(2000))
    page = words(client.get("/membership/"))
    assert "We’re reviewing this period’s payment." in page
    assert "refund" not in page


@pytest.mark.slow
def test_a_discount_that_runs_stands_in_the_place_of_the_switch(
    sandbox: Sandbox, client: Client, settings: Settings
) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    bert = sign_up("Bert Bishop")
    subscribe(sandbox, bert, price=MONTHLY)
    coupon = sandbox.stripe.v1.coupons.create(
        {"percent_off": 20, "duration": "repeating", "duration_in_months": 3}
    )
    deliver(sandbox.events())
    row = live(bert)
    sandbox.stripe.v1.subscriptions.update(row.stripe_id, {"discounts": [{"coupon": coupon.id}]})
    deliver(sandbox.events())
    client.force_login(bert)
    page = client.get("/membership/")
    assert "Your discount is for your current plan until" in words(page)
    assert "Switch to yearly" not in words(page)
    assert "/membership/switch/" not in page.content.decode()


# Mails about the next payment say which credit explains it


@pytest.mark.slow
def test_mails_say_that_credit_pays_the_next_time(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    switch(sandbox, alice)
    mail = mail_of("price_switched")
    assert "Next payment: $0.00" in mail
    assert "Credit to be applied: $29.00 of $261.00" in mail
    client.post("/membership/cancel/", {})
    client.post("/membership/resume/")
    mail = mail_of("membership_goes_on")
    assert "Credit to be applied: $29.00 of $261.00" in mail


def test_who_stays_reads_of_the_credit_too(sandbox: Sandbox, client: Client, alice: User) -> None:
    set_balance(sandbox, -1200)
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 50, "duration": "once"})
    RetentionOffer.objects.create(
        headline="Stay", coupon_id=coupon.id, percent_off=50, duration="once"
    )
    client.get("/membership/cancel/")
    client.post("/membership/stay/")
    deliver(sandbox.events())
    mail = mail_of("offer_accepted")
    assert "Next payment: $133.00" in mail
    assert "Credit to be applied: $12.00 of $12.00" in mail


def test_without_credit_the_mails_say_nothing_of_it(client: Client, alice: User) -> None:
    client.post("/membership/cancel/", {})
    client.post("/membership/resume/")
    assert "credit" not in mail_of("membership_goes_on")


# What a member reads of amounts and names


def test_an_invoice_paid_partly_from_credit_says_what_was_paid(
    client: Client, alice: User, rejoined: Payment
) -> None:
    page = words(client.get("/payments/"))
    assert "$290.00 −$261.00 from credit $29.00 paid" in page
    invoice = words(client.get(f"/payments/invoices/{rejoined.invoice_id}/"))
    assert "Credit applied −$261.00 Paid $29.00" in invoice
    assert "Due" not in invoice


def test_years_and_credits_have_names_of_their_own(
    sandbox: Sandbox, client: Client, alice: User
) -> None:
    switch(sandbox, alice)
    page = words(client.get("/payments/"))
    names = re.findall(r"Membership, \w+ \d{4}(?: to \w+ \d{4})?", page)
    month, year = names
    assert " to " not in month
    first, last = year.removeprefix("Membership, ").split(" to ")
    assert (first.split()[0], int(first.split()[1]) + 1) == (last.split()[0], int(last.split()[1]))
    assert "Credited −$261.00" in page
    assert "You have $261.00 in credit. We’ll use it before charging your card." in page
    credited = Invoice.objects.get(total__lt=0)
    invoice = words(client.get(f"/payments/invoices/{credited.pk}/"))
    assert "Credited" in invoice
    assert "Paid" not in invoice
    client.post("/membership/cancel/", {})
    assert "$261.00 in credit. We’ll keep it for you." in words(client.get("/payments/"))


def test_the_payments_page_says_nothing_of_no_credit(client: Client, alice: User) -> None:
    assert "credit" not in words(client.get("/payments/"))


def test_what_is_refundable_later_counts_what_was_refunded(client: Client, alice: User) -> None:
    policy(shares=(Share(14, 100), Share(30, 50)), automatic_up_to=30_000, two_people_from=None)
    payment = Payment.objects.for_user(alice).get()
    assert "After that, you can get 50% back until" in offer_of(client, payment)
    refunds.request(alice, payment.pk, refund_request(10_000))
    assert "After that, you can get up to $45.00 back until" in offer_of(client, payment)
    refunds.request(alice, payment.pk, refund_request(5000))
    assert "After that, no more can be refunded." in offer_of(client, payment)


@pytest.mark.parametrize(
    ("per_year", "says"),
    [
        (1, "You’ve had your one automatic refund this year"),
        (2, "You’ve had your 2 automatic refunds this year"),
    ],
)
def test_who_has_had_the_refunds_of_a_year_reads_why_a_person_decides(
    client: Client, alice: User, per_year: int, says: str
) -> None:
    policy(automatic_per_year=per_year)
    payment = Payment.objects.for_user(alice).get()
    for _ in range(per_year):
        refunds.request(alice, payment.pk, refund_request(100))
    form = words(client.get(f"/payments/{payment.pk}/refund/"))
    assert f"{says}. Someone on our team will review this one." in form
