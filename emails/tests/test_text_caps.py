"""Texts have a cap per person, per country, and in all; what's over it is told by email."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails import resending
from emails.models import Channel, Message, MessageState
from emails.tests.test_delivery import mailbox, nina, put, texts
from members.signin.mails import send_phone_code

pytestmark = pytest.mark.django_db


def caps(settings: Settings, **changes: int) -> None:
    settings.TEXTS_PER_DAY = {"person": 100, "country": 100, "total": 100} | changes


def texts_written() -> list[Message]:
    return [*Message.objects.filter(channel=Channel.SMS).order_by("pk")]


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        ("person", "This number got 2 texts within 24 hours"),
        ("country", "2 texts went to this number’s country within 24 hours"),
        ("total", "2 texts went out within 24 hours"),
    ],
)
def test_what_is_over_a_cap_is_not_sent_and_says_why(
    sandbox: Sandbox, settings: Settings, cap: str, reason: str
) -> None:
    caps(settings, **{cap: 2})
    user = nina()
    for number in range(3):
        put(user, f"in_{number}")
    run_jobs()
    assert len(texts(sandbox)) == 2
    assert len(mailbox(sandbox)) == 3
    *_sent, last = texts_written()
    assert last.state == MessageState.SKIPPED
    assert last.error.startswith(reason)
    assert last.error.endswith("An email says the same.")


def test_a_day_later_texts_go_out_again(sandbox: Sandbox, settings: Settings) -> None:
    caps(settings, person=1)
    user = nina()
    put(user, "in_1")
    run_jobs()
    Message.objects.update(sending_at=timezone.now() - timedelta(hours=25))
    put(user, "in_2")
    run_jobs()
    assert len(texts(sandbox)) == 2


def test_another_country_has_its_own_cap(sandbox: Sandbox, settings: Settings) -> None:
    caps(settings, country=1)
    user = nina()
    put(user, "in_1")
    run_jobs()
    # Canada shares its calling code with the United States.
    user.member.phone, user.username = "+16135550143", "elsewhere"
    user.member.save()
    put(user, "in_2")
    run_jobs()
    assert [one.country for one in texts_written()] == ["US", "CA"]
    assert len(texts(sandbox)) == 2


def test_it_says_so_if_no_email_tells_it(sandbox: Sandbox, settings: Settings) -> None:
    caps(settings, person=0)
    [mail, text] = put(nina())
    Message.objects.filter(pk=mail.pk).update(state=MessageState.SKIPPED)
    run_jobs()
    text.refresh_from_db()
    assert text.error.endswith("No email says the same.")
    assert resending.why_not_resend(text) == ""


def test_codes_neither_count_nor_wait(sandbox: Sandbox, settings: Settings) -> None:
    caps(settings, person=1)
    user = nina()
    for _ in range(2):
        send_phone_code(user, "+12025550143", "K7F39QXZ")
    put(user, "in_1")
    run_jobs()
    assert len(texts(sandbox)) == 3
