"""From the outbox to the mailbox and the phone: once, or noticed."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from conftest import Sandbox, run_jobs
from emails import delivery, outbox, text_messages
from emails.account import send_account_mail, send_phone_code
from emails.catalogue import Kind
from emails.models import Message, MessageState
from emails.problems import DeliveryProblem
from emails.tests.samples import SAMPLES
from members.models import Member

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
        return outbox.put(Kind.PAYMENT_RECEIVED, user, SAMPLES[Kind.PAYMENT_RECEIVED], **values)


def states() -> dict[str, str]:
    """Return each message's state by channel."""
    return dict(Message.objects.values_list("channel", "state"))


def mailbox(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what has arrived by mail."""
    found: list[dict[str, Any]] = sandbox.look("mailbox")
    return found


def texts(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what has arrived on phones."""
    found: list[dict[str, Any]] = sandbox.look("phone")
    return found


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
    delivery.deliver(Message.objects.get().pk, is_last_attempt=False)
    assert Message.objects.get().state == MessageState.SENT


def test_last_attempt_fails_visibly(sandbox: Sandbox, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    [message] = put(nina(phone=""))
    with pytest.raises(DeliveryProblem):
        delivery.deliver(message.pk, is_last_attempt=True)
    assert Message.objects.get().state == MessageState.FAILED


def test_twilio_down_is_tried_again(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    sandbox.control("switches", twilio_fail=1)
    with pytest.raises(DeliveryProblem):
        delivery.deliver(text.pk, is_last_attempt=False)
    sandbox.control("switches", twilio_fail=0)
    delivery.deliver(text.pk, is_last_attempt=False)
    assert len(texts(sandbox)) == 1


def test_number_that_said_stop_is_remembered(sandbox: Sandbox) -> None:
    user = nina(phone="+15005550004")
    [_, text] = put(user)
    delivery.deliver(text.pk, is_last_attempt=False)
    assert Message.objects.get(pk=text.pk).state == MessageState.FAILED
    assert Member.objects.get(user=user).sms_stopped_at is not None


def test_without_twilio_a_text_fails_with_a_sentence(sandbox: Sandbox, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    [_, text] = put(nina())
    delivery.deliver(text.pk, is_last_attempt=False)
    assert "not set up" in Message.objects.get(pk=text.pk).error


def test_interrupted_mail_is_sent_under_the_same_id(sandbox: Sandbox) -> None:
    """The crash came after the mail server's answer: providers show the second one as the first."""
    [message] = put(nina(phone=""))
    delivery.deliver(message.pk, is_last_attempt=False)
    abandoned = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    Message.objects.update(state=MessageState.SENDING, sending_at=abandoned, provider_id="")
    delivery.deliver(message.pk, is_last_attempt=False)
    [mail] = mailbox(sandbox)
    assert mail["times"] == 2
    assert Message.objects.get().state == MessageState.SENT


def test_interrupted_text_is_looked_for_and_not_sent_again(sandbox: Sandbox) -> None:
    [_, text] = put(nina())
    delivery.deliver(text.pk, is_last_attempt=False)
    sid = Message.objects.get(pk=text.pk).provider_id
    abandoned = timezone.now() - delivery.ABANDONED_AFTER - timedelta(seconds=1)
    Message.objects.update(state=MessageState.SENDING, sending_at=abandoned, provider_id="")
    delivery.deliver(text.pk, is_last_attempt=False)
    assert len(texts(sandbox)) == 1
    assert Message.objects.get(pk=text.pk).provider_id == sid


def test_message_that_another_worker_is_sending_is_left_alone(sandbox: Sandbox) -> None:
    [message] = put(nina(phone=""))
    Message.objects.update(state=MessageState.SENDING, sending_at=timezone.now())
    with pytest.raises(DeliveryProblem, match="Another worker"):
        delivery.deliver(message.pk, is_last_attempt=False)
    assert mailbox(sandbox) == []


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_one_mail(sandbox: Sandbox) -> None:
    [message] = put(nina(phone=""))
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        try:
            delivery.deliver(message.pk, is_last_attempt=False)
        except DeliveryProblem:
            return
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [mail["times"] for mail in mailbox(sandbox)] == [1]


def test_codes_are_forgotten_once_sent(sandbox: Sandbox) -> None:
    user = nina()
    send_account_mail("account/email/login_code", user.email, {"code": "K7F3-9QXZ", "user": user})
    send_phone_code(user, PHONE, "123456")
    run_jobs()
    assert "K7F3-9QXZ" in mailbox(sandbox)[0]["text"]
    assert "123456" in texts(sandbox)[0]["body"]
    assert list(Message.objects.values_list("context", flat=True)) == [{}, {}]


def test_code_is_never_sent_again(sandbox: Sandbox) -> None:
    user = nina()
    send_account_mail("account/email/login_code", user.email, {"code": "K7F3-9QXZ", "user": user})
    with pytest.raises(outbox.ResendRefused):
        outbox.resend(Message.objects.get(), user)


def test_receipt_can_be_sent_again(sandbox: Sandbox) -> None:
    user = nina(phone="")
    [message] = put(user)
    outbox.resend(message, user)
    outbox.resend(message, user)
    run_jobs()
    assert len(mailbox(sandbox)) == 3
    assert message.resends.count() == 2


def test_changed_password_is_told(sandbox: Sandbox) -> None:
    user = nina()
    context = {"user": user, "ip": "192.0.2.7", "timestamp": timezone.now()}
    send_account_mail("account/email/password_changed", user.email, context)
    run_jobs()
    [mail] = mailbox(sandbox)
    assert mail["subject"] == "Your password was changed"
    assert "192.0.2.7" in mail["text"]


def test_text_token_is_ours_only() -> None:
    from django.core.signing import BadSignature

    with pytest.raises(BadSignature):
        text_messages.message_of_token("17")
