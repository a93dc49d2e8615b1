"""From the outbox to the mailbox and the phone: once, or noticed."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from common.logs import LineFormatter
from conftest import Sandbox, run_jobs
from emails import delivery, outbox, resending
from emails.catalog import Kind
from emails.delivery import StatusReport
from emails.models import Message, MessageState
from emails.problems import DeliveryProblem
from emails.tasks import sweep_outbox
from members.models import Member
from members.signin.mails import send_account_mail, send_phone_code
from portal.backoffice.message_samples import CONTEXTS

pytestmark = pytest.mark.django_db
PHONE = "+12025550143"


def nina(phone: str = PHONE, email: str = "nina@example.com") -> User:
    """Make a member who takes text messages."""
    user = User.objects.create_user("nina", email)
    now = timezone.now()
    Member.objects.filter(user=user).update(phone=phone, phone_verified_at=now, sms_consent_at=now)
    return User.objects.get(pk=user.pk)


def put(user: User, cause: str = "in_1", **changes: Any) -> list[Message]:
    """Put a receipt into the outbox."""
    values: dict[str, Any] = {"cause": cause, "happened_at": timezone.now()} | changes
    with transaction.atomic():
        return outbox.put(user, CONTEXTS[Kind.PAYMENT_RECEIVED], **values)


def states() -> dict[str, str]:
    """Return each message's state by channel."""
    return dict(Message.objects.values_list("channel", "state"))


