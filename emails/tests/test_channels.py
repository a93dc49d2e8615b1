"""Mails and texts reach the right people in any script, and failures are blamed correctly."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from conftest import HOST, Sandbox, run_jobs
from emails import resending
from emails.models import Message, MessageState
from emails.problems import DeliveryProblem
from emails.tests.test_delivery import mailbox, nina, put, states, texts
from portal.tests.certificates import self_signed
from testing.ports import free_port

pytestmark = pytest.mark.django_db


def to_mail(email: str) -> Message:
    """Put a receipt into the outbox for somebody who takes no texts."""
    [message] = put(User.objects.create_user("somebody", email))
    return message


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [one for one in caplog.records if one.exc_info and one.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("email", "arrives_at"),
    [
        ("jan@żółw.example", "jan@xn--w-uga1v8h.example"),
        ("jan@xn--w-uga1v8h.example", "jan@xn--w-uga1v8h.example"),
        ("jan@straße.example", "jan@xn--strae-oqa.example"),
        ("jürgen@example.com", "jürgen@example.com"),
        ("иван@почта.рф", "иван@xn--80a1acny.xn--p1ai"),
        ("o'brien@example.com", "o'brien@example.com"),
    ],
)
def test_mail_arrives_at_the_very_mailbox(sandbox: Sandbox, email: str, arrives_at: str) -> None:
    to_mail(email)
    run_jobs()
    [mail] = mailbox(sandbox)
    assert mail["to"] == mail["headers"]["To"] == arrives_at
    assert mail["subject"] == "Receipt: $29.00 for Harbor Yoga membership, November 2026"
    assert "$29.00" in mail["text"]
    assert "−$3.00" in mail["html"]


def test_what_the_server_can_not_carry_fails_for_good_and_is_said(sandbox: Sandbox) -> None:
    sandbox.control("switches", mail_ascii_only=True)
    message = to_mail("jürgen@example.com")
    run_jobs()
    message.refresh_from_db()
    assert (message.state, message.attempts) == (MessageState.FAILED, 1)
    assert "SMTPUTF8" in message.error
    assert "another address" in message.error
    sandbox.control("switches", mail_ascii_only=False)
    resending.resend(message, User.objects.create_user("staff"))
    run_jobs()
    assert [mail["to"] for mail in mailbox(sandbox)] == ["jürgen@example.com"]


@pytest.mark.parametrize(
    "brand", ["Smith, Jones & Co", 'The "Harbor" (Yoga)', "Łódź; Joga", "Иван и Ко, ООО"]
)
def test_no_name_of_the_business_stops_mail(
    sandbox: Sandbox, settings: Settings, brand: str
) -> None:
    settings.BRAND_NAME = brand
    settings.SUPPORT_EMAIL = "help@żółw.example"
    settings.DEFAULT_FROM_EMAIL = f"{brand} <help@żółw.example>"
    to_mail("nina@example.com")
    run_jobs()
    [mail] = mailbox(sandbox)
    name, _, address = mail["from"].rpartition(" ")
    assert brand in name.replace('\\"', '"')
    assert address == "<help@xn--w-uga1v8h.example>"
    assert mail["headers"]["Reply-To"] == "help@xn--w-uga1v8h.example"
    assert mail["headers"]["Message-ID"].isascii()


def test_a_mail_server_that_is_not_there_can_not_be_reached(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_PORT = free_port()
    message = to_mail("nina@example.com")
    with pytest.raises(DeliveryProblem):
        run_jobs()
    message.refresh_from_db()
    assert message.state == MessageState.QUEUED
    assert "can't be reached" in message.error
    assert not errors(caplog)


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[int]:
    """A server whose certificate nobody vouches for; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    listening = socket.create_server((HOST, 0))

    def answer() -> None:
        while True:
            try:
                peer, _address = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(peer, server_side=True).close()
            except OSError:
                peer.close()

    threading.Thread(target=answer, daemon=True).start()
    yield listening.getsockname()[1]
    listening.close()


def test_a_certificate_of_the_mail_server_that_is_not_trusted_is_an_error(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture, untrusted: int
) -> None:
    settings.EMAIL_PORT, settings.EMAIL_USE_SSL = untrusted, True
    message = to_mail("nina@example.com")
    with pytest.raises(DeliveryProblem):
        run_jobs()
    message.refresh_from_db()
    assert message.state == MessageState.QUEUED
    assert "CERTIFICATE_VERIFY_FAILED" in message.error
    assert "reached" not in message.error
    assert errors(caplog)


def test_twilios_certificate_is_no_outage_either(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture, untrusted: int
) -> None:
    put(nina())
    settings.TWILIO_API_BASE = f"https://{HOST}:{untrusted}"
    with pytest.raises(DeliveryProblem):
        run_jobs()
    error = Message.objects.get(channel="sms").error
    assert "CERTIFICATE_VERIFY_FAILED" in error
    assert "reached" not in error
    assert errors(caplog)


def test_twilio_that_is_not_there_can_not_be_reached(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    put(nina())
    settings.TWILIO_API_BASE = f"http://{HOST}:{free_port()}"
    with pytest.raises(DeliveryProblem):
        run_jobs()
    assert "Twilio can't be reached" in Message.objects.get(channel="sms").error
    assert not errors(caplog)


def test_a_text_holds_every_letter(sandbox: Sandbox) -> None:
    user = nina()
    rows = put(user)
    # Short enough for two segments whole.
    description = "Zoë’s Йо 李 👩‍🚀"
    Message.objects.update(context=rows[0].context | {"description": description})
    run_jobs()
    assert states() == {"email": "sent", "sms": "sent"}
    [text] = texts(sandbox)
    assert "Zoë's Йо 李 👩‍🚀" in text["body"]
