"""Staff sign a member out, send a sign-in link, and close an account for them."""

from __future__ import annotations

import re
import uuid
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from billing.models import Subscription
from billing.tests import factories
from billing.tests.life import deliver, know_the_plan, subscribe
from billing.tests.staff_world import auditor, owner, signed_in_now, superuser, support
from conftest import Sandbox
from emails.models import Message
from members.access_changes import Access
from members.access_changes import change as change_access
from members.models import AccountActivity, Device
from members.signin import by_staff
from members.tests.actors import ALICE, alice, browser, is_signed_in, last_message, log_in
from portal.models import PlannedClosing
from portal.selfservice import closing
from portal.tasks import tend_planned_closings

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


def url(button: str, user: User) -> str:
    return reverse(f"admin:auth_user_{button}", args=[user.pk])


def text(answer: Any) -> str:
    """Return a page's text, with single spaces."""
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


def press(client: Client, button: str, user: User, **fields: Any) -> str:
    data = {"_form_submitted": "on", **fields}
    return text(client.post(url(button, user), data, follow=True))


def joined(sandbox: Sandbox) -> User:
    user = alice()
    know_the_plan(sandbox)
    subscribe(sandbox, user)
    deliver(sandbox.events())
    return user


# Signing out


def test_a_member_is_signed_out_on_all_devices_and_told_once(desk: Client) -> None:
    user = alice()
    phone, laptop = browser(), browser(address="192.0.2.7")
    for device in (phone, laptop):
        log_in(device)
        assert is_signed_in(device)
    assert "Signed in on 2 devices." in text(desk.get(url("sign_out_everywhere", user)))
    assert "Signed out everywhere (2 devices)." in press(desk, "sign_out_everywhere", user)
    assert not is_signed_in(phone)
    assert not is_signed_in(laptop)
    assert not Device.objects.filter(user=user).exists()
    assert last_message(ALICE).context["headline"] == "You were signed out everywhere"
    count = Message.objects.count()
    # The second of two tabs.
    assert "weren’t signed in anywhere" in press(desk, "sign_out_everywhere", user)
    assert Message.objects.count() == count
    row = AccountActivity.objects.get(user=user, kind="signed_out")
    assert row.by == "staff"
    assert LogEntry.objects.filter(change_message__startswith="Signed out").count() == 1
    log_in(phone)
    assert is_signed_in(phone)
    listed = text(phone.get(reverse("members:activity")))
    assert "You were signed out everywhere By our team" in listed
    assert "Signed out everywhere" in text(
        desk.get(reverse("admin:auth_user_change", args=[user.pk]))
    )


def test_colleagues_are_not_signed_out_this_way(desk: Client) -> None:
    boss = owner()
    for button in ("sign_out_everywhere", "email_sign_in_link", "close_account"):
        assert desk.get(url(button, boss)).status_code == 403
    with pytest.raises(by_staff.HelpRefused):
        by_staff.sign_out(boss, support())


def test_it_takes_the_permission() -> None:
    user = alice()
    viewer = auditor()
    with pytest.raises(PermissionDenied):
        by_staff.sign_out(user, viewer)
    with pytest.raises(PermissionDenied):
        by_staff.send_link(user, uuid.uuid4(), viewer)
    with pytest.raises(PermissionDenied):
        closing.plan_by_staff(user, viewer, "Why not", [])
    assert "Sign out everywhere" not in text(
        signed_in_now(viewer).get(reverse("admin:auth_user_change", args=[user.pk]))
    )


# The sign-in link


def test_a_link_signs_in_once_and_is_sent_once_per_question(desk: Client) -> None:
    user = alice()
    key = uuid.uuid4()
    for _click in range(2):
        said = press(desk, "email_sign_in_link", user, key=key)
        assert f"We emailed a sign-in link to {ALICE}." in said
    [mail] = Message.objects.filter(kind="sign_in_link")
    assert mail.recipient == ALICE
    path = mail.context["url"].removeprefix("http://localhost:8000")
    # Who sent it sees no link.
    assert path not in text(desk.get(reverse("admin:auth_user_change", args=[user.pk])))
    client = browser()
    assert "Our team sent you this link just now." in text(client.get(path))
    client.post(path)
    assert is_signed_in(client)
    again = browser().post(path)
    assert again.status_code == 400
    assert not is_signed_in(browser())


