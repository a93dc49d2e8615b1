"""Closing the account: a week to take it back, and nothing that's lost on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.core.dates import long_date
from billing.models import Customer, Dispute, Payment, Subscription
from billing.refunds import service as refunds
from billing.tests import factories
from billing.tests.life import deliver, know_the_plan, subscribe
from billing.tests.refund_world import policy, refund_request
from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from billing.tests.zelle import bank as zelle
from billing.tests.zelle.world import make_terms
from conftest import Sandbox, run_jobs
from emails.models import Message
from members.tests.actors import ALICE, alice, browser, fresh
from portal.backoffice.close_account import close_account
from portal.models import PlannedClosing
from portal.tasks import tend_planned_closings

pytestmark = pytest.mark.django_db
PAGE, UNDO = "/account/close/", "/account/close/undo/"


def text(answer: Any) -> str:
    """Return a page's text, with single spaces."""
    words = re.sub(r"<[^>]+>", " ", unescape(answer.content.decode()))
    return " ".join(words.split())


def joined(sandbox: Sandbox) -> User:
    """Return Alice, a member by the month."""
    user = alice()
    know_the_plan(sandbox)
    subscribe(sandbox, user)
    deliver(sandbox.events())
    return user


def news(sandbox: Sandbox) -> None:
    deliver(sandbox.events())


def is_due() -> None:
    """Let the week be over."""
    PlannedClosing.objects.update(closes_at=timezone.now() - timedelta(seconds=1))


def mails(kind: str) -> list[Message]:
    return list(Message.objects.filter(kind=kind).order_by("pk"))


def membership() -> Subscription:
    return Subscription.objects.memberships().get()


# What the page says


