"""Two live memberships of one member: staff see both, and end one with a refund, once."""

from __future__ import annotations

import html
import re
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import Settings

from billing.admin.two_memberships import page_of
from billing.core.statuses import RefundReason
from billing.core.unused_time import unused_part
from billing.membership.cancellation import MembershipError
from billing.models import MembershipDecision, Refund, Subscription
from billing.refunds import two_memberships
from billing.refunds.transitions import RefundError
from billing.refunds.two_memberships import Choice
from billing.tests import factories, refund_world
from billing.tests.life import deliver, sold_twice
from billing.tests.staff_world import auditor, manager, signed_in_now, superuser, support
from common.staff import show
from conftest import Sandbox, run_jobs
from emails import rendering
from emails.models import Message
from testing.own_database import at_once

YEARLY = "price_membership_yearly"
DAY = 86_400


@pytest.fixture
def alice(sandbox: Sandbox, db: None) -> User:
    """Alice, who has two memberships; two people decide from $500.00."""
    refund_world.policy(two_people_from=50_000)
    return sold_twice(sandbox)


def row_of(user: User, interval: str) -> Subscription:
    return Subscription.objects.for_user(user).memberships().get(interval=interval)


def text_of(answer: Any) -> str:
    """Return what a page says, without tags."""
    page = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def address(user: User, interval: str) -> str:
    return f"{page_of(user.pk)}end/{row_of(user, interval).pk}/"


def look(client: Client, user: User, interval: str, **chosen: str) -> Any:
    """Choose, and return the answer that says what will happen."""
    return client.get(address(user, interval), chosen)


def say_yes(client: Client, looked: Any, **typed: str) -> str:
    """Press the button of such a page, and return what the page that follows says."""
    form = looked.context["form"]
    hidden = {name: value for name, value in form.initial.items() if value is not None}
    answer = client.post(looked.wsgi_request.get_full_path(), hidden | typed, follow=True)
    return text_of(answer)


# What staff see


@pytest.mark.slow
def test_home_leads_to_both_side_by_side(alice: User) -> None:
    desk = signed_in_now(support())
    home = desk.get("/staff/").content.decode()
    assert page_of(alice.pk) in home
    page = text_of(desk.get(page_of(alice.pk)))
    assert "Alice Archer is charged for both of these." in page
    for known in (
        "$29.00 a month",
        "$290.00 a year",
        "Visa ending in 4242",
        "Next charge of $29.00",
    ):
        assert known in page
    assert page.count(alice.customers.get().stripe_id) == 2
    assert page.count("Review before ending") == 2
    assert re.search(r"\$29.00 on \w+ \d+, \d{4}, Visa ending in 4242", page)
    for row in Subscription.objects.all():
        assert row.stripe_id in page


