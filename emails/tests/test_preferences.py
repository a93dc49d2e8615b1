"""What members turned off isn't sent, and each mail that can be turned off says how."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails import mail as mail_out
from emails import preferences, resending, unsubscribe_links
from emails.catalog import CATALOG, Category, Kind
from emails.models import Channel, Message, MessageState, NotificationChoice
from emails.resending import ResendRefused
from emails.tests.test_delivery import mailbox, nina, put, states, texts
from emails.topics import TOPICS, Topic
from members.models import AccountActivity, Member
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(autouse=True)
def at_home(settings: Settings) -> None:
    """The portal's own address, as in production."""
    settings.PORTAL_URL = "https://portal.example.com"


def receipt(sandbox: Sandbox, email: str = "nina@example.com") -> tuple[User, dict[str, Any]]:
    """Return a member and the receipt in their mailbox."""
    user = nina(phone="", email=email)
    put(user)
    run_jobs()
    [mail] = mailbox(sandbox)
    return user, mail


def link_of(mail: dict[str, Any]) -> str:
    """Return the path of the https address in a mail's header, as mail programs read it."""
    found = re.search(r"<https://portal\.example\.com(/\S+)>", mail["headers"]["List-Unsubscribe"])
    assert found is not None
    return found[1]


def stranger() -> Client:
    """Return a program without cookies that gets no mercy for a missing CSRF token."""
    return Client(enforce_csrf_checks=True)


def test_every_kind_for_members_has_a_topic_and_no_other() -> None:
    for kind, spec in CATALOG.items():
        is_for_members = spec.category != Category.STAFF and kind != Kind.INVITATION
        assert (spec.topic is not None) is is_for_members, kind
    assert {spec.topic for spec in CATALOG.values() if spec.topic} == set(Topic) == set(TOPICS)


def test_nobody_can_turn_off_what_they_need() -> None:
    for kind in (Kind.PAYMENT_FAILED, Kind.WELCOME, Kind.REFUND_DENIED, Kind.LOGIN_CODE):
        assert preferences.optional_topic(kind, Channel.EMAIL) is None
    with pytest.raises(ValueError, match="always"):
        preferences.switch(nina(), Topic.SECURITY, Channel.EMAIL, on=False)
    with pytest.raises(ValueError, match="always"):
        preferences.switch(User.objects.get(), Topic.ON_REQUEST, Channel.SMS, on=False)


def test_a_mail_that_was_turned_off_is_not_sent_and_the_outbox_says_why(sandbox: Sandbox) -> None:
    user = nina()
    preferences.switch(user, Topic.RECEIPTS, Channel.EMAIL, on=False)
    put(user)
    run_jobs()
    assert states() == {"email": MessageState.SKIPPED, "sms": MessageState.SENT}
    message = Message.objects.get(channel="email")
    assert message.error == "The member turned off emails about “Receipts”."
    assert mailbox(sandbox) == []
    with pytest.raises(ResendRefused, match="turned off emails"):
        resending.resend(message, User.objects.create_user("staff"))


def test_a_single_kind_of_text_can_be_turned_off(sandbox: Sandbox) -> None:
    user = nina()
    preferences.switch(user, Topic.RECEIPTS, Channel.SMS, on=False)
    put(user)
    run_jobs()
    assert states() == {"email": MessageState.SENT, "sms": MessageState.SKIPPED}
    assert texts(sandbox) == []


def test_what_is_turned_off_while_it_waits_is_not_sent(sandbox: Sandbox) -> None:
    user = nina(phone="")
    put(user)
    preferences.switch(user, Topic.RECEIPTS, Channel.EMAIL, on=False)
    run_jobs()
    assert mailbox(sandbox) == []
    preferences.switch(user, Topic.RECEIPTS, Channel.EMAIL, on=True)
    put(user, cause="in_2")
    run_jobs()
    assert len(mailbox(sandbox)) == 1


def test_optional_mail_carries_both_headers_and_a_link(sandbox: Sandbox) -> None:
    _user, mail = receipt(sandbox)
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = f"https://portal.example.com{link_of(mail)}"
    assert mail["headers"]["List-Unsubscribe"].strip() == f"<{link}>"
    assert link in mail["text"]
    assert f'href="{link}"' in mail["html"]


def test_the_header_survives_a_mailbox_in_another_script(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox, "jürgen@example.com")
    answer = stranger().post(link_of(mail), ONE_CLICK)
    assert answer.status_code == 200
    assert (Topic.RECEIPTS, "email") in preferences.switched_off(user)