def test_it_says_what_ends_what_stays_and_what_is_refundable_first(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    policy()
    said = text(browser(user).get(PAGE))
    assert "Your membership stops renewing now, so nothing more is charged." in said
    assert "although it’s paid until" in said
    assert "Tax law requires us to keep them." in said
    assert "Instant refund of up to $29.00 until" in said
    form = reverse("billing:request-refund", args=[Payment.objects.get().pk])
    assert f'href="{form}"' in browser(user).get(PAGE).content.decode()


def test_credit_is_named_before_it_is_lost() -> None:
    user = alice()
    factories.make_plan()
    factories.make_subscription(factories.make_customer(user), balance=-1500)
    assert "You lose your credit of $15.00." in text(browser(user).get(PAGE))


def test_it_takes_seven_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user = alice()
    customer = factories.make_customer(user)
    factories.make_plan()
    invoice = factories.make_invoice(customer, subscription=factories.make_subscription(customer))
    factories.make_payment(customer, invoice=invoice)
    client = browser(user)
    client.get(PAGE)
    with django_assert_max_num_queries(7):
        client.get(PAGE)


# Planning


def test_it_takes_a_recent_sign_in() -> None:
    answer = browser(alice()).post(PAGE)
    assert "reauthenticate" in answer["Location"]
    assert not PlannedClosing.objects.exists()


def test_the_membership_stops_renewing_and_the_mail_says_so(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    client = fresh(user)
    said = text(client.post(PAGE, follow=True))
    assert "Your account closes on" in said
    assert membership().cancel_at_period_end
    assert membership().is_live
    [mail] = mails("closing_planned")
    assert mail.context["renews"] is True
    days = PlannedClosing.objects.get().closes_at - timezone.now()
    assert timedelta(days=6, hours=23) < days <= timedelta(days=7)


def test_two_tabs_plan_it_once(sandbox: Sandbox) -> None:
    client = fresh(joined(sandbox))
    client.post(PAGE)
    client.post(PAGE)
    assert PlannedClosing.objects.count() == len(mails("closing_planned")) == 1


def test_staff_cannot_close_their_own_account() -> None:
    user = superuser()
    client = signed_in_now(user)
    assert "opens the staff site" in text(client.get(PAGE))
    client.post(PAGE)
    assert not PlannedClosing.objects.exists()


def test_if_stripe_is_away_it_stops_renewing_later(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    sandbox.control("switches", api_fail=1)
    fresh(user).post(PAGE)
    sandbox.control("switches", api_fail=0)
    assert not membership().cancel_at_period_end
    tend_planned_closings(0)
    assert membership().cancel_at_period_end
    assert PlannedClosing.objects.get().stopped == [membership().pk]


# What has to be settled first


def with_refund(sandbox: Sandbox, user: User) -> str:
    policy(automatic_up_to=0)
    refunds.request(user, Payment.objects.get().pk, refund_request(900))
    return "Your refund of $9.00 is still under way."


def with_dispute(sandbox: Sandbox, user: User) -> str:
    factories.make_dispute(Payment.objects.get())
    return "Your bank is still deciding about a payment of $29.00."


def with_invoice(sandbox: Sandbox, user: User) -> str:
    customer = Customer.objects.get(user=user)
    factories.make_invoice(customer, status="open", amount_paid=0, amount_remaining=2900)
    return "Your invoice of $29.00 isn’t paid."


def with_bank(sandbox: Sandbox, user: User) -> str:
    customer = Customer.objects.get(user=user)
    factories.make_payment(customer, status="processing", amount=4000, paid_at=None)
    return "Your payment of $40.00 is still on its way from your bank."


def with_zelle(sandbox: Sandbox, user: User) -> str:
    make_terms()
    zelle.expect(user)
    return "We’re waiting for your Zelle payment of"


TROUBLES = [with_refund, with_dispute, with_invoice, with_bank, with_zelle]
Trouble = Callable[[Sandbox, User], str]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_open_is_said_up_front(trouble: Trouble, sandbox: Sandbox) -> None:
    user = joined(sandbox)
    sentence = trouble(sandbox, user)
    client = fresh(user)
    page = client.get(PAGE)
    assert sentence in text(page)
    assert f'action="{PAGE}"' not in page.content.decode()
    assert sentence in text(client.post(PAGE, follow=True))
    assert not PlannedClosing.objects.exists()


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_arises_in_the_week_holds_it_up_and_is_mailed_once(
    trouble: Trouble, sandbox: Sandbox
) -> None:
    user = joined(sandbox)
    fresh(user).post(PAGE)
    sentence = trouble(sandbox, user)
    for _ in range(2):
        tend_planned_closings(0)
    is_due()
    tend_planned_closings(0)
    [mail] = mails("closing_held")
    assert any(one.startswith(sentence) for one in mail.context["reasons"])
    assert User.objects.filter(email=ALICE).exists()
    assert sentence in text(browser(user).get(PAGE))
    assert sentence in PlannedClosing.objects.get().held_because


def test_once_it_is_settled_the_account_is_closed(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    fresh(user).post(PAGE)
    with_dispute(sandbox, user)
    is_due()
    tend_planned_closings(0)
    assert User.objects.filter(email=ALICE).exists()
    Dispute.objects.update(status="won")
    tend_planned_closings(0)
    assert not User.objects.filter(email=ALICE).exists()


def test_a_payment_that_arrives_in_the_week_is_not_swallowed(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    fresh(user).post(PAGE)
    PlannedClosing.objects.update(created_at=timezone.now() - timedelta(days=5))
    factories.make_payment(Customer.objects.get(user=user), amount_received=4000)
    is_due()
    tend_planned_closings(0)
    [mail] = mails("closing_held")
    assert "after you asked us to close your account" in mail.context["reasons"][0]
    assert User.objects.filter(email=ALICE).exists()
    # Kept and asked for again, it's only what they want now that counts.
    client = fresh(user)
    client.post(UNDO)
    client.post(PAGE)
    is_due()
    tend_planned_closings(0)
    assert not User.objects.filter(email=ALICE).exists()


# Taking it back


def test_the_member_keeps_it_and_the_membership_renews_again(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    client = fresh(user)
    client.post(PAGE)
    assert "Your account stays open." in text(client.post(UNDO, follow=True))
    assert not membership().cancel_at_period_end
    [mail] = mails("closing_undone")
    assert mail.context["by_staff"] is False
    is_due()
    tend_planned_closings(0)
    assert User.objects.filter(email=ALICE).exists()
    assert "Nobody plans to close" in text(client.post(UNDO, follow=True))


def test_home_says_it_first_and_keeps_the_account_with_one_click() -> None:
    user = alice()
    assert "Your account closes on" not in text(fresh(user).get("/"))
    fresh(user).post(PAGE)
    client = fresh(user)
    assert f"Your account closes on {long_date(PlannedClosing.objects.get().closes_at)}" in text(
        client.get("/")
    )
    assert f'action="{UNDO}"' in client.get("/").content.decode()
    PlannedClosing.objects.update(held_because="A refund is under way.")
    assert "Your account can’t be closed yet" in text(client.get("/"))
    client.post(UNDO)
    assert "closes on" not in text(client.get("/"))
    assert "can’t be closed" not in text(client.get("/"))


def test_a_membership_that_was_ending_before_still_ends(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    client = fresh(user)
    client.post(reverse("billing:cancel"), {"reason": "", "comment": ""})
    news(sandbox)
    assert membership().cancel_at_period_end
    client.post(PAGE)
    client.post(UNDO)
    assert membership().cancel_at_period_end


def link() -> str:
    [mail] = mails("closing_planned")
    return str(urlsplit(mail.context["url"]).path)


def test_the_mails_link_keeps_it_without_a_sign_in(sandbox: Sandbox) -> None:
    fresh(joined(sandbox)).post(PAGE)
    visitor = browser(address="198.51.100.7")
    assert "is set to close on" in text(visitor.get(link()))
    assert PlannedClosing.objects.planned().exists(), "a mail program that looks changes nothing"
    assert "Your account stays open." in text(visitor.post(link(), follow=True))
    assert not membership().cancel_at_period_end
    again = visitor.get(link())
    assert again.status_code == 400
    assert "has been kept already" in text(again)
    assert visitor.get(f"{UNDO}nonsense/").status_code == 400


# Closing


def test_after_a_week_it_is_closed_and_the_membership_ends(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    client = fresh(user)
    client.post(PAGE)
    tend_planned_closings(0)
    assert User.objects.filter(email=ALICE).exists(), "not before the week is over"
    is_due()
    tend_planned_closings(0)
    run_jobs()
    [goodbye] = sandbox.look("mailbox")[:1]
    assert goodbye["subject"] == "Your account is closed"
    closed = User.objects.get(pk=user.pk)
    assert (closed.email, closed.is_active) == ("", False)
    assert not PlannedClosing.objects.exists()
    assert client.get(PAGE).status_code == 302


def test_who_has_no_membership_can_leave_too() -> None:
    user = alice()
    fresh(user).post(PAGE)
    assert mails("closing_planned")[0].context["renews"] is False
    is_due()
    tend_planned_closings(0)
    assert not User.objects.filter(pk=user.pk).exists()


def test_an_account_that_staff_close_first_leaves_no_plan() -> None:
    user = alice()
    factories.make_payment(factories.make_customer(user))
    fresh(user).post(PAGE)
    close_account(user)
    assert not PlannedClosing.objects.exists()
    tend_planned_closings(0)


def test_who_becomes_staff_in_the_week_is_not_closed() -> None:
    user = alice()
    fresh(user).post(PAGE)
    user.is_staff = True
    user.save()
    is_due()
    tend_planned_closings(0)
    assert User.objects.filter(email=ALICE).exists()


# Staff


def test_staff_see_the_plan_and_stop_it(sandbox: Sandbox) -> None:
    user = joined(sandbox)
    fresh(user).post(PAGE)
    desk = signed_in_now(support())
    page = reverse("admin:auth_user_change", args=[user.pk])
    assert "The account closes on" in text(desk.get(page))
    press = reverse("admin:auth_user_stop_closing", args=[user.pk])
    answer = desk.post(press, {"_form_submitted": "on"}, follow=True)
    assert "The account stays open." in text(answer)
    assert "Stopped by staff" in text(desk.get(page))
    assert not membership().cancel_at_period_end
    assert mails("closing_undone")[0].context["by_staff"] is True
    assert "Stopped the closing" in LogEntry.objects.latest("pk").change_message
    assert desk.post(press, {"_form_submitted": "on"}).status_code == 403


def test_an_auditor_cannot_stop_it() -> None:
    user = alice()
    fresh(user).post(PAGE)
    desk: Client = signed_in_now(auditor())
    press = reverse("admin:auth_user_stop_closing", args=[user.pk])
    assert desk.post(press, {"_form_submitted": "on"}).status_code == 403
    assert PlannedClosing.objects.planned().exists()
