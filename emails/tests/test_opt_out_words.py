"""The first text to a number says how to stop texts, and so does one each month."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from conftest import Sandbox, run_jobs
from emails import outbox, rendering
from emails.models import Channel, Message
from emails.problems import DeliveryProblem
from emails.tasks import try_now
from emails.tests.test_delivery import nina, put, texts
from members.contexts import TextsOn
from members.signin.mails import send_phone_code

pytestmark = pytest.mark.django_db
WORDS = "Reply STOP to opt out."


def test_the_first_says_so_and_then_one_a_month(sandbox: Sandbox) -> None:
    user = nina()
    for number in range(2):
        put(user, f"in_{number}")
        run_jobs()
    Message.objects.update(sending_at=timezone.now() - timedelta(days=29))
    put(user, "in_2")
    run_jobs()
    newest_first = [text["body"].endswith(WORDS) for text in texts(sandbox)]
    assert newest_first == [True, False, True]
    # Staff read each as it was sent.
    for row in Message.objects.filter(channel=Channel.SMS):
        assert rendering.render_sms(row).endswith(WORDS) == row.says_stop


def test_another_number_hears_it_too(sandbox: Sandbox) -> None:
    user = nina()
    put(user, "in_1")
    run_jobs()
    user.member.phone = "+12025550144"
    user.member.save()
    put(user, "in_2")
    run_jobs()
    assert all(text["body"].endswith(WORDS) for text in texts(sandbox))


def test_the_text_that_says_texts_are_on_counts_and_says_it_once(sandbox: Sandbox) -> None:
    user = nina()
    outbox.put_account(Channel.SMS, str(user.member.phone), TextsOn(), user)
    run_jobs()
    put(user)
    run_jobs()
    receipt, on = (text["body"] for text in texts(sandbox))
    assert on.endswith("Reply HELP for help, STOP to cancel.")
    assert WORDS not in receipt


def test_a_code_never_says_it(sandbox: Sandbox) -> None:
    user = nina()
    send_phone_code(user, str(user.member.phone), "K7F39QXZ")
    run_jobs()
    [code] = texts(sandbox)
    assert "STOP" not in code["body"]


def test_a_text_whose_answer_was_lost_is_found_with_the_same_words(sandbox: Sandbox) -> None:
    sandbox.control("switches", twilio_answer_lost=1.0)
    put(nina())
    with suppress(DeliveryProblem):
        run_jobs()
    sandbox.control("switches", twilio_answer_lost=0.0)
    try_now([Message.objects.get(channel=Channel.SMS).pk])
    run_jobs()
    [only] = texts(sandbox)
    assert only["body"].endswith(WORDS)
    assert Message.objects.get(channel=Channel.SMS).provider_id == only["sid"]