def test_an_address_for_mails_is_offered_if_the_business_has_one(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.UNSUBSCRIBE_EMAIL = "off@example.com"
    _user, mail = receipt(sandbox)
    header = mail["headers"]["List-Unsubscribe"].strip()
    assert re.fullmatch(
        r"<https://\S+>, <mailto:off@example\.com\?subject=Unsubscribe%20\S+>", header
    )


@pytest.mark.parametrize("kind", [Kind.PAYMENT_FAILED, Kind.WELCOME, Kind.REFUND_DENIED])
def test_mail_that_everybody_gets_has_no_such_header(sandbox: Sandbox, kind: Kind) -> None:
    user = nina(phone="")
    message = Message(kind=kind, channel="email", user=user, recipient=user.email)
    assert unsubscribe_links.headers(message) == {}
    message.context, message.dedupe_key = CONTEXTS[kind].as_json(), "x"
    message.save()
    mail_out.send(message)
    [mail] = mailbox(sandbox)
    assert not [name for name in mail["headers"] if name.startswith("List-")]
    assert "/notifications/off/" not in mail["text"] + mail["html"]


def test_one_click_turns_it_off_at_once_as_gmail_does(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox)
    answer = stranger().post(
        link_of(mail), "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200
    assert "set-cookie" not in {name.lower() for name in answer.headers}
    assert preferences.switched_off(user) == {(Topic.RECEIPTS, "email")}
    assert AccountActivity.objects.get().detail == "“Receipts” emails are off."
    # Programs send it again if they saw no answer.
    assert stranger().post(link_of(mail), ONE_CLICK).status_code == 200
    assert AccountActivity.objects.count() == 1


def test_opening_the_link_only_asks(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox)
    for answer in (stranger().get(link_of(mail)), stranger().head(link_of(mail))):
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
    page = stranger().get(link_of(mail)).content.decode()
    assert "Turn off “Receipts” emails?" in page
    assert "and when one goes through." in page
    assert "nina@example.com" not in page
    assert preferences.switched_off(user) == frozenset()


def test_it_can_be_undone(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox)
    page = stranger().post(link_of(mail), ONE_CLICK).content.decode()
    assert "“Receipts” emails are off" in page
    assert 'name="undo"' in page
    page = stranger().post(link_of(mail), {"undo": "yes"}).content.decode()
    assert "“Receipts” emails are on" in page
    assert preferences.switched_off(user) == frozenset()


def test_the_link_dies_with_the_address_and_the_account(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox)
    gone = unsubscribe_links.address(
        Message(kind=Kind.PAYMENT_RECEIVED, channel="email", user_id=10**9, recipient="a@b.example")
    )
    User.objects.update(email="nina@new.example.com")
    answers = [
        stranger().post(path, ONE_CLICK)
        for path in (link_of(mail), gone.removeprefix("https://portal.example.com"))
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    mains = [re.findall(rb"(?s)<main.*</main>", answer.content) for answer in answers]
    assert mains[0] == mains[1]
    assert not NotificationChoice.objects.filter(user=user).exists()


@pytest.mark.parametrize(
    "token",
    [
        *("x", "1", "1.receipts", "1.receipts.", "0.receipts." + "a" * 43, "é.receipts.é"),
        *("1.security." + "a" * 43, "1.nonsense." + "a" * 43, "9" * 40 + ".receipts." + "a" * 43),
        *("1.receipts." + "a" * 43, "1.receipts." + "a" * 3000, "%00", "1%00.receipts.a"),
    ],
)
def test_nonsense_gets_one_answer(token: str) -> None:
    nina(phone="")
    for answer in (
        stranger().get(f"/account/notifications/off/{token}/"),
        stranger().post(f"/account/notifications/off/{token}/", ONE_CLICK),
    ):
        assert answer.status_code == (400 if "%00" in token else 404)
    assert not NotificationChoice.objects.exists()


def test_a_link_opens_nothing_else(sandbox: Sandbox) -> None:
    user, mail = receipt(sandbox)
    path = link_of(mail)
    other = path.replace(".receipts.", ".refund_progress.")
    assert other != path
    assert stranger().post(other, ONE_CLICK).status_code == 404
    bob = User.objects.create_user("bob", "nina2@example.com")
    assert (
        stranger().post(path.replace(f"/{user.pk}.", f"/{bob.pk}."), ONE_CLICK).status_code == 404
    )
    client = stranger()
    client.get(path)
    assert client.get("/account/").status_code == 302


def test_a_stop_outlives_single_switches(sandbox: Sandbox) -> None:
    user = nina()
    preferences.switch(user, Topic.RECEIPTS, Channel.SMS, on=False)
    preferences.switch(user, Topic.RECEIPTS, Channel.SMS, on=True)
    Member.objects.update(sms_stopped_at=timezone.now())
    assert [message.channel for message in put(User.objects.get(pk=user.pk))] == ["email"]
