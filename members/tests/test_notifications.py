"""The page of notifications: a switch for each topic and channel, saved in place or as a form."""

from __future__ import annotations

import csv
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from billing.tests import staff_world
from common.quiet_hours import QuietHours
from emails import preferences
from emails.models import Channel
from emails.topics import Topic
from members import consent, phones
from members.models import AccountActivity, ConsentSource, SmsConsentRecord
from members.tests.actors import PHONE, alice, bob, browser

pytestmark = pytest.mark.django_db
PAGE = "/account/notifications/"
HTMX = {"HX-Request": "true"}


def with_texts() -> tuple[User, Client]:
    """Return Alice, who takes texts, and her browser."""
    user = alice()
    phones.confirm(user, PHONE)
    consent.agree(user.member, ConsentSource.ACCOUNT)
    return user, browser(user)


def read(client: Client) -> str:
    """Return the page's HTML."""
    return str(client.get(PAGE).content.decode())


def switch(page: str, name: str) -> str:
    """Return a switch's tag."""
    [tag] = re.findall(rf'<input type="checkbox"[^>]*value="{name}"[^>]*>', page)
    return str(tag)


def save(client: Client, page: str, *off: str) -> str:
    """Send the whole form without some of what's on, as a browser without scripts would."""
    on = re.findall(r'name="shown" value="([^"]+)"', page)
    form = {"shown": on, "on": [name for name in on if name not in off]}
    return str(client.post(PAGE, form, follow=True).content.decode())


def test_each_topic_says_what_it_tells_and_why_some_are_always_sent() -> None:
    _user, client = with_texts()
    page = read(client)
    for words in ("Receipts", "and when one goes through.", "Refund progress", "Failed payments"):
        assert words in page
    assert page.count("Always emailed") == 7
    assert "You could lose your membership if you missed one." in page
    for name in ("receipts:email", "receipts:sms", "payment_problems:sms"):
        assert " checked" in switch(page, name)
    for name in ("security:email", "payment_problems:email", "on_request:sms", "security:sms"):
        assert f'value="{name}"' not in page


def test_a_switch_saves_in_place_and_says_what_is_now_true() -> None:
    user, client = with_texts()
    form = {"only": "receipts:email", "on": ["receipts:sms"], "shown": ["receipts:email"]}
    part = client.post(PAGE, form, headers=HTMX).content.decode()
    assert "“Receipts” emails are off." in part
    assert 'hx-swap-oob="beforeend:#toasts"' in part
    assert "<html" not in part
    assert " checked" not in switch(part, "receipts:email")
    assert " checked" in switch(part, "receipts:sms")
    assert preferences.switched_off(user) == {(Topic.RECEIPTS, Channel.EMAIL)}
    form["on"] = ["receipts:email", "receipts:sms"]
    part = client.post(PAGE, form, headers=HTMX).content.decode()
    assert "“Receipts” emails are on." in part
    assert preferences.switched_off(user) == frozenset()
    said = AccountActivity.objects.filter(user=user, kind="notifications").order_by("id")
    assert [row.detail for row in said] == [
        "“Receipts” emails are off.",
        "“Receipts” emails are on.",
    ]
    activity = client.get(reverse("members:activity")).content.decode()
    assert "Your notifications changed" in activity


def test_without_scripts_a_button_saves_only_what_was_switched() -> None:
    user, client = with_texts()
    old_page = read(client)
    assert "Save notifications" in old_page
    assert "“Refund progress” texts are off." in save(client, read(client), "refund_progress:sms")
    # An old page in another tab doesn't turn it on again.
    landed = save(client, old_page, "receipts:email")
    assert "“Receipts” emails are off." in landed
    assert preferences.switched_off(user) == {
        (Topic.REFUND_PROGRESS, Channel.SMS),
        (Topic.RECEIPTS, Channel.EMAIL),
    }
    assert " checked" not in switch(landed, "receipts:email")


def test_pressing_save_without_a_change_changes_nothing() -> None:
    user, client = with_texts()
    save(client, read(client))
    assert preferences.switched_off(user) == frozenset()
    assert not AccountActivity.objects.filter(kind="notifications").exists()


def test_texts_need_a_verified_number_and_the_page_leads_to_it() -> None:
    user = alice()
    client = browser(user)
    page = read(client)
    assert " disabled" in switch(page, "receipts:sms")
    assert "Verify a phone number above to choose which texts you get." in page
    assert reverse("account_change_phone") in page
    answer = client.post(PAGE, {"only": "receipts:sms", "on": ["receipts:sms"]}, headers=HTMX)
    assert "Text messages are off. Turn them on first." in answer.content.decode()
    phones.confirm(user, PHONE)
    assert "Turn on text messages above to choose which ones you get." in read(client)