def test_a_link_opens_nothing_once_the_account_is_switched_off(desk: Client) -> None:
    user = alice()
    press(desk, "email_sign_in_link", user, key=uuid.uuid4())
    path = last_message(ALICE).context["url"].removeprefix("http://localhost:8000")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert browser().post(path).status_code == 400
    assert desk.get(url("email_sign_in_link", user)).status_code == 403


# Closing


def test_staff_close_an_account_and_the_member_keeps_it(sandbox: Sandbox, desk: Client) -> None:
    user = joined(sandbox)
    asked = text(desk.get(url("close_account", user)))
    assert "Membership, $29.00, stops renewing right away (was: next charge of $29.00" in asked
    key = Subscription.objects.get().pk
    said = press(desk, "close_account", user, reason="Moved away", renewing=str(key))
    assert "The account closes on" in said
    assert Subscription.objects.get().cancel_at_period_end
    plan = PlannedClosing.objects.get()
    assert plan.planned_by is not None
    assert plan.reason == "Moved away"
    [mail] = Message.objects.filter(kind="closing_planned")
    assert mail.context["by_staff"] is True
    page = text(desk.get(reverse("admin:auth_user_change", args=[user.pk])))
    assert "planned it: “Moved away”" in page
    # The second of two tabs.
    assert desk.post(url("close_account", user), {"_form_submitted": "on"}).status_code == 403
    with pytest.raises(closing.ClosingRefused, match="already set to close"):
        closing.plan_by_staff(user, plan.planned_by, "Moved away", [])
    undo = mail.context["url"].removeprefix("http://localhost:8000")
    browser().post(undo)
    assert not Subscription.objects.get().cancel_at_period_end
    assert PlannedClosing.objects.get().state == "undone"


def test_what_changed_since_they_looked_is_shown_again(sandbox: Sandbox, desk: Client) -> None:
    user = joined(sandbox)
    said = press(desk, "close_account", user, reason="Moved away", renewing="")
    assert "What renews has changed since you looked." in said
    assert "stops renewing right away" in said
    assert "Moved away" in unescape(
        desk.post(
            url("close_account", user),
            {"_form_submitted": "on", "reason": "Moved away", "renewing": ""},
        ).content.decode()
    )
    assert not PlannedClosing.objects.exists()


def test_what_has_to_be_settled_first_refuses(desk: Client) -> None:
    user = alice()
    customer = factories.make_customer(user)
    factories.make_invoice(customer, status="open", amount_paid=0, amount_remaining=2900)
    words = "Your invoice of $29.00 isn’t paid."
    assert f"The member would read: “{words}”" in text(desk.get(url("close_account", user)))
    assert words in press(desk, "close_account", user, reason="Moved away", renewing="")
    assert not PlannedClosing.objects.exists()


def test_if_stripe_is_away_the_job_stops_the_renewal(sandbox: Sandbox, desk: Client) -> None:
    user = joined(sandbox)
    key = Subscription.objects.get().pk
    sandbox.control("switches", api_fail=1)
    said = press(desk, "close_account", user, reason="Moved away", renewing=str(key))
    sandbox.control("switches", api_fail=0)
    assert "We try again every hour." in said
    assert not Subscription.objects.get().cancel_at_period_end
    tend_planned_closings(0)
    assert Subscription.objects.get().cancel_at_period_end


def test_whose_access_was_just_changed_closes_nothing() -> None:
    user, helper = alice(), support()
    boss = superuser()
    now = Access.of(helper)
    change_access(helper.pk, boss, Access(now.is_active, True, False, now.groups | {"Billing"}))
    with pytest.raises(closing.ClosingRefused, match="24 hours"):
        closing.plan_by_staff(user, User.objects.get(pk=helper.pk), "Moved away", [])
    assert not PlannedClosing.objects.exists()
