"""A member's list of activity: every sign-in and change, when, where, and by whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from members import activity, corrections, phones
from members.activity_facts import PAGE, Row, read
from members.models import AccountActivity, ActivityBy, ActivityKind, SignIn
from members.tests.actors import (
    ALICE,
    PASSWORD,
    PHONE,
    alice,
    bob,
    browser,
    enter_email_code,
    enter_phone_code,
    fresh,
    last_code,
    log_in,
    post,
    sign_up,
)
from members.tests.authenticator import code_of
from members.tests.signin.test_mfa import AUTHENTICATE, add_app, protected, spare_codes
from members.tests.signin.test_passkeys import add as add_passkey

pytestmark = pytest.mark.django_db
ACTIVITY = "/account/activity/"


def text(client: Client, path: str = ACTIVITY) -> str:
    return client.get(path).content.decode()


def kinds() -> list[str]:
    return list(AccountActivity.objects.order_by("pk").values_list("kind", flat=True))


def test_a_sign_in_says_how_with_what_and_where() -> None:
    alice()
    client = browser(address="192.0.2.7")
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0"
    log_in(client)
    page = text(client)
    assert "Signed in with your password" in page
    assert "Chrome on Windows · 192.0.2.7" in page


def test_a_sign_up_is_listed_and_is_no_change() -> None:
    client = browser()
    sign_up(client)
    enter_email_code(client)
    assert "You signed up" in text(client)
    assert kinds() == []


def test_a_new_password_and_a_new_address_are_listed() -> None:
    user = alice()
    client = fresh(user)
    new = "another fine password"
    post(client, "account_change_password", oldpassword=PASSWORD, password1=new, password2=new)
    client = browser()
    log_in(client, password=new)
    post(client, "account_reauthenticate", password=new)
    post(client, "account_email", email="alice@new.example.com", action_add="")
    post(client, "account_email_verification_sent", code=last_code("alice@new.example.com"))
    assert kinds() == [ActivityKind.PASSWORD, ActivityKind.EMAIL]
    page = text(client)
    assert "Your password changed" in page
    assert "Your email address changed" in page
    assert "By you" in page


def test_a_forgotten_password_that_was_replaced_is_listed() -> None:
    alice()
    client = browser()
    post(client, "account_reset_password", email=ALICE)
    client.post(reverse("account_confirm_password_reset_code"), {"code": last_code(ALICE)})
    new = "another fine password"
    post(client, "account_complete_password_reset", password1=new, password2=new)
    assert kinds() == [ActivityKind.PASSWORD]


def test_a_number_that_was_added_and_removed_is_listed_and_so_are_texts() -> None:
    client = fresh(alice())
    post(client, "account_change_phone", phone=PHONE)
    enter_phone_code(client)
    post(client, "members:text-messages", agree="yes")
    post(client, "members:phone-remove")
    assert kinds() == [
        ActivityKind.PHONE,
        ActivityKind.TEXTS_ON,
        ActivityKind.PHONE_REMOVED,
    ]


def test_what_staff_changed_says_so_and_names_nobody() -> None:
    user = alice()
    corrections.correct_phone(user, PHONE)
    page = text(browser(user))
    assert "Your phone number changed" in page
    assert "By our team" in page
    assert phones.owner(PHONE) is None


def test_second_steps_are_listed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = fresh(alice())
    with django_capture_on_commit_callbacks(execute=True):
        add_app(client)
        add_passkey(client, name="My phone")
        client.post("/accounts/2fa/recovery-codes/generate/")
    [code, *_rest] = spare_codes(client)
    other = browser()
    log_in(other)
    other.post(AUTHENTICATE, {"code": code})
    assert kinds() == [
        ActivityKind.APP_ADDED,
        ActivityKind.PASSKEY_ADDED,
        ActivityKind.CODES_MADE,
        ActivityKind.CODE_USED,
    ]
    page = text(other)
    assert "A passkey was added" in page
    assert "My phone" in page
    assert "Signed in with your password, a second step" in page


def test_a_second_step_that_we_removed_is_listed() -> None:
    secret = protected(alice())
    call_command("remove_second_step", ALICE)
    assert AccountActivity.objects.latest("pk").by == ActivityBy.STAFF
    assert code_of(secret)
    assert "Two-step sign-in was turned off" in text(fresh_alice())


def fresh_alice() -> Client:
    client = browser()
    log_in(client)
    return client


def test_it_goes_back_page_by_page_without_gaps_or_repeats() -> None:
    user = alice()
    start = timezone.now() - timedelta(days=1)
    for number in range(25):
        at = start + timedelta(minutes=number // 3)
        activity.record(user, ActivityKind.CARD, by=ActivityBy.STRIPE, detail="x", at=at)
        row = SignIn.objects.create(user=user, ip="192.0.2.1", method="password")
        SignIn.objects.filter(pk=row.pk).update(happened_at=at)
    seen: list[Row] = []
    mark = ""
    while True:
        found = read(user, mark)
        assert len(found.rows) <= PAGE
        seen += found.rows
        if not found.older:
            break
        mark = found.older
    assert len(seen) == len({(type(row), row.pk) for row in seen}) == 50
    times = [row.happened_at for row in seen]
    assert times == sorted(times, reverse=True)
    client = browser(user)
    first = text(client)
    assert "Older" in first
    assert "Newest" not in first
    assert "Newest" in text(client, f"{ACTIVITY}?before={read(user).older}")
    part = client.get(ACTIVITY, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<section")


@pytest.mark.parametrize("mark", ["x", "9" * 17 + "-0-1", "1-2-3", "1-0-" + "9" * 18, "-1-0-1"])
def test_a_made_up_mark_breaks_nothing(mark: str) -> None:
    assert browser(alice()).get(ACTIVITY, {"before": mark}).status_code == 200


def test_it_is_the_members_own() -> None:
    activity.record(alice(), ActivityKind.CARD, detail="Visa ending in 4242")
    page = text(browser(bob()))
    assert "4242" not in page
    assert "Nothing here yet" in page
    assert browser().get(ACTIVITY)["Location"].startswith("/accounts/login/")


def test_it_takes_few_statements() -> None:
    user = alice()
    for _ in range(PAGE):
        activity.record(user, ActivityKind.CARD)
    client = browser(user)
    client.get(ACTIVITY)
    with CaptureQueriesContext(connection) as seen:
        client.get(ACTIVITY)
    assert len(seen) <= 7


def test_a_name_is_shown_and_not_run() -> None:
    user = alice()
    activity.record(user, ActivityKind.PASSKEY_ADDED, detail="<script>alert(1)</script>")
    assert "<script>alert" not in text(browser(user))


def test_after_a_week_the_day_says_more() -> None:
    user = alice()
    activity.record(user, ActivityKind.CARD, at=timezone.now() - timedelta(days=2))
    activity.record(user, ActivityKind.CARD, at=datetime(2025, 3, 4, 17, tzinfo=UTC))
    page = text(browser(user))
    assert "2\xa0days ago" in page
    assert "Mar 4, 2025" in page


def test_it_is_forgotten_in_time() -> None:
    user = alice()
    activity.record(user, ActivityKind.CARD)
    with time_machine.travel(timezone.now() + timedelta(days=541)):
        assert activity.forget_old() == 1