def test_turning_texts_on_is_recorded_as_consent_and_unlocks_their_switches() -> None:
    user = alice()
    phones.confirm(user, PHONE)
    client = browser(user)
    part = client.post(reverse("members:text-messages"), {"agree": "yes"}, headers=HTMX)
    body = part.content.decode()
    assert "Text messages are on." in body
    assert " disabled" not in switch(body, "receipts:sms")
    assert SmsConsentRecord.objects.filter(member__user=user, agreed=True).count() == 1
    preferences.switch(user, Topic.RECEIPTS, Channel.SMS, on=False)
    record = SmsConsentRecord.objects.get()
    assert "Message and data rates may apply." in record.words
    assert record.ip == "192.0.2.1"


def test_the_file_of_consents_says_who_agreed_to_what_and_until_when() -> None:
    user = alice()
    phones.confirm(user, PHONE)
    browser(user).post(reverse("members:text-messages"), {"agree": "yes"})
    consent.stop_by_reply(PHONE, "Stop please")
    answer = browser(staff_world.owner()).get("/staff/members/smsconsentrecord/download/csv/")
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    stopped, agreed = csv.DictReader(lines)
    said = stopped["Answer"], stopped["Words"], stopped["Revoked"]
    assert said == ("Stopped", "Stop please", "")
    assert (agreed["Email"], agreed["Source"], agreed["Phone number"].lstrip("'")) == (
        user.email,
        "Account page",
        PHONE,
    )
    assert "Reply STOP to cancel anytime" in agreed["Words"]
    assert agreed["IP address"] == "192.0.2.1"
    assert agreed["Revoked"] == stopped["When"]
    # Nobody else may take it away.
    assert browser(user).get("/staff/members/smsconsentrecord/download/csv/").status_code != 200


def test_a_stop_by_text_is_shown_with_the_way_out_of_it() -> None:
    user, client = with_texts()
    consent.stop_by_reply(PHONE)
    page = read(client)
    assert "You replied STOP, so we can’t text you." in page
    assert " disabled" in switch(page, "receipts:sms")
    assert 'value="yes"' not in page
    consent.start_by_reply(PHONE)
    user.refresh_from_db()
    assert " disabled" not in switch(read(client), "receipts:sms")


@pytest.mark.parametrize(
    "form",
    [
        {"only": "security:email"},
        {"only": "nonsense"},
        {"only": "receipts:pigeon"},
        {"shown": ["security:email", "on_request:email", "receipts"], "on": ["x:y", ""]},
    ],
)
def test_nothing_else_can_be_switched(form: dict[str, str | list[str]]) -> None:
    user, client = with_texts()
    for headers in ({}, HTMX):
        assert client.post(PAGE, form, headers=headers, follow=True).status_code == 200
    assert preferences.switched_off(user) == frozenset()


def test_one_member_cannot_switch_for_another() -> None:
    user, _client = with_texts()
    browser(bob()).post(PAGE, {"only": "receipts:email", "user": user.pk})
    assert preferences.switched_off(user) == frozenset()
    assert browser().get(PAGE).status_code == 302


def test_the_page_takes_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    _user, client = with_texts()
    consent.stop_by_reply(PHONE)
    with django_assert_max_num_queries(7):
        client.get(PAGE)


def test_staff_see_on_a_members_page_what_they_turned_off() -> None:
    user, _client = with_texts()
    preferences.switch(user, Topic.RECEIPTS, Channel.EMAIL, on=False)
    preferences.switch(user, Topic.REFUND_PROGRESS, Channel.SMS, on=False)
    owner = staff_world.signed_in_now(staff_world.superuser())
    page = owner.get(reverse("admin:auth_user_change", args=[user.pk])).content.decode()
    assert "Receipts by email, Refund progress by text" in page


def test_the_page_says_when_texts_wait_if_they_do(settings: Settings) -> None:
    settings.QUIET_HOURS = QuietHours(21, 8)
    _user, client = with_texts()
    assert "Texts that can wait aren’t sent from 9:00 PM to 8:00 AM, in your time zone." in read(
        client
    )
    # Who gets no texts has none that wait.
    assert "can wait" not in read(browser(bob()))
    settings.QUIET_HOURS = QuietHours(0, 0)
    assert "can wait" not in read(client)