@pytest.mark.slow
def test_each_subscription_leads_to_both(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    row = row_of(alice, "year")
    both = f"/staff/billing/subscription/{row.pk}/both/"
    assert both in desk.get(show.page_of(row)).content.decode()
    assert desk.get(both)["Location"] == page_of(alice.pk)
    sandbox.stripe.v1.subscriptions.cancel(row.stripe_id)
    deliver(sandbox.events())
    row = row_of(alice, "month")
    assert "See both memberships" not in desk.get(show.page_of(row)).content.decode()


def test_two_customers_of_one_member_are_told_apart(sandbox: Sandbox, db: None) -> None:
    alice = factories.make_member()
    one, other = factories.make_customer(alice), factories.make_customer(alice)
    for customer in (one, other):
        factories.make_subscription(customer)
    page = signed_in_now(support()).get(page_of(alice.pk)).content.decode()
    for customer in (one, other):
        assert f"/staff/billing/customer/{customer.pk}/change/" in page


def test_the_unused_time_is_suggested(alice: User) -> None:
    page = signed_in_now(support()).get(page_of(alice.pk)).content.decode()
    assert "is for the time that’s left of its paid period" in page
    payment = two_memberships.last_payment(row_of(alice, "year"))
    assert payment
    assert 28_900 < two_memberships.suggested(payment) <= 29_000


def test_the_page_says_exactly_what_happens_and_what_goes_on(alice: User) -> None:
    looked = look(signed_in_now(support()), alice, "year", when="now", refund="part", amount="250")
    page = text_of(looked)
    assert "End one of Alice Archer’s memberships?" in page
    assert "Membership for $290.00 a year ends right away and is never charged again." in page
    assert "$250.00 of its $290.00 payment from" in page
    assert "goes back to Visa ending in 4242 right away." in page
    assert "We email Alice Archer that this membership has ended and" in page
    assert "Membership for $29.00 a month. Next charge of $29.00" in page
    assert "End it now and refund $250.00" in page
    assert Refund.objects.count() == 0
    assert MembershipDecision.objects.count() == 0


@pytest.mark.slow
def test_what_else_is_billed_goes_on_too(sandbox: Sandbox, alice: User) -> None:
    locker = sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Locker rental"},
        }
    )
    customer = alice.customers.get().stripe_id
    wanted: Any = {"customer": customer, "items": [{"price": locker.id}]}
    sandbox.stripe.v1.subscriptions.create(wanted)
    deliver(sandbox.events())
    desk = signed_in_now(support())
    page = text_of(look(desk, alice, "month", when="period_end", refund="none"))
    assert "Nothing is refunded." in page
    assert "and won’t renew." in page
    assert "Membership for $290.00 a year. Next charge of $290.00" in page
    assert "Locker rental for $9.00 a month. Next charge of $9.00" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "said"),
    [("291", "Enter an amount up to $290.00."), ("0", "Enter an amount up to $290.00."),
     ("ten", "Enter an amount, like $40.00."), ("", "Enter an amount, like $40.00.")],
)  # fmt: skip
def test_a_part_must_be_an_amount_that_is_left(alice: User, typed: str, said: str) -> None:
    desk = signed_in_now(support())
    answer = look(desk, alice, "year", when="now", refund="part", amount=typed)
    assert answer.status_code == 200
    assert said in text_of(answer)
    assert "Review before ending" in text_of(answer)


# What it does


@pytest.mark.slow
def test_one_ends_now_with_a_refund_through_the_workflow(sandbox: Sandbox, alice: User) -> None:
    boss = support()
    desk = signed_in_now(boss)
    looked = look(desk, alice, "year", when="now", refund="all")
    said = say_yes(desk, looked, words="Bought twice by mistake.")
    assert "Membership has ended. The member is told. $290.00 goes back." in said
    run_jobs()
    deliver(sandbox.events())
    assert row_of(alice, "year").status == "canceled"
    assert row_of(alice, "month").status == "active"
    refund = Refund.objects.get()
    assert (refund.state, refund.amount, refund.origin) == ("succeeded", 29_000, "staff")
    assert (refund.decided_by, refund.reason) == (boss, "duplicate")
    assert [one.action for one in refund.entries.order_by("number")][:2] == ["given", "approved"]
    assert refund.payment.invoice
    assert refund.payment.invoice.subscription == row_of(alice, "year")
    [at_stripe] = sandbox.stripe.v1.refunds.list().data
    assert (at_stripe.amount, at_stripe.reason) == (29_000, "duplicate")
    decision = MembershipDecision.objects.get()
    assert (decision.action, decision.actor, decision.state) == ("cancel_now", boss, "confirmed")
    ended = Message.objects.get(kind="membership_ended", channel="email")
    assert rendering.render_email(ended).subject == "One of your memberships has ended"
    assert "Your other membership ($29.00 a month) continues." in rendering.render_email(ended).text
    assert Message.objects.filter(kind="refund_arrived", channel="email").count() == 1
    assert "charged for two memberships" not in desk.get("/staff/").content.decode()
    assert "has one membership. There’s nothing to do" in text_of(desk.get(page_of(alice.pk)))


