"""A planned price together with everything else that can happen to a membership meanwhile."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.membership import by_staff, cancellation, free_time, pausing, planning
from billing.membership import switch_options as options
from billing.membership.cancellation import MembershipError
from billing.membership.pausing import Pause
from billing.models import Customer, Invoice, MembershipDecision, Payment, Subscription
from billing.moving import Move
from billing.payments import by_staff as invoices
from billing.sync import catalog
from billing.tests.life import DECLINED_LATER_CARD, YEARLY, deliver, paid_member, sign_up
from billing.tests.staff_world import billing as desk
from billing.tests.staff_world import signed_in_now, support
from conftest import Sandbox
from portal.backoffice import merging
from portal.selfservice import closing

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MONTHLY = "price_membership_monthly"
COUPON = {
    "coupon": "half",
    "name": "",
    "code": "",
    "percent_off": 50.0,
    "amount_off": None,
    "currency": "",
    "duration": "forever",
}
PLANNED_ALREADY = "Another price is planned for it. Take that back first."


@pytest.fixture
def alice(sandbox: Sandbox, settings: Settings) -> User:
    """Return a monthly member for whom a year is planned."""
    user = paid_member(sandbox)
    settings.STRIPE_YEARLY_PRICE_ID = YEARLY
    catalog.sync_current_plan()
    [choice] = options.choices(row())
    planning.plan_by_staff(row(), planning.preview(row(), choice).token, support())
    deliver(sandbox.events())
    assert row().planned_price_id == YEARLY
    return user


def row() -> Subscription:
    return Subscription.objects.get()


def renew(sandbox: Sandbox) -> None:
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())


def page(user: User, name: str) -> str:
    client = Client()
    client.force_login(user)
    return unescape(client.get(reverse(name)).content.decode())


def schedule_status(sandbox: Sandbox) -> str:
    [found] = sandbox.stripe.v1.subscription_schedules.list().data
    return str(found.status)


def test_it_begins_during_a_pause_and_is_charged_after_it(sandbox: Sandbox, alice: User) -> None:
    paid, end = Payment.objects.count(), row().current_period_end
    pausing.pause(row(), Pause(), Pause("void"), support())
    deliver(sandbox.events())
    assert (row().is_paused, row().planned_price_id) == (True, YEARLY)
    assert "$290.00 a year from" in page(alice, "billing:membership")
    renew(sandbox)
    assert (row().price_id, row().planned_price_id, row().is_paused) == (YEARLY, "", True)
    assert row().current_period_start == end
    assert Payment.objects.count() == paid
    pausing.resume(row(), Pause.of(row()), support())
    deliver(sandbox.events())
    assert (row().is_paused, row().price_id, row().next_charge) == (False, YEARLY, 29000)


def test_a_pause_that_is_over_before_leaves_it_planned(sandbox: Sandbox, alice: User) -> None:
    pausing.pause(row(), Pause(), Pause("keep_as_draft"), support())
    deliver(sandbox.events())
    planning.take_back(alice)
    deliver(sandbox.events())
    assert (row().is_paused, row().planned_price_id, schedule_status(sandbox)) == (
        *(True, "", "released"),
    )
    pausing.resume(row(), Pause.of(row()), support())
    assert row().price_id == MONTHLY


@pytest.mark.parametrize("who", ["member", "staff"])
def test_after_a_cancellation_was_taken_back_the_present_price_goes_on(
    sandbox: Sandbox, alice: User, who: str
) -> None:
    if who == "member":
        cancellation.cancel(alice)
        cancellation.resume(alice)
    else:
        by_staff.cancel(row(), support())
        by_staff.keep(row(), support())
    deliver(sandbox.events())
    assert (row().ends_at, row().planned_price_id, row().schedule_id) == (None, "", "")
    assert "a year from" not in page(alice, "billing:membership")
    renew(sandbox)
    assert (row().price_id, row().next_charge) == (MONTHLY, 2900)


def test_closing_the_account_says_that_it_is_dropped(sandbox: Sandbox, alice: User) -> None:
    assert "$290.00 a year" in page(alice, "selfservice:close")
    closing.plan(alice)
    deliver(sandbox.events())
    assert row().ends_at == row().current_period_end
    assert (row().planned_price_id, schedule_status(sandbox)) == ("", "released")
    assert closing.keep(alice).problem == ""
    deliver(sandbox.events())
    assert (row().ends_at, row().planned_price_id, row().price_id) == (None, "", MONTHLY)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_refund_that_ends_the_membership_ends_what_is_planned(
    sandbox: Sandbox, alice: User, *, at_once: bool
) -> None:
    cancellation.end_for_refund(row(), at_once=at_once)
    deliver(sandbox.events())
    assert row().planned_price_id == ""
    assert schedule_status(sandbox) == ("canceled" if at_once else "released")
    assert row().is_live is not at_once


def test_what_stripe_would_apply_to_this_period_alone_waits(sandbox: Sandbox, alice: User) -> None:
    coupon = sandbox.stripe.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    found, until = by_staff.coupon(coupon.id), timezone.now() + timedelta(days=60)
    before = MembershipDecision.objects.count()
    with pytest.raises(MembershipError, match=PLANNED_ALREADY):
        by_staff.give_discount(row(), [], found, support())
    with pytest.raises(MembershipError, match=PLANNED_ALREADY):
        free_time.give(row(), row().current_period_end, until, support())
    with pytest.raises(MembershipError, match=PLANNED_ALREADY):
        by_staff.extend_trial(row(), timezone.now(), 7, support())
    assert MembershipDecision.objects.count() == before
    assert row().planned_price_id == YEARLY


def test_a_first_payment_that_fails_can_be_voided(sandbox: Sandbox, alice: User) -> None:
    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=DECLINED_LATER_CARD)
    renew(sandbox)
    assert (row().price_id, row().status, row().planned_price_id) == (YEARLY, "past_due", "")
    owed = Invoice.objects.get(status="open")
    assert owed.amount_due == 29000
    assert "$290.00" in page(alice, "billing:membership")
    invoices.void(owed, desk())
    deliver(sandbox.events())
    assert (row().price_id, row().status) == (YEARLY, "active")


def test_it_goes_along_when_its_customer_is_merged(sandbox: Sandbox, alice: User) -> None:
    bea = sign_up("Bea Baker")
    move = Move(alice, bea)
    merging.merge(move, desk(), merging.mark(move))
    assert row().customer.user == bea
    assert "$290.00 a year from" in page(bea, "billing:membership")
    planning.take_back(bea)
    deliver(sandbox.events())
    assert (row().planned_price_id, schedule_status(sandbox)) == ("", "released")


def test_staff_read_before_they_end_it_that_something_is_planned(alice: User) -> None:
    client = signed_in_now(support())
    url = reverse("admin:billing_subscription_cancel_at_end", args=[row().pk])
    assert "$290.00 a year from" in unescape(client.get(url).content.decode())


def test_staff_are_not_offered_what_would_be_refused(alice: User) -> None:
    client, waiting = signed_in_now(support()), ("give_free_time", "give_discount", "take_discount")
    Subscription.objects.update(discounts=[{"id": "di_1", "ends_at": None, **COUPON}])
    urls = {
        name: reverse(f"admin:billing_subscription_{name}", args=[row().pk])
        for name in (*waiting, "send_card_link")
    }
    shown = reverse("admin:auth_user_change", args=[alice.pk])
    page = client.get(shown).content.decode()
    assert [name for name, url in urls.items() if url in page] == ["send_card_link"]
    assert [client.get(urls[name]).status_code for name in waiting] == [403] * 3
    Subscription.objects.update(planned_price_id="", planned_at=None)
    page = client.get(shown).content.decode()
    assert all(url in page for url in urls.values())


def test_a_refund_that_ends_it_says_that_the_plan_is_dropped(alice: User) -> None:
    payment = Payment.objects.get()
    client = Client()
    client.force_login(alice)
    url = reverse("billing:request-refund", args=[payment.pk])
    dropped = "Your planned change ($290.00 a year from"
    assert unescape(client.get(url).content.decode()).count(dropped) == 1
    asked = {"how_much": "all", "membership": "cancel", "look": "yes"}
    # In the choice, and in what would happen.
    assert unescape(client.post(url, asked).content.decode()).count(dropped) == 2
    Subscription.objects.update(planned_price_id="", planned_at=None)
    assert dropped not in unescape(client.get(url).content.decode())
