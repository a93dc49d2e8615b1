"""The bank's mailbox is read mail by mail: nothing in it changes, and no mail is lost."""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from billing.bank.mails.trust import KeysUnavailableError
from billing.models import BankMailbox, BankMailRetry
from billing.tests.zelle.imap_server import HOST, imap_server, line_to, owner
from billing.zelle import mailbox
from common import imap_folders
from conftest import Sandbox
from portal.tests.certificates import self_signed
from testing.ports import free_port

pytestmark = pytest.mark.django_db
USER, PASSWORD = "office@harbor.example", "pass wörd/€"


def mail(number: int) -> bytes:
    return f"From: a@chase.com\r\nSubject: Mail {number}\r\n\r\nText {number}\r\n".encode()


@dataclass
class Taker:
    """Takes mails in, as `receive` does; `error` says which ones it fails at, and how."""

    taken: list[bytes] = field(default_factory=list)
    waited: list[bool] = field(default_factory=list)
    error: Callable[[bytes], Exception | None] = field(default=lambda _content: None)

    def __call__(self, content: bytes, source: str, *, keys_can_wait: bool) -> None:
        assert source == "imap"
        self.waited.append(keys_can_wait)
        if error := self.error(content):
            raise error
        self.taken.append(content)


@pytest.fixture
def take() -> Taker:
    return Taker()


@pytest.fixture
def bank(sandbox: Sandbox, settings: Settings) -> Sandbox:
    settings.BANK_MAIL_URL = sandbox.bank.imap_url
    return sandbox


@pytest.fixture
def port() -> Iterator[int]:
    with imap_server(USER, PASSWORD) as running:
        yield running


def url(port: int, folder: str = "", password: str = PASSWORD) -> str:
    parts = quote(USER, safe=""), quote(password, safe="")
    return f"imap://{parts[0]}:{parts[1]}@{HOST}:{port}/{quote(folder, safe='')}"


def row() -> BankMailbox:
    return BankMailbox.objects.get()


def minutes_later(count: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(minutes=count), tick=True)


# Reading


def test_new_mails_are_taken_in_once_byte_by_byte_and_in_order(bank: Sandbox, take: Taker) -> None:
    for number in (1, 2):
        bank.bank.receive(mail(number))
    mailbox.read(take)
    assert take.taken == [mail(1), mail(2)]
    bank.bank.receive(mail(3))
    mailbox.read(take)
    mailbox.read(take)
    assert take.taken == [mail(1), mail(2), mail(3)] == bank.bank.mails()
    assert (row().last_uid, row().problem, row().failing_since) == (3, "", None)
    assert row().read_at is not None


def test_nothing_in_the_mailbox_changes_and_nobody_could_change_it(
    port: int, take: Taker, settings: Settings
) -> None:
    with owner(port, USER, PASSWORD) as client, line_to(port) as line:
        client.append("INBOX", mail(1))
        client.append("INBOX", mail(2), flags=[b"\\Flagged"])
        client.select_folder("INBOX", readonly=True)
        first, second = client.search()
        before = client.get_flags([first, second])
        settings.BANK_MAIL_URL = url(line.port)
        mailbox.read(take)
        client.noop()
        assert client.get_flags([first, second]) == before
        assert b"\\Seen" not in before[first]
    said = b"".join(line.said).upper()
    assert b"EXAMINE" in said
    assert b"BODY.PEEK[]" in said
    for changing in (b"SELECT", b"STORE", b"EXPUNGE", b"BODY[]", b"CLOSE"):
        assert changing not in said


def test_five_hundred_mails_take_a_few_runs_and_each_comes_once(
    port: int, settings: Settings
) -> None:
    take = Taker()
    settings.BANK_MAIL_URL = url(port)
    with owner(port, USER, PASSWORD) as client:
        client.multiappend("INBOX", [mail(number) for number in range(500)])
    mailbox.read(take)
    assert len(take.taken) == mailbox.MOST
    assert row().read_at is None
    mailbox.read(take)
    mailbox.read(take)
    assert take.taken == [mail(number) for number in range(500)]
    assert row().read_at is not None


def test_a_run_ends_in_time_and_the_next_goes_on(
    bank: Sandbox, take: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "LONGEST_RUN", -1.0)
    bank.bank.receive(mail(1))
    mailbox.read(take)
    assert take.taken == []
    assert row().read_at is None
    monkeypatch.undo()
    mailbox.read(take)
    assert take.taken == [mail(1)]