@pytest.mark.slow
def test_one_ends_with_its_period_and_without_a_refund(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    said = say_yes(desk, look(desk, alice, "month", when="period_end", refund="none"))
    assert re.search(r"Membership ends on \w+ \d+, \d{4}. The member is told.", said)
    deliver(sandbox.events())
    assert row_of(alice, "month").cancel_at_period_end
    assert not row_of(alice, "year").cancel_at_period_end
    assert not Refund.objects.exists()
    message = Message.objects.get(kind="membership_ends", channel="email")
    mail = rendering.render_email(message)
    assert mail.subject.startswith("One of your memberships ends on ")
    assert "Your other membership ($290.00 a year) continues." in mail.text
    assert "Keep my membership" not in mail.text
    page = text_of(desk.get(page_of(alice.pk)))
    assert "but only one of them will renew" in page


@pytest.mark.slow
def test_a_large_refund_waits_for_a_second_person_while_the_membership_ends(
    sandbox: Sandbox, alice: User
) -> None:
    refund_world.policy(two_people_from=10_000)
    desk = signed_in_now(support())
    looked = look(desk, alice, "year", when="now", refund="all")
    assert "is refunded once someone else approves it too." in text_of(looked)
    assert "End it now and propose a refund of $290.00" in text_of(looked)
    assert "waits until someone else approves it too" in say_yes(desk, looked)
    deliver(sandbox.events())
    assert row_of(alice, "year").status == "canceled"
    refund = Refund.objects.get()
    assert (refund.state, refund.approvals_needed) == ("requested", 2)
    assert sandbox.stripe.v1.refunds.list().data == []


@pytest.mark.slow
def test_sent_twice_it_is_done_once(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    for refund in ("all", "none"):
        if refund == "none":
            sandbox.stripe.v1.subscriptions.create(
                {"customer": alice.customers.get().stripe_id, "items": [{"price": YEARLY}]}
            )
            deliver(sandbox.events())
            Subscription.objects.filter(status="canceled").update(interval="gone")
        looked = look(desk, alice, "year", when="now", refund=refund)
        assert "Membership has ended." in say_yes(desk, looked)
        assert "Membership has ended." in say_yes(desk, looked)
        run_jobs()
        deliver(sandbox.events())
    assert Refund.objects.count() == 1
    assert len(sandbox.stripe.v1.refunds.list().data) == 1
    assert MembershipDecision.objects.count() == 2


@pytest.mark.slow
def test_two_tabs_that_end_one_each_leave_one(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    first = look(desk, alice, "year", when="now", refund="all")
    second = look(desk, alice, "month", when="now", refund="all")
    assert "Membership has ended." in say_yes(desk, first)
    said = say_yes(desk, second)
    assert "Nothing was done. No other membership of this member goes on" in said
    run_jobs()
    deliver(sandbox.events())
    assert row_of(alice, "month").status == "active"
    assert Refund.objects.count() == 1


@pytest.mark.slow
def test_of_many_clicks_at_one_moment_one_counts(sandbox: Sandbox, own_database: None) -> None:
    refund_world.policy(two_people_from=50_000)
    alice, boss = sold_twice(sandbox), superuser()
    choices = []
    for interval in ("year", "month"):
        row = row_of(alice, interval)
        payment = two_memberships.last_payment(row)
        assert payment
        wanted = refund_world.refund_request(payment.amount, RefundReason.DUPLICATE)
        choices += [Choice(subscription=row, at_once=True, payment=payment, refund=wanted)] * 4
    outcomes = at_once([partial(two_memberships.end_one, one, boss) for one in choices])
    assert any(isinstance(one, two_memberships.Outcome) for one in outcomes)
    assert all(isinstance(one, two_memberships.Outcome | MembershipError) for one in outcomes)
    run_jobs()
    deliver(sandbox.events())
    statuses = Subscription.objects.values_list("status", flat=True)
    assert sorted(statuses) == ["active", "canceled"]
    assert Refund.objects.count() == 1
    assert len(sandbox.stripe.v1.refunds.list().data) == 1


# Where it can't be done


@pytest.mark.slow
def test_stripe_away_ends_nothing_and_says_that_the_refund_is_made(
    sandbox: Sandbox, alice: User, settings: Settings
) -> None:
    desk = signed_in_now(support())
    looked = look(desk, alice, "year", when="now", refund="all")
    alone = look(desk, alice, "month", when="now", refund="none")
    stripe, settings.STRIPE_API_BASE = settings.STRIPE_API_BASE, "http://127.0.0.1:9"
    assert "Nothing was done. " in say_yes(desk, alone)
    said = say_yes(desk, looked)
    settings.STRIPE_API_BASE = stripe
    assert "It hasn’t ended." in said
    assert "$290.00 goes back." in said
    assert "Alice Archer is charged for both of these." in said
    run_jobs()
    deliver(sandbox.events())
    assert row_of(alice, "year").status == "active"
    page = text_of(desk.get(page_of(alice.pk)))
    assert "No refund here: Nothing is left of its last payment." in page
    assert "Membership has ended." in say_yes(desk, look(desk, alice, "year", when="now"))
    deliver(sandbox.events())
    assert row_of(alice, "year").status == "canceled"
    assert len(sandbox.stripe.v1.refunds.list().data) == 1


@pytest.mark.slow
def test_a_refund_that_is_refused_ends_nothing(sandbox: Sandbox, alice: User) -> None:
    desk = signed_in_now(support())
    looked = look(desk, alice, "year", when="now", refund="all")
    payment = two_memberships.last_payment(row_of(alice, "year"))
    assert payment
    factories.make_dispute(payment)
    said = say_yes(desk, looked)
    assert "Nothing was done. The member's bank has taken this payment back" in said
    deliver(sandbox.events())
    assert row_of(alice, "year").status == "active"
    assert not Refund.objects.exists()
    assert not MembershipDecision.objects.exists()
    assert "No refund here: The member's bank has taken this payment back" in said


def test_a_payment_that_came_in_meanwhile_is_looked_at_first(alice: User) -> None:
    row = row_of(alice, "month")
    payment = two_memberships.last_payment(row)
    assert payment
    wanted = refund_world.refund_request(2900, RefundReason.DUPLICATE)
    invoice = factories.make_invoice(row.customer, subscription=row)
    factories.make_payment(invoice=invoice)
    with pytest.raises(MembershipError, match="Another payment came in meanwhile"):
        two_memberships.end_one(
            Choice(subscription=row, at_once=True, payment=payment, refund=wanted), superuser()
        )
    assert not MembershipDecision.objects.exists()


@pytest.mark.slow
def test_a_request_that_waits_is_decided_first(alice: User) -> None:
    payment = two_memberships.last_payment(row_of(alice, "year"))
    assert payment
    refund_world.ask(alice, payment, 29_000)
    page = text_of(signed_in_now(support()).get(page_of(alice.pk)))
    assert "No refund here: This payment has a request that waits" in page


def test_nobody_refunds_their_own(alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    page = text_of(signed_in_now(alice).get(page_of(alice.pk)))
    assert "No refund here: Nobody refunds their own payment." in page
    payment = two_memberships.last_payment(row_of(alice, "year"))
    wanted = refund_world.refund_request(100, RefundReason.DUPLICATE)
    choice = Choice(
        subscription=row_of(alice, "year"), at_once=True, payment=payment, refund=wanted
    )
    with pytest.raises(RefundError):
        two_memberships.end_one(choice, User.objects.get(pk=alice.pk))
    assert not MembershipDecision.objects.exists()


def test_who_only_looks_may_look(alice: User) -> None:
    desk = signed_in_now(auditor())
    page = text_of(desk.get(page_of(alice.pk)))
    assert "$290.00 a year" in page
    assert "Review before ending" not in page
    assert "Ending a membership takes a permission" in page
    assert look(desk, alice, "year", when="now").status_code == 403
    assert desk.post(address(alice, "year"), {"when": "now"}).status_code == 403


@pytest.mark.slow
def test_who_may_end_but_not_refund_gets_no_refund(alice: User) -> None:
    user = factories.make_member("Eve Ender", is_staff=True)
    names = ["cancel_subscription_now", "view_subscription"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    desk = signed_in_now(user)
    page = text_of(desk.get(page_of(alice.pk)))
    assert "No refund here: You don’t have permission to give refunds." in page
    payment = two_memberships.last_payment(row_of(alice, "year"))
    assert payment
    wanted = {"when": "now", "payment": payment.pk, "amount": 29_000, "words": ""}
    wanted["key"] = str(refund_world.refund_request(1).key)
    answer = desk.post(address(alice, "year"), wanted, follow=True)
    assert "Nothing was done." in text_of(answer)
    assert not Refund.objects.exists()
    assert row_of(alice, "year").status == "active"


def test_a_stale_sign_in_is_confirmed_first(alice: User) -> None:
    desk = signed_in_now(manager())
    looked = look(desk, alice, "year", when="now", refund="all")
    session = desk.session
    session["account_authentication_methods"][-1]["at"] -= 16 * 60
    session.save()
    form = looked.context["form"].initial | {"words": "Twice."}
    answer = desk.post(looked.wsgi_request.get_full_path(), form)
    assert answer.status_code == 302
    assert "/accounts/reauthenticate/" in answer["Location"]
    assert "refund%3Dall" in answer["Location"]
    assert not Refund.objects.exists()
    assert look(desk, alice, "year", when="now").status_code == 302


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        {"key": "x"},
        {"amount": "-1"},
        {"amount": "9" * 40},
        {"payment": "9" * 40},
        {"payment": "99999999"},
        {"when": "never"},
    ],
)
def test_a_form_that_was_tampered_with_does_nothing(alice: User, sent: dict[str, str]) -> None:
    desk = signed_in_now(support())
    looked = look(desk, alice, "year", when="now", refund="all")
    assert "This page is too old, so nothing was done." in say_yes(desk, looked, **sent)
    assert not MembershipDecision.objects.exists()


def test_addresses_of_nobody_are_404(alice: User) -> None:
    desk = signed_in_now(support())
    assert desk.get(page_of(alice.pk + 1000)).status_code == 404
    other = factories.make_subscription()
    assert desk.get(f"{page_of(alice.pk)}end/{other.pk}/").status_code == 404


# What is suggested


def line(amount: int, start: int | None, end: int | None) -> dict[str, Any]:
    return {"amount": amount, "period_start": start, "period_end": end}


@pytest.mark.parametrize(
    ("lines", "paid", "currency", "now", "part"),
    [
        ([line(3000, 0, 30 * DAY)], 3000, "usd", 10 * DAY, 2000),
        ([line(3000, 0, 30 * DAY)], 1500, "usd", 10 * DAY, 1000),  # half of it a discount
        ([line(3000, 0, 30 * DAY)], 3000, "usd", -DAY, 3000),  # not begun
        ([line(3000, 0, 30 * DAY)], 3000, "usd", 31 * DAY, 0),
        ([line(3000, 0, 30 * DAY), line(1000, 5, 5)], 4000, "usd", 15 * DAY, 1500),  # and a mat
        ([line(29_000, 0, 365 * DAY), line(-1000, 0, 365 * DAY)], 28_000, "usd", 0, 28_000),
        ([line(-500, 0, 30 * DAY)], 0, "usd", 0, 0),
        ([line(3000, None, None)], 3000, "usd", 0, 0),
        ([line(1000, 0, 3 * DAY)], 1000, "jpy", DAY, 666),
        ([line(1000, 0, 3 * DAY)], 1000, "bhd", DAY, 660),
        ([], 0, "usd", 0, 0),
    ],
)  # fmt: skip
def test_the_part_for_time_to_come(
    lines: list[dict[str, Any]], paid: int, currency: str, now: int, part: int
) -> None:
    assert unused_part(lines, paid, currency, now) == part


def test_a_year_that_began_today_is_unused_nearly_whole() -> None:
    assert unused_part([line(29_000, 0, 365 * DAY)], 29_000, "usd", 3600) == 28_996