def mailbox(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what has arrived by mail."""
    mails: list[dict[str, Any]] = sandbox.look("mailbox")
    return mails


def texts(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what has arrived on phones."""
    received: list[dict[str, Any]] = sandbox.look("phone")
    return received


def test_receipt_arrives_by_mail_and_phone(sandbox: Sandbox) -> None:
    put(nina())
    run_jobs()

    [mail] = mailbox(sandbox)
    assert mail["subject"] == "Receipt: $29.00 for Harbor Yoga membership, November 2026"
    assert "$29.00" in mail["text"]
    assert "<html" in mail["html"]
    [text] = texts(sandbox)
    assert text["to"] == PHONE
    assert "$29.00" in text["body"]
    assert states() == {"email": "sent", "sms": "sent"}


def test_same_cause_is_told_once(sandbox: Sandbox) -> None:
    user = nina()
    assert len(put(user)) == 2
    assert put(user) == []
    run_jobs()
    assert len(mailbox(sandbox)) == 1


def test_message_and_its_cause_are_one_transaction(sandbox: Sandbox) -> None:
    user = nina()
    with transaction.atomic():
        put(user)
        transaction.set_rollback(True)
    assert run_jobs() == 0
    assert not Message.objects.exists()


def test_news_from_long_ago_are_not_sent(sandbox: Sandbox, settings: Settings) -> None:
    long_ago = timezone.now() - timedelta(hours=settings.MESSAGE_MAX_AGE_HOURS + 1)
    assert put(nina(), happened_at=long_ago) == []


def test_no_text_without_agreement(sandbox: Sandbox) -> None:
    user = nina()
    Member.objects.update(sms_consent_at=None)
    user = User.objects.get(pk=user.pk)
    assert [message.channel for message in put(user)] == ["email"]


def test_stop_between_writing_and_sending_is_heeded(sandbox: Sandbox) -> None:
    put(nina())
    Member.objects.update(sms_stopped_at=timezone.now())
    run_jobs()
    assert states()["sms"] == MessageState.FAILED
    assert texts(sandbox) == []


def test_mail_to_a_dead_address_fails_for_good(sandbox: Sandbox) -> None:
    put(nina(phone="", email="nina@bounce.example"))
    run_jobs()
    message = Message.objects.get()
    assert message.state == MessageState.FAILED
    assert "550" in message.error


def test_busy_mail_server_is_tried_again(sandbox: Sandbox) -> None:
    put(nina(phone="", email="nina@busy.example"))
    with pytest.raises(DeliveryProblem, match="451"):
        run_jobs()
    message = Message.objects.get()
    assert (message.state, message.attempts) == (MessageState.QUEUED, 1)
    assert "451" in message.error


def test_mail_server_away_is_tried_again(sandbox: Sandbox, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    put(nina(phone=""))
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        run_jobs()
    settings.EMAIL_PORT = sandbox.smtp_port
    delivery.deliver(Message.objects.get().pk)
    assert Message.objects.get().state == MessageState.SENT


def test_last_attempt_fails_visibly(sandbox: Sandbox, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    [message] = put(nina(phone=""))
    Message.objects.update(attempts=delivery.BACKOFF.max_attempts - 1)
    delivery.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.FAILED
    assert "can't be reached" in message.error


def test_mistake_of_ours_is_seen_and_does_not_get_stuck(sandbox: Sandbox) -> None:
    [message] = put(nina(phone=""))
    Message.objects.update(context={"lines": [], "paid_on": "yesterday"})
    with pytest.raises(ValueError, match="isoformat"):
        delivery.deliver(message.pk)
    message.refresh_from_db()
    assert (message.state, message.attempts) == (MessageState.QUEUED, 1)
    assert "ValueError" in message.error


def test_twilio_down_is_tried_again(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    sandbox.control("switches", twilio_fail=1)
    # The second time, it's looked for at Twilio first.
    for words in (r"Twilio said: 205\d\d ", "Twilio is having trouble: 50"):
        with pytest.raises(DeliveryProblem, match=words):
            delivery.deliver(text.pk)
        assert not Message.objects.get(pk=text.pk).is_our_fault
    sandbox.control("switches", twilio_fail=0)
    delivery.deliver(text.pk)
    assert len(texts(sandbox)) == 1


def test_number_that_said_stop_is_remembered(sandbox: Sandbox) -> None:
    user = nina(phone="+15005550004")
    [_, text] = put(user)
    delivery.deliver(text.pk)
    assert Message.objects.get(pk=text.pk).state == MessageState.FAILED
    assert Member.objects.get(user=user).sms_stopped_at is not None


def test_twilio_refusing_our_sender_can_be_mended(sandbox: Sandbox, settings: Settings) -> None:
    [_, text] = put(nina())
    settings.TWILIO_FROM_NUMBER = "+15005550001"
    with pytest.raises(DeliveryProblem, match="21212"):
        delivery.deliver(text.pk)
    settings.TWILIO_FROM_NUMBER = "+15005550006"
    delivery.deliver(text.pk)
    assert len(texts(sandbox)) == 1


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("+15005550001", 21211),
        ("+15005550002", 21612),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
    ],
)
def test_number_that_cannot_be_texted_fails_for_good(
    sandbox: Sandbox, phone: str, code: int
) -> None:
    [_, text] = put(nina(phone=phone))
    delivery.deliver(text.pk)
    text.refresh_from_db()
    assert text.state == MessageState.FAILED
    assert str(code) in text.error


@pytest.mark.parametrize(
    "missing", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER"]
)
def test_without_twilio_a_text_fails_with_a_sentence(
    sandbox: Sandbox, settings: Settings, missing: str
) -> None:
    setattr(settings, missing, "")
    [_, text] = put(nina())
    delivery.deliver(text.pk)
    text.refresh_from_db()
    assert text.state == MessageState.FAILED
    assert f"not set up: {missing}" in text.error


def test_changed_number_gets_no_text_meant_for_the_old_one(sandbox: Sandbox) -> None:
    put(nina())
    Member.objects.update(phone="+12025550199")
    run_jobs()
    assert states()["sms"] == MessageState.FAILED
    assert texts(sandbox) == []


def test_interrupted_mail_is_sent_under_the_same_id(sandbox: Sandbox) -> None:
    """The crash came after the mail server's answer: providers show the second one as the first."""
    [message] = put(nina(phone=""))
    delivery.deliver(message.pk)
    abandoned = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    Message.objects.update(state=MessageState.SENDING, sending_at=abandoned, provider_id="")
    delivery.deliver(message.pk)
    first, second = mailbox(sandbox)
    assert first["message_id"] == second["message_id"] != ""
    assert Message.objects.get().state == MessageState.SENT


def test_a_mail_whose_answer_was_lost_comes_twice_under_one_id(sandbox: Sandbox) -> None:
    """The member's mailbox holds two copies, which mail programs show as one."""
    [message] = put(nina(phone=""))
    sandbox.control("switches", mail_answer_lost=1)
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        delivery.deliver(message.pk)
    assert Message.objects.get().state == MessageState.QUEUED
    assert [mail["copies"] for mail in mailbox(sandbox)] == [1]

    sandbox.control("switches", mail_answer_lost=0)
    delivery.deliver(message.pk)
    first, second = mailbox(sandbox)
    assert first["copies"] == second["copies"] == 2
    assert first["message_id"] == second["message_id"] != ""
    assert (first["subject"], first["text"]) == (second["subject"], second["text"])
    assert Message.objects.get().state == MessageState.SENT


def test_a_text_whose_answer_was_lost_comes_once(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    sandbox.control("switches", twilio_answer_lost=1)
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        delivery.deliver(text.pk)
    sandbox.control("switches", twilio_answer_lost=0)
    delivery.deliver(text.pk)
    assert len(texts(sandbox)) == 1
    text.refresh_from_db()
    assert text.state == MessageState.SENT


def test_interrupted_text_is_looked_for_and_not_sent_again(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    delivery.deliver(text.pk)
    sid = Message.objects.get(pk=text.pk).provider_id
    abandoned = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    Message.objects.update(state=MessageState.SENDING, sending_at=abandoned, provider_id="")
    delivery.deliver(text.pk)
    assert len(texts(sandbox)) == 1
    assert Message.objects.get(pk=text.pk).provider_id == sid


def test_text_that_twilio_took_without_our_seeing_the_answer_is_not_sent_again(
    sandbox: Sandbox, settings: Settings
) -> None:
    [_, text] = put(nina())
    delivery.deliver(text.pk)
    Message.objects.update(state=MessageState.QUEUED, provider_id="", error="Read timed out")
    delivery.deliver(text.pk)
    assert len(texts(sandbox)) == 1
    text.refresh_from_db()
    assert text.state == MessageState.SENT


def test_same_words_of_another_message_are_not_taken_for_it(sandbox: Sandbox) -> None:
    user = nina()
    [_, first] = put(user, "in_1")
    [_, second] = put(user, "in_2")
    delivery.deliver(first.pk)
    Message.objects.filter(pk=second.pk).update(attempts=1)
    delivery.deliver(second.pk)
    assert len(texts(sandbox)) == 2


def test_message_that_another_worker_is_sending_is_left_alone(sandbox: Sandbox) -> None:
    [message] = put(nina(phone=""))
    Message.objects.update(state=MessageState.SENDING, sending_at=timezone.now())
    with pytest.raises(DeliveryProblem, match="Another worker"):
        delivery.deliver(message.pk)
    assert mailbox(sandbox) == []


def test_answer_that_comes_after_a_report_does_not_set_it_back(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    Message.objects.filter(pk=text.pk).update(state=MessageState.SENDING)
    delivery.record_status(text.pk, StatusReport("SM1", "delivered"))
    text.refresh_from_db()
    delivery._record_sent(text, "SM1")
    text.refresh_from_db()
    assert (text.state, text.provider_id) == (MessageState.DELIVERED, "SM1")


def test_report_shows_that_an_interrupted_text_was_sent(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    Message.objects.update(state=MessageState.SENDING, sending_at=timezone.now())
    delivery.record_status(text.pk, StatusReport("SM1", "queued"))
    text.refresh_from_db()
    assert (text.state, text.provider_id) == (MessageState.SENT, "SM1")
    delivery.deliver(text.pk)
    assert texts(sandbox) == []


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_one_mail(sandbox: Sandbox) -> None:
    [message] = put(nina(phone=""))
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            delivery.deliver(message.pk)
        except DeliveryProblem:
            return
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [mail["copies"] for mail in mailbox(sandbox)] == [1]


def test_codes_are_forgotten_once_sent(sandbox: Sandbox) -> None:
    user = nina()
    send_account_mail("account/email/login_code", user.email, {"code": "K7F3-9QXZ", "user": user})
    send_phone_code(user, PHONE, "123456")
    run_jobs()
    assert "K7F3-9QXZ" in mailbox(sandbox)[0]["text"]
    assert "123456" in texts(sandbox)[0]["body"]
    assert list(Message.objects.values_list("context", flat=True)) == [{}, {}]


def test_code_that_no_longer_works_is_not_sent(sandbox: Sandbox) -> None:
    user = nina()
    send_phone_code(user, PHONE, "K7F3-9QXZ")
    Message.objects.update(expires_at=timezone.now())
    run_jobs()
    message = Message.objects.get()
    assert (message.state, message.context) == (MessageState.FAILED, {})
    assert "out of date" in message.error
    assert texts(sandbox) == []


def test_overdue_messages_get_a_job_again(sandbox: Sandbox) -> None:
    long_ago = timezone.now() - timedelta(minutes=3)
    with_job, without_job, stuck, sent = (
        put(user, str(number))[0] for number, user in enumerate([nina(phone="")] * 4)
    )
    Message.objects.update(created_at=long_ago)
    Message.objects.filter(pk=stuck.pk).update(state=MessageState.SENDING, sending_at=long_ago)
    Message.objects.filter(pk=sent.pk).update(state=MessageState.SENT)
    for message in (without_job, stuck, sent):
        forget_job(message)
    assert jobs() == [with_job.pk]
    sweep_outbox(0)
    sweep_outbox(0)
    assert jobs() == [with_job.pk, without_job.pk, stuck.pk]
    run_jobs()
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.SENT}
    assert len(mailbox(sandbox)) == 3


def test_running_job_is_no_reason_for_another(sandbox: Sandbox) -> None:
    put(nina(phone=""))
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    sweep_outbox(0)
    assert jobs() == []


def jobs() -> list[int]:
    """Return the messages that have a job that waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->>'message_id')::int FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'emails.tasks.deliver' ORDER BY 1"
        )
        return [row[0] for row in cursor.fetchall()]


def forget_job(message: Message) -> None:
    """Take a message's job away, as a lost one would be."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE queueing_lock = %s", [f"message:{message.pk}"]
        )


HOSTILE = "Anna\v\ufffe\u202ellB\u202c\x1b"


def test_a_row_with_characters_that_nothing_can_show_is_delivered(sandbox: Sandbox) -> None:
    """Rows may be older than the forms' cleaning."""
    user = nina()
    mail_row = put(user)[0]
    context = mail_row.context | {"name": HOSTILE, "description": f"Work\vshop {HOSTILE}"}
    context["lines"] = [{"description": HOSTILE, "amount": "$29.00"}]
    Message.objects.update(context=context, subject=f"Receipt\v for {HOSTILE}")
    run_jobs()
    assert states() == {"email": "sent", "sms": "sent"}
    [mail], [text] = mailbox(sandbox), texts(sandbox)
    assert mail["subject"] == "Receipt for Anna llB"
    assert "Anna\nllB" in mail["text"].replace("\r\n", "\n")
    assert "Work shop Anna llB" in text["body"]
    for shown in (mail["subject"], mail["text"], mail["html"], text["body"]):
        assert not set(shown) & set("\v\ufffe\u202e\u202c\x1b")


def test_what_failed_for_a_character_is_delivered_by_a_resend(sandbox: Sandbox) -> None:
    user = nina()
    mail_row = put(user)[0]
    Message.objects.filter(channel="sms").delete()
    failed = {"context": mail_row.context | {"description": HOSTILE}, "state": MessageState.FAILED}
    Message.objects.update(**failed, subject=HOSTILE)
    mail_row.refresh_from_db()
    resending.resend(mail_row, user)
    run_jobs()
    assert [mail["subject"] for mail in mailbox(sandbox)] == ["Receipt: $29.00 for Anna llB"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the process writes, in the format of the settings."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter("%(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def test_a_problem_is_logged_by_its_message_and_never_by_its_recipient(
    sandbox: Sandbox, log: io.StringIO
) -> None:
    """Server and Twilio name the recipient in what they answer: staff read it, the log does not."""
    user = nina(phone="+15005550001", email="nina.nilsson@bounce.example")
    mail, text = put(user)
    for message in (mail, text):
        with suppress(DeliveryProblem):
            delivery.deliver(message.pk)
    assert f"Message {mail.pk} (email): The mail server said: 550" in log.getvalue()
    assert f"Message {text.pk} (sms): Twilio said: 21211" in log.getvalue()
    for hint in ("nina", "bounce.example", "5550001"):
        assert hint not in log.getvalue()
    keys = set(ProcrastinateJob.objects.exclude(lock=None).values_list("lock", flat=True))
    assert len(keys) == 2
    assert not any("@" in key or "+" in key for key in keys if key)
