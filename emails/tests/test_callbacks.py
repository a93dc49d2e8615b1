"""Twilio's callbacks: signed, in any order, and replies that are obeyed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from emails import text_messages
from emails.models import Channel, Message, MessageState
from members.models import Member

pytestmark = pytest.mark.django_db
PHONE = "+12025550143"
TOKEN = "a-token-of-tests"


@pytest.fixture(autouse=True)
def twilio(settings: Settings) -> None:
    """Twilio is set up."""
    settings.TWILIO_AUTH_TOKEN = TOKEN


@pytest.fixture
def message() -> Message:
    """A text message that Twilio has taken."""
    return Message.objects.create(
        channel=Channel.SMS,
        kind="welcome",
        recipient=PHONE,
        dedupe_key="welcome:sub_1:sms",
        state=MessageState.SENT,
    )


@pytest.fixture
def nina() -> User:
    """A member who takes text messages."""
    user = User.objects.create_user("nina", "nina@example.com")
    now = timezone.now()
    Member.objects.filter(user=user).update(phone=PHONE, phone_verified_at=now, sms_consent_at=now)
    return user


def post(client: Client, settings: Settings, url: str, token: str = TOKEN, **data: str) -> Any:
    """Post as Twilio does."""
    signature = RequestValidator(token).compute_signature(f"{settings.PORTAL_URL}{url}", data)
    return client.post(url, data, headers={"X-Twilio-Signature": signature})


def status(client: Client, settings: Settings, message: Message, word: str, **data: str) -> int:
    """Report a status of a message."""
    token = text_messages._status_url(message).rstrip("/").rpartition("/")[2]
    url = reverse("sms-status", args=[token])
    answer = post(client, settings, url, MessageStatus=word, MessageSid="SM1", **data)
    return int(answer.status_code)


def test_delivered_is_recorded(client: Client, settings: Settings, message: Message) -> None:
    for word in ("queued", "sent", "delivered"):
        assert status(client, settings, message, word) == 204
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    assert message.delivered_at is not None
    assert message.provider_id == "SM1"


def test_status_never_goes_back(client: Client, settings: Settings, message: Message) -> None:
    for word in ("delivered", "sent", "queued"):
        status(client, settings, message, word)
    message.refresh_from_db()
    assert (message.state, message.provider_status) == (MessageState.DELIVERED, "delivered")


def test_undelivered_is_noticed(client: Client, settings: Settings, message: Message) -> None:
    status(client, settings, message, "undelivered", ErrorCode="30003")
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    assert "30003" in message.error


def test_forged_callback_is_refused(
    client: Client, settings: Settings, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    url = text_messages._status_url(message).removeprefix(settings.PORTAL_URL)
    answer = post(client, settings, url, token="a-guess", MessageStatus="delivered")
    assert answer.status_code == 403
    assert client.post(url, {"MessageStatus": "delivered"}).status_code == 403
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    assert "wrong signature" in caplog.text


def test_address_that_we_did_not_make_is_not_found(client: Client, settings: Settings) -> None:
    url = reverse("sms-status", args=["17"])
    assert post(client, settings, url, MessageStatus="delivered").status_code == 404


def test_without_a_token_the_endpoint_is_closed(client: Client, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert client.post(reverse("sms-inbound"), {"Body": "STOP"}).status_code == 503


def test_stop_and_start_are_heeded(client: Client, settings: Settings, nina: User) -> None:
    url = reverse("sms-inbound")
    answer = post(client, settings, url, From=PHONE, Body=" stop ")
    assert answer.status_code == 200
    assert "<Message>" not in answer.content.decode()
    assert not Member.objects.get(user=nina).accepts_sms

    post(client, settings, url, From=PHONE, Body="START")
    member = Member.objects.get(user=nina)
    assert member.accepts_sms
    assert member.sms_consent_source == "reply"


def test_a_wish_to_stop_in_other_words_is_heeded_confirmed_and_told_by_mail(
    client: Client, settings: Settings, nina: User
) -> None:
    url = reverse("sms-inbound")
    answer = post(client, settings, url, From=PHONE, Body="Opt-out please")
    assert "you won't get any more texts from us" in answer.content.decode()
    assert not Member.objects.get(user=nina).accepts_sms
    answer = post(client, settings, url, From=PHONE, Body="Sí, por favor")
    assert "you'll get our texts again" in answer.content.decode()
    assert Member.objects.get(user=nina).accepts_sms
    told = Message.objects.filter(kind="account_changed").order_by("pk")
    assert [one.context["headline"] for one in told] == [
        "Text messages are off",
        "Text messages are on",
    ]
    assert not Message.objects.filter(kind="texts_on").exists()


def test_help_is_answered(client: Client, settings: Settings) -> None:
    answer = post(client, settings, reverse("sms-inbound"), From=PHONE, Body="HELP")
    assert settings.SUPPORT_EMAIL in answer.content.decode()
    assert answer["Content-Type"] == "application/xml"


def test_help_for_strangers_is_limited_by_number_and_day(
    client: Client, settings: Settings
) -> None:
    def asks(phone: str) -> bool:
        answer = post(client, settings, reverse("sms-inbound"), From=phone, Body="HELP")
        return settings.SUPPORT_EMAIL in answer.content.decode()

    settings.ACCOUNT_RATE_LIMITS = {
        **settings.ACCOUNT_RATE_LIMITS,
        "text_help_of_strangers": "3/d/key",
    }
    stranger, another, third = "+12025550198", "+12025550199", "+12025550197"
    assert [asks(stranger) for _ in range(3)] == [True, True, False]
    assert asks(another)
    # All strangers together have a limit, too.
    assert not asks(third)


def test_a_members_help_is_always_answered(client: Client, settings: Settings, nina: User) -> None:
    for _ in range(4):
        answer = post(client, settings, reverse("sms-inbound"), From=PHONE, Body="Help")
        assert settings.SUPPORT_EMAIL in answer.content.decode()


def test_unknown_number_is_no_error(client: Client, settings: Settings) -> None:
    for word in ("STOP", "START", "Who is this?"):
        answer = post(client, settings, reverse("sms-inbound"), From="+15550001111", Body=word)
        assert answer.status_code == 200
        assert "<Message>" not in answer.content.decode()


def test_other_words_of_a_member_are_answered(
    client: Client, settings: Settings, nina: User
) -> None:
    url = reverse("sms-inbound")
    answer = post(client, settings, url, From=PHONE, Body="Thank you!", MessageSid="SM1")
    assert "someone on our team will read it" in answer.content.decode()
    assert Member.objects.get(user=nina).accepts_sms


def test_keyword_in_another_language_is_named_by_twilio(
    client: Client, settings: Settings, nina: User
) -> None:
    url = reverse("sms-inbound")
    post(client, settings, url, From=PHONE, Body="Parar", OptOutType="STOP")
    assert not Member.objects.get(user=nina).accepts_sms


def test_number_that_is_not_proven_can_say_stop_but_not_start(
    client: Client, settings: Settings, nina: User
) -> None:
    Member.objects.update(phone_verified_at=None, sms_consent_at=None)
    url = reverse("sms-inbound")
    post(client, settings, url, From=PHONE, Body="STOP")
    assert Member.objects.get(user=nina).sms_stopped_at is not None
    post(client, settings, url, From=PHONE, Body="START")
    assert Member.objects.get(user=nina).sms_consent_at is None


def test_report_of_another_text_is_not_taken_for_this_one(
    client: Client, settings: Settings, message: Message
) -> None:
    Message.objects.update(provider_id="SM0")
    status(client, settings, message, "undelivered", ErrorCode="30003")
    message.refresh_from_db()
    assert message.state == MessageState.SENT


def test_stop_that_only_twilio_knew_of_is_remembered(
    client: Client, settings: Settings, message: Message, nina: User
) -> None:
    status(client, settings, message, "failed", ErrorCode="21610")
    assert not Member.objects.get(user=nina).accepts_sms


def test_deleted_message_is_no_error(client: Client, settings: Settings, message: Message) -> None:
    url = text_messages._status_url(message).removeprefix(settings.PORTAL_URL)
    message.delete()
    assert post(client, settings, url, MessageStatus="delivered").status_code == 204


def test_reading_is_not_allowed(client: Client) -> None:
    assert client.get(reverse("sms-inbound")).status_code == 405
