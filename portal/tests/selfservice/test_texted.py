"""Texts that are no keyword reach staff: once, with a limit, whoever sends them."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from billing.tests.staff_world import owner
from common.traces import Traces
from conftest import Sandbox, run_jobs
from emails.models import Message
from members.models import Member
from members.tests.actors import browser
from portal.models import SupportMessage
from portal.selfservice import contact
from portal.selfservice.texted import Text

pytestmark = pytest.mark.django_db
PHONE, STRANGER = "+12025550143", "+12025550199"
TOKEN = "a-token-of-tests"
SIDS = itertools.count()


@pytest.fixture(autouse=True)
def twilio(settings: Settings) -> None:
    """Twilio is set up, and staff have an address."""
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.STAFF_EMAIL = ["staff@example.com"]


@pytest.fixture
def nina() -> User:
    """A member who takes text messages."""
    user = User.objects.create_user("nina", "nina@example.com", first_name="Nina")
    now = timezone.now()
    Member.objects.filter(user=user).update(phone=PHONE, phone_verified_at=now, sms_consent_at=now)
    return user


def text_us(settings: Settings, words: str, sender: str = PHONE, **fields: str) -> str:
    """Text as Twilio tells it; return what we answer."""
    form = {"From": sender, "Body": words, "MessageSid": f"SM{next(SIDS)}", "NumMedia": "0"}
    form |= fields
    url = reverse("sms-inbound")
    signature = RequestValidator(TOKEN).compute_signature(f"{settings.PORTAL_URL}{url}", form)
    answer = Client().post(url, form, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 200
    return answer.content.decode()


def mails_to_staff() -> list[dict[str, Any]]:
    rows = Message.objects.filter(kind="help_asked").order_by("pk")
    return [row.context for row in rows]


def test_a_members_words_reach_staff_and_are_answered_once_a_day(
    settings: Settings, nina: User
) -> None:
    words = "Can I bring a friend?\nIt's on Friday."
    first = text_us(settings, words)
    assert "someone on our team will read it" in first
    assert settings.SUPPORT_EMAIL in first
    assert "<Message>" not in text_us(settings, "Hello?")
    one, two = SupportMessage.objects.order_by("pk")
    assert (one.user, one.phone, one.words) == (nina, PHONE, words)
    assert two.words == "Hello?"
    [mail] = mails_to_staff()
    assert (mail["sender"], mail["reply_to"], mail["phone"]) == (
        "Nina",
        "nina@example.com",
        "+1 202-555-0143",
    )

    SupportMessage.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "<Message>" in text_us(settings, "Still me")
    assert len(mails_to_staff()) == 2


def test_a_strangers_words_reach_staff_and_get_no_answer(
    settings: Settings, sandbox: Sandbox
) -> None:
    settings.TWILIO_AUTH_TOKEN = TOKEN
    assert "<Message>" not in text_us(settings, "Do you have classes for <b>kids</b>?", STRANGER)
    row = SupportMessage.objects.get()
    assert (row.user, row.sender, row.reply_to) == (None, "+1 202-555-0199", STRANGER)
    run_jobs()
    [mail] = sandbox.look("mailbox")
    assert mail["to"] == "staff@example.com"
    assert mail["headers"]["Reply-To"] == settings.SUPPORT_EMAIL
    assert "+1 202-555-0199" in mail["text"]
    assert "Answer by phone" in mail["text"]
    assert "<b>kids" not in mail["html"]


def test_a_number_that_nobody_verified_is_a_strangers(settings: Settings, nina: User) -> None:
    Member.objects.update(phone_verified_at=None)
    text_us(settings, "Hi")
    assert SupportMessage.objects.get().user is None


def test_what_twilio_tells_twice_is_kept_once(settings: Settings, nina: User) -> None:
    for _ in range(2):
        text_us(settings, "Hi", MessageSid="SM7")
    assert SupportMessage.objects.count() == len(mails_to_staff()) == 1


@pytest.mark.parametrize(
    ("words", "files", "kept"),
    [
        ("", "1", "[A picture or file came with this text. We don’t keep those.]"),
        ("Look!", "3", "Look!\n[3 pictures or files came with this text. We don’t keep those.]"),
        ("Look!", "many", "Look!"),
        ("a" * 4001, "0", "a" * 3999 + "…"),
        ("\u202eHi\u0007", "0", "Hi"),
    ],
)
def test_files_are_noted_and_long_words_cut(
    settings: Settings, nina: User, words: str, files: str, kept: str
) -> None:
    text_us(settings, words, NumMedia=files)
    assert SupportMessage.objects.get().words == kept


def test_as_long_as_may_be_with_a_note_still_fits() -> None:
    kept = Text("SM1", PHONE, "a" * 5000, 2).kept_words
    assert len(kept) == 4000
    assert kept.endswith("We don’t keep those.]")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "   ",
        "Liked “Harbor Yoga: your payment”",
        "Reacted 👍 to “Harbor”",
        "👍 to “Harbor”",
    ],
)
def test_what_says_nothing_is_not_kept(settings: Settings, nina: User, words: str) -> None:
    assert "<Message>" not in text_us(settings, words)
    assert not SupportMessage.objects.exists()


def test_there_is_a_limit_for_each_number_and_for_all_strangers(
    settings: Settings, nina: User
) -> None:
    settings.TEXTS_TO_US_PER_DAY = {"person": 2, "strangers": 3}
    for _ in range(3):
        text_us(settings, "Hello")
        text_us(settings, "Hello", STRANGER)
    assert SupportMessage.objects.filter(phone=PHONE).count() == 2
    for number in range(3):
        text_us(settings, "Hello", f"+1202555015{number}")
    assert SupportMessage.objects.filter(user=None).count() == 3


def test_keywords_are_not_kept_for_staff(settings: Settings, nina: User) -> None:
    for words in ("STOP", "stop texting me", "START", "HELP"):
        text_us(settings, words)
    assert not SupportMessage.objects.exists()


@pytest.mark.parametrize("told", ["STOP", "START", "HELP"])
def test_what_advanced_opt_out_answers_is_not_answered_twice(
    settings: Settings, nina: User, told: str
) -> None:
    assert "<Message>" not in text_us(settings, "Informacja", OptOutType=told)
    assert Member.objects.get(user=nina).accepts_sms == (told != "STOP")


def test_after_a_stop_words_are_kept_but_not_answered(settings: Settings, nina: User) -> None:
    text_us(settings, "STOP")
    assert "<Message>" not in text_us(settings, "Why was I charged?")
    assert SupportMessage.objects.get().words == "Why was I charged?"


def test_staff_see_who_texted_on_the_list_and_the_members_timeline(
    settings: Settings, nina: User
) -> None:
    text_us(settings, "Where is my mat?")
    text_us(settings, "Any <i>room</i> left?", STRANGER)
    client = browser(owner())
    rows = client.get(reverse("admin:portal_supportmessage_changelist")).content.decode()
    assert "Where is my mat?" in rows
    assert "+1 202-555-0199" in rows
    unknown = reverse("admin:portal_supportmessage_changelist") + "?how=unknown"
    only = client.get(unknown).content.decode()
    assert "Where is my mat?" not in only
    assert "Any &lt;i&gt;room" in only
    for row in SupportMessage.objects.all():
        page = client.get(reverse("admin:portal_supportmessage_change", args=[row.pk]))
        assert "By text" in page.content.decode()


def test_a_number_is_forgotten_with_whoever_leaves(settings: Settings, nina: User) -> None:
    text_us(settings, "Hi", STRANGER)
    contact.forget(Traces.of([], [STRANGER], []))
    assert not SupportMessage.objects.exists()


@pytest.mark.parametrize("sender", ["", "72345", "whatsapp:+12025550143000000000", "HARBOR"])
def test_a_sender_that_is_no_number_is_shown_as_it_is(settings: Settings, sender: str) -> None:
    text_us(settings, "You won!", sender)
    page = browser(owner()).get(reverse("admin:portal_supportmessage_changelist"))
    assert page.status_code == 200
    assert ("You won!" in page.content.decode()) == bool(sender)
