"""Members get an email about every change of their contact data or sign-in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails.models import Message
from members import phones
from members.models import SignIn
from members.tests.actors import (
    ALICE,
    OTHER_PHONE,
    PHONE,
    alice,
    browser,
    enter_email_code,
    enter_phone_code,
    fresh,
    log_in,
    post,
    sign_up,
)

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
)


def told() -> list[dict[str, str]]:
    rows = Message.objects.filter(kind="account_changed", recipient=ALICE).order_by("pk")
    return [row.context for row in rows]


def headlines() -> list[str]:
    return [one["headline"] for one in told()]


def change_number(client: Client, phone: str) -> None:
    post(client, "account_change_phone", phone=phone, action="change")
    enter_phone_code(client, phone)


def test_a_number_that_is_added_changed_or_removed_is_told() -> None:
    client = fresh(alice())
    change_number(client, PHONE)
    change_number(client, OTHER_PHONE)
    post(client, "members:phone-remove")
    assert headlines() == [
        "A phone number was added",
        "Your phone number was changed",
        "Your phone number was removed",
    ]
    assert told()[1]["sentence"] == (
        "Your account now uses +1 212-555-0123 instead of +1 415-555-2671."
    )
    assert told()[1]["ip"] == "192.0.2.1"


def test_a_new_device_is_told_and_a_known_one_is_not() -> None:
    alice()
    for agent in (FIREFOX, FIREFOX, SAFARI, FIREFOX, SAFARI):
        client = browser()
        client.defaults["HTTP_USER_AGENT"] = agent
        log_in(client)
    assert SignIn.objects.count() == 5
    assert headlines() == ["New sign-in to your account"]
    assert "Safari" in told()[0]["sentence"]


def test_switching_texts_on_is_confirmed_by_a_text(sandbox: Sandbox) -> None:
    user = alice()
    phones.confirm(user, PHONE)
    client = browser(user)
    post(client, "members:text-messages", agree="yes")
    post(client, "members:text-messages", agree="yes")
    run_jobs()
    [text] = sandbox.look("phone")
    assert text["to"] == PHONE
    for said in ("Msg & data rates may apply", "HELP", "STOP", "a month"):
        assert said in text["body"]
    post(client, "members:text-messages", agree="no")
    rows = Message.objects.filter(kind="account_changed").order_by("pk")
    assert [row.subject or row.kind for row in rows] == ["account_changed"] * 2


def test_consent_that_was_ticked_at_sign_up_is_confirmed_once_the_number_is_proved() -> None:
    client = browser()
    sign_up(client, ALICE, phone=PHONE, text_messages="on")
    enter_email_code(client)
    assert not Message.objects.filter(kind="texts_on").exists()
    enter_phone_code(client)
    assert Message.objects.get(kind="texts_on").recipient == PHONE
    assert headlines()[-1] == "Text messages are on"


def test_the_consent_says_all_that_carriers_ask_for(settings: Settings) -> None:
    settings.PRIVACY_URL = "https://www.harbor.example/privacy"
    settings.TERMS_URL = "https://www.harbor.example/terms"
    user = alice()
    phones.confirm(user, PHONE)
    for page in (
        browser(user).get("/account/notifications/").content.decode(),
        browser().get(reverse("account_signup")).content.decode(),
    ):
        for said in (
            "one to five times a month",
            "Message and data rates may apply",
            "Reply STOP to cancel anytime, HELP for help",
            f'<a href="{settings.PRIVACY_URL}" target="_blank" rel="noopener">Privacy policy</a>',
            f'<a href="{settings.TERMS_URL}" target="_blank" rel="noopener">Terms</a>',
        ):
            assert said in page, said
