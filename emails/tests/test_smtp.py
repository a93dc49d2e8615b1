"""One connection carries many mails, and no fault of the server doubles or loses one."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Iterator

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from pytest_django import Settings

from common import dkim_keys
from conftest import run_jobs
from emails import delivery, smtp_lines
from emails.models import Message, MessageState
from emails.problems import DeliveryProblem
from emails.tests.mail_server import HOST, RESET, SILENT_END, Server, mail_server
from emails.tests.test_delivery import put

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    settings.EMAIL_BACKEND = "emails.smtp.EmailBackend"
    settings.EMAIL_HOST = HOST
    smtp_lines.POOL.close()
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        yield server
        smtp_lines.POOL.close()


def write(*names: str) -> list[Message]:
    """Put a receipt for each of some people into the outbox."""
    return [
        message
        for name in names
        for message in put(User.objects.create_user(name, f"{name}@example.com"), cause=name)
    ]


def states() -> set[str]:
    return set(Message.objects.values_list("state", flat=True))


def test_one_connection_carries_them_all(server: Server) -> None:
    write("ada", "ben", "cleo")
    run_jobs()
    assert states() == {MessageState.SENT}
    assert len(server.accepted) == 3
    [said] = server.said
    assert server.commands(0) == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3]
    first = Message.objects.get(recipient="ada@example.com")
    envelope_id = smtp_lines.xtext(first.provider_id.strip("<>"))
    assert f"ret=hdrs envid={envelope_id}".lower() in said[1].lower()
    assert "body=8bitmime" in said[1].lower()
    assert said[2] == "rcpt TO:<ada@example.com> NOTIFY=FAILURE,DELAY"


def test_what_the_server_does_not_offer_is_not_asked_for(server: Server) -> None:
    server.offers = ()
    write("ada")
    run_jobs()
    assert server.said[0][1:3] == [
        "mail FROM:<help@example.com>",
        "rcpt TO:<ada@example.com>",
    ]


def test_who_the_mail_is_from_and_what_it_is(server: Server) -> None:
    write("ada")
    run_jobs()
    [content] = server.accepted
    head = content.partition(b"\r\n\r\n")[0].decode()
    assert "Auto-Submitted: auto-generated" in head
    assert "Feedback-ID: payment_received:billing:portal:" in head
    assert "Reply-To: help@example.com" in head
    assert "@example.com>" in head.partition("Message-ID: ")[2].splitlines()[0]
    assert "DKIM-Signature" not in head


@pytest.mark.parametrize("fault", [RESET, SILENT_END, "421 4.4.2 Idle for too long"])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_used_connection_that_ends_is_replaced_silently(
    server: Server, fault: str, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda number, mail, said: fault if (number, mail, said) == (0, 2, verb) else ""
    write("ada", "ben", "cleo")
    run_jobs()
    assert (states(), len(server.accepted), len(server.said)) == ({MessageState.SENT}, 3, 2)
    assert set(Message.objects.values_list("attempts", flat=True)) == {1}
    assert [one for one in caplog.records if one.name.startswith("emails")] == []


def test_a_goodbye_while_nothing_is_sent_costs_nothing(server: Server) -> None:
    write("ada")
    run_jobs()
    server.say_goodbye()
    write("ben")
    run_jobs()
    assert (states(), len(server.accepted), len(server.said)) == ({MessageState.SENT}, 2, 2)
    assert server.commands(0)[-1] != "MAIL"


def test_a_second_end_is_no_longer_silent(server: Server) -> None:
    server.answer = lambda number, mail, said: (
        RESET if said == "MAIL" and (number, mail) != (0, 1) else ""
    )
    write("ada", "ben")
    with pytest.raises(DeliveryProblem, match="can't be reached"):
        run_jobs()
    assert (len(server.accepted), len(server.said)) == (1, 2)
    assert states() == {MessageState.SENT, MessageState.QUEUED}


@pytest.mark.parametrize("fault", [RESET, SILENT_END])
def test_a_lost_answer_is_no_reason_to_send_right_away_again(server: Server, fault: str) -> None:
    server.answer = lambda number, mail, said: fault if (number, mail, said) == (0, 2, ".") else ""
    _, ben = write("ada", "ben")
    with pytest.raises(DeliveryProblem):
        run_jobs()
    # It may have arrived. The next try is the same mail, by its Message-ID.
    assert (len(server.accepted), len(server.said)) == (2, 1)
    delivery.deliver(ben.pk)
    ids = [
        next(line for line in one.splitlines() if line.startswith(b"Message-ID"))
        for one in server.accepted
    ]
    assert (len(ids), ids[1]) == (3, ids[2])


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("reply", ["451 4.3.0 Try later", "500 5.5.2 What?"])
def test_a_refusal_of_one_mail_leaves_the_connection(server: Server, verb: str, reply: str) -> None:
    server.answer = lambda number, mail, said: reply if (mail, said) == (1, verb) else ""
    write("ada", "ben")
    with pytest.raises(DeliveryProblem):
        run_jobs()
    run_jobs()
    assert len(server.said) == 1
    assert "RSET" in server.commands(0)
    assert len(server.accepted) == 1
    assert Message.objects.get(recipient="ada@example.com").state == MessageState.QUEUED


def test_no_connection_is_kept_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_lines, "KEPT_SECONDS", 0.05)
    write("ada")
    run_jobs()
    give_up = time.monotonic() + 5
    while server.commands(0)[-1] != "QUIT" and time.monotonic() < give_up:
        time.sleep(0.01)
    assert server.commands(0)[-1] == "QUIT"


def test_a_connection_carries_only_so_many(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_lines, "MOST_MAILS", 2)
    write("ada", "ben", "cleo")
    run_jobs()
    assert [said.count("DATA") for said in server.said] == [2, 1]


def test_two_workers_have_a_connection_each(server: Server) -> None:
    together = threading.Barrier(2)
    key = (server.port,)

    def pack(_line: object) -> smtp_lines.Parcel:
        together.wait(5)
        return smtp_lines.Parcel("a@example.com", ["b@example.com"], b"Subject: x\r\n\r\n.\r\n")

    def run() -> None:
        smtp_lines.POOL.carry(key, pack, lambda: smtplib.SMTP(HOST, server.port))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(server.said), server.accepted) == (2, [b"Subject: x\r\n\r\n.\r\n"] * 2)


def test_our_signature_is_one_that_others_can_check(server: Server, settings: Settings) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings.DKIM_SELECTOR, settings.DKIM_DOMAIN = "portal", "example.com"
    settings.DKIM_PRIVATE_KEY = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    record = f"v=DKIM1; k=rsa; p={dkim_keys.public(settings.DKIM_PRIVATE_KEY)}"

    def dns(name: bytes, timeout: int = 5) -> bytes | None:
        return record.encode() if name == b"portal._domainkey.example.com." else None

    put(User.objects.create_user("jurgen", "jürgen@example.com"))
    write("ada")
    run_jobs()
    for content in server.accepted:
        assert dkim.verify(content, dnsfunc=dns)
        changed = content.replace(b"$29.00", b"$92.00")
        assert changed != content
        assert not dkim.verify(changed, dnsfunc=dns)