def test_first_of_all_only_the_last_days_are_read(
    port: int, take: Taker, settings: Settings
) -> None:
    settings.BANK_MAIL_URL, now = url(port), timezone.now()
    with owner(port, USER, PASSWORD) as client:
        client.append("INBOX", mail(1), msg_time=now - timedelta(days=60))
        client.append("INBOX", mail(2), msg_time=now - timedelta(days=6))
        client.append("INBOX", mail(3), msg_time=now)
    mailbox.read(take)
    assert take.taken == [mail(2), mail(3)]


def test_old_mails_that_get_a_label_later_are_no_news(
    port: int, take: Taker, settings: Settings
) -> None:
    settings.BANK_MAIL_URL = url(port)
    mailbox.read(take)
    with owner(port, USER, PASSWORD) as client:
        client.append("INBOX", mail(1), msg_time=timezone.now() - timedelta(days=60))
        client.append("INBOX", mail(2))
    mailbox.read(take)
    assert take.taken == [mail(2)]


def test_after_a_long_outage_nothing_is_skipped(port: int, take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL, now = url(port), timezone.now()
    mailbox.read(take)
    with owner(port, USER, PASSWORD) as client:
        client.append("INBOX", mail(1), msg_time=now + timedelta(hours=1))
    with time_machine.travel(now + timedelta(days=20), tick=True):
        mailbox.read(take)
    assert take.taken == [mail(1)]


def test_a_new_uidvalidity_starts_over(bank: Sandbox, take: Taker) -> None:
    for number in (1, 2, 3):
        bank.bank.receive(mail(number))
    mailbox.read(take)
    before = row()
    bank.control("reset")
    bank.bank.receive(mail(4))
    mailbox.read(take)
    assert take.taken == [mail(1), mail(2), mail(3), mail(4)]
    assert row().uid_validity != before.uid_validity
    assert row().last_uid == 1


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_leave_no_gap(bank: Sandbox) -> None:
    for number in range(20):
        bank.bank.receive(mail(number))
    takers = [Taker(), Taker()]

    def run(take: Taker) -> None:
        try:
            mailbox.read(take)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(take,)) for take in takers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What comes twice changes nothing (`receive`); what doesn't come at all would.
    assert {*takers[0].taken, *takers[1].taken} == {mail(number) for number in range(20)}
    assert row().last_uid == 20
    assert not BankMailRetry.objects.exists()


@pytest.mark.parametrize(
    "folder", ["Bank", "Bank/Zelle", "Überweisungen & mehr", "銀行", "Q 1", 'a"b', "[Gmail]/Bank"]
)
def test_folders_of_any_name(port: int, take: Taker, settings: Settings, folder: str) -> None:
    with owner(port, USER, PASSWORD) as client:
        client.create_folder(folder)
        client.append("INBOX", mail(1))
        client.append(folder, mail(2))
    settings.BANK_MAIL_URL = url(port, folder)
    mailbox.read(take)
    assert take.taken == [mail(2)]
    assert row().mailbox == f"{USER}@{HOST}:{port}/{folder}"


# One bad mail


def failing_at(number: int, error: Exception) -> Callable[[bytes], Exception | None]:
    return lambda content: error if content == mail(number) else None


def test_a_mail_that_cannot_be_digested_is_read_again_later_and_holds_up_nobody(
    bank: Sandbox, take: Taker, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        bank.bank.receive(mail(number))
    take.error = failing_at(2, ValueError("poison"))
    mailbox.read(take)
    assert take.taken == [mail(1), mail(3)]
    retry = BankMailRetry.objects.get()
    assert (retry.uid, retry.error, retry.waits_for_keys, retry.tries) == (
        2,
        "ValueError",
        False,
        1,
    )
    assert "poison" in caplog.text
    mailbox.read(take)
    assert len(take.waited) == 3  # not right away
    with minutes_later(1.1):
        mailbox.read(take)
    retry.refresh_from_db()
    assert retry.tries == 2
    assert retry.again_at - timezone.now() > timedelta(minutes=2)
    take.error = lambda _content: None  # a new version can
    with minutes_later(10):
        mailbox.read(take)
    assert take.taken == [mail(1), mail(3), mail(2)]
    assert not BankMailRetry.objects.exists()


def test_a_bad_mail_that_is_gone_from_the_mailbox_is_forgotten(
    port: int, take: Taker, settings: Settings
) -> None:
    settings.BANK_MAIL_URL = url(port)
    take.error = failing_at(1, ValueError("poison"))
    with owner(port, USER, PASSWORD) as client:
        client.append("INBOX", mail(1))
        mailbox.read(take)
        assert BankMailRetry.objects.count() == 1
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()
    with minutes_later(2):
        mailbox.read(take)
    assert not BankMailRetry.objects.exists()


def test_a_mail_that_the_server_does_not_hand_out_holds_up_nobody(
    bank: Sandbox, take: Taker, settings: Settings
) -> None:
    for number in (1, 2, 3):
        bank.bank.receive(mail(number))
    with line_to(bank.imap_port) as line:
        settings.BANK_MAIL_URL = f"imap://bank:bank@{HOST}:{line.port}"
        line.refused = lambda said: b"UID FETCH 2 " in said
        mailbox.read(take)
        assert take.taken == [mail(1), mail(3)]
        assert row().problem == ""
        assert BankMailRetry.objects.get().uid == 2
        line.refused = lambda _said: False
        with minutes_later(2):
            mailbox.read(take)
    assert take.taken == [mail(1), mail(3), mail(2)]


def test_a_mail_at_which_the_connection_breaks_each_time_holds_up_nobody(
    bank: Sandbox, take: Taker, settings: Settings
) -> None:
    for number in (1, 2, 3):
        bank.bank.receive(mail(number))
    with line_to(bank.imap_port) as line:
        settings.BANK_MAIL_URL = f"imap://bank:bank@{HOST}:{line.port}"
        line.cut_at = lambda said: b"UID FETCH 2 " in said
        mailbox.read(take)
        assert take.taken == [mail(1)]
        assert row().failing_since is not None
        mailbox.read(take)
        assert take.taken == [mail(1), mail(3)]
        assert row().failing_since is None
        line.cut_at = lambda _said: False
        with minutes_later(2):
            mailbox.read(take)
    assert take.taken == [mail(1), mail(3), mail(2)]


def test_a_large_mail_is_passed_over_and_said_in_the_log(
    bank: Sandbox, take: Taker, caplog: pytest.LogCaptureFixture
) -> None:
    bank.bank.receive(mail(1) + b"x" * 1024 * 1024)
    fits = mail(2) + b"x" * (1024 * 1024 - len(mail(2)))
    bank.bank.receive(fits)
    mailbox.read(take)
    assert take.taken == [fits]
    assert "Mail 1 in the bank's mailbox is larger than 1 MB" in caplog.text
    assert not BankMailRetry.objects.exists()


def test_without_a_database_nothing_is_skipped(bank: Sandbox, take: Taker) -> None:
    bank.bank.receive(mail(1))
    take.error = failing_at(1, OperationalError("the server closed the connection"))
    with pytest.raises(OperationalError):
        mailbox.read(take)
    assert row().last_uid == 0
    take.error = lambda _content: None
    mailbox.read(take)
    assert take.taken == [mail(1)]


# Keys that DNS doesn't tell

NO_KEYS = KeysUnavailableError("DNS can't tell s1._domainkey.chase.com")


def test_a_mail_whose_keys_are_not_to_be_had_waits_and_the_others_do_not(
    bank: Sandbox, take: Taker
) -> None:
    for number in (1, 2):
        bank.bank.receive(mail(number))
    take.error = failing_at(1, NO_KEYS)
    mailbox.read(take)
    assert take.taken == [mail(2)]
    assert BankMailRetry.objects.get().waits_for_keys
    take.error = lambda _content: None
    with minutes_later(2):
        mailbox.read(take)
    assert take.taken == [mail(2), mail(1)]
    assert set(take.waited) == {True}


def test_after_a_day_it_is_taken_in_without_its_keys(bank: Sandbox, take: Taker) -> None:
    bank.bank.receive(mail(1))
    take.error = failing_at(1, NO_KEYS)
    mailbox.read(take)
    with minutes_later(23 * 60):
        mailbox.read(take)
    assert set(take.waited) == {True}
    take.error = lambda _content: None
    with minutes_later(24 * 60 + 20):
        mailbox.read(take)
    assert take.waited[-1] is False
    assert take.taken == [mail(1)]


def test_while_dns_is_down_only_a_few_are_tried_in_a_run_and_none_is_lost(
    bank: Sandbox, take: Taker
) -> None:
    for number in range(12):
        bank.bank.receive(mail(number))
    take.error = lambda _content: NO_KEYS
    mailbox.read(take)
    assert len(take.waited) == mailbox.MOST_WITHOUT_KEYS
    take.error = lambda _content: None
    with minutes_later(2):
        mailbox.read(take)
    assert set(take.taken) == {mail(number) for number in range(12)}


# All of it at once


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_in_whatever_order_each_mail_is_taken_in_once(
    bank: Sandbox, take: Taker, settings: Settings, seed: int
) -> None:
    chance, now, sent, turns = random.Random(seed), timezone.now(), 0, 12
    with line_to(bank.imap_port) as line:
        settings.BANK_MAIL_URL = f"imap://bank:bank@{HOST}:{line.port}"
        take.error = lambda _content: chance.choice([None, None, ValueError("poison"), NO_KEYS])
        line.cut_at = line.refused = lambda said: b"FETCH" in said and chance.random() < 0.1
        for turn in range(turns):
            for _ in range(chance.randrange(4)):
                bank.bank.receive(mail(sent))
                sent += 1
            if turn == turns - 1:
                take.error = lambda _content: None
                line.cut_at = line.refused = lambda _said: False
            with time_machine.travel(now + turn * timedelta(minutes=61), tick=True):
                mailbox.read(take)
    assert sorted(take.taken) == sorted(mail(number) for number in range(sent))
    assert not BankMailRetry.objects.exists()
    assert (row().last_uid, row().problem) == (sent, "")


# A mailbox that can't be read


def failed(take: Taker) -> str:
    mailbox.read(take)
    assert row().failing_since is not None
    assert row().read_at is None
    assert PASSWORD not in row().problem
    return row().problem


def test_a_wrong_password_is_said_and_not_shown(port: int, take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL = url(port, password="Hq7wZ2vK9x")
    problem = failed(take)
    assert problem.startswith("127.0.0.1 refused the user name or the password: ")
    assert "Hq7wZ2vK9x" not in problem


def test_a_user_name_is_never_a_command(port: int, take: Taker, settings: Settings) -> None:
    with line_to(port) as line:
        settings.BANK_MAIL_URL = (
            f"imap://a%20b%22%20%28c:{quote(PASSWORD, safe='')}@{HOST}:{line.port}"
        )
        assert "refused the user name or the password" in failed(take)
    assert not [said for said in line.said if b"a b" in said]


def test_a_host_that_is_down_is_said(take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL = url(free_port())
    assert failed(take) == "127.0.0.1 can’t be reached: Connection refused."


def test_a_host_that_nobody_knows_is_said(take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL = "imaps://office:secret@imap.harbor.invalid/Bank"
    assert failed(take).startswith("imap.harbor.invalid isn’t known: ")


def test_a_host_that_does_not_answer_is_given_up(
    take: Taker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_folders, "SECONDS", 0.3)
    with socket.create_server((HOST, 0)) as silent:
        settings.BANK_MAIL_URL = url(silent.getsockname()[1])
        assert "127.0.0.1 didn’t answer" in failed(take)


@pytest.mark.parametrize(
    "greeting", [b"", b"* BYE Too many connections\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
def test_a_server_that_breaks_off_or_is_another_kind_is_said(
    take: Taker, settings: Settings, greeting: bytes
) -> None:
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            client, _address = server.accept()
            with client:
                client.sendall(greeting)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        settings.BANK_MAIL_URL = url(server.getsockname()[1])
        assert failed(take).startswith("127.0.0.1 ")
        thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, take: Taker, settings: Settings
) -> None:
    certificate = self_signed(tmp_path)
    with imap_server(USER, PASSWORD, certificate) as port:
        settings.BANK_MAIL_URL = url(port).replace("imap://", "imaps://")
        assert failed(take).startswith("127.0.0.1 has no valid certificate: self-signed")


def test_a_valid_certificate_is_accepted_and_the_failure_is_over(
    tmp_path: Path, take: Taker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with imap_server(USER, PASSWORD, certificate) as port:
        settings.BANK_MAIL_URL = url(port).replace("imap://", "imaps://")
        failed(take)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        mailbox.read(take)
    assert (row().problem, row().failing_since) == ("", None)
    assert row().read_at is not None


def test_no_tls_where_it_has_to_be_is_refused(port: int, take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL = url(port).replace("imap://", "imaps://")
    assert failed(take).startswith("127.0.0.1 can’t be reached: ")


def test_a_missing_folder_is_said_with_those_that_there_are(
    port: int, take: Taker, settings: Settings
) -> None:
    with owner(port, USER, PASSWORD) as client:
        client.create_folder("Bänk")
    settings.BANK_MAIL_URL = url(port, "Bank")
    assert failed(take) == "127.0.0.1 has no folder “Bank”. It has “INBOX”, “Bänk”."


def test_the_beginning_of_a_failure_is_kept(take: Taker, settings: Settings) -> None:
    settings.BANK_MAIL_URL = url(free_port())
    mailbox.read(take)
    began = row().failing_since
    mailbox.read(take)
    assert row().failing_since == began


def test_the_log_has_neither_mails_nor_the_password(
    port: int, take: Taker, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("imapclient").setLevel(logging.WARNING)  # as LOGGING has it
    with owner(port, USER, PASSWORD) as client:
        client.append("INBOX", mail(1))
    settings.BANK_MAIL_URL = url(port)
    mailbox.read(take)
    assert take.taken == [mail(1)]
    ours = " ".join(record.getMessage() for record in caplog.records if "pymap" not in record.name)
    assert "Text 1" not in ours
    assert PASSWORD not in ours
