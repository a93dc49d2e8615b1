"""The bank's mails come in by the mailbox and by a pipe, from the sandbox's bank to the row."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from billing.core.bank_statuses import MailState
from billing.models import BankMail, BankMailbox, BankMailRetry
from billing.tasks import read_bank_mail
from billing.tests.zelle.dns_server import dns_server
from billing.zelle import keys as lookup
from common.postgres import CHECKOUT
from conftest import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(sandbox: Sandbox, settings: Settings) -> Sandbox:
    settings.BANK_MAIL_URL = sandbox.bank.imap_url
    settings.BANK_MAIL_RECIPIENTS = ["owner@harbor.example"]
    settings.BANK_MAIL_KEYS = sandbox.bank.key()
    return sandbox


def states() -> list[str]:
    return list(BankMail.objects.order_by("pk").values_list("state", flat=True))


def piped(content: bytes) -> str:
    """Hand a mail to the command, and return what it says."""
    out = io.StringIO()
    call_command("receive_bank_mail", stdin=io.BytesIO(content), stdout=out)
    return out.getvalue()


def refused(content: bytes) -> CommandError:
    with pytest.raises(CommandError) as caught:
        piped(content)
    return caught.value


# The mailbox


def test_each_minutes_job_takes_in_what_the_bank_wrote(bank: Sandbox) -> None:
    bank.bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    bank.bank.pay("Ada Poe", 5_000)
    read_bank_mail(0)
    read_bank_mail(0)
    assert states() == [MailState.VERIFIED] * 2
    first = BankMail.objects.earliest("pk")
    assert (first.amount, first.memo, first.domain) == (2_900, "HY-7K3P-4", "chase.com")
    assert [
        bytes(row.content or b"") for row in BankMail.objects.order_by("pk")
    ] == bank.bank.mails()


def test_a_forged_mail_between_true_ones_never_counts(bank: Sandbox) -> None:
    bank.bank.pay("Sam Doe", 2_900)
    bank.bank.pay("Sam Doe", 9_900, forged="other_key")
    bank.bank.pay("Ada Poe", 5_000)
    read_bank_mail(0)
    assert states() == [MailState.VERIFIED, MailState.UNVERIFIED, MailState.VERIFIED]


def test_without_a_mailbox_the_job_does_nothing(bank: Sandbox, settings: Settings) -> None:
    settings.BANK_MAIL_URL = ""
    read_bank_mail(0)
    assert not BankMailbox.objects.exists()


def test_while_dns_is_away_mails_wait_and_count_later(bank: Sandbox, settings: Settings) -> None:
    [(name, record)] = bank.bank.key().items()
    settings.BANK_MAIL_KEYS = {}
    bank.bank.pay("Sam Doe", 2_900)
    with dns_server() as dns:
        dns.failing.add(name)
        read_bank_mail(0)
        assert states() == []
        assert BankMailRetry.objects.get().waits_for_keys
        dns.failing.clear()
        dns.texts[name] = ['"' + '" "'.join([record[:200], record[200:]]) + '"']
        with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=True):
            read_bank_mail(0)
    assert states() == [MailState.VERIFIED]
    assert not BankMailRetry.objects.exists()


def test_a_mail_whose_keys_nobody_tells_is_unverified_after_a_day(
    bank: Sandbox, settings: Settings
) -> None:
    [name] = bank.bank.key()
    settings.BANK_MAIL_KEYS = {}
    bank.bank.pay("Sam Doe", 2_900)
    with dns_server() as dns:
        dns.failing.add(name)
        read_bank_mail(0)
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=True):
            read_bank_mail(0)
    assert states() == [MailState.UNVERIFIED]
    assert not BankMailRetry.objects.exists()


# The pipe


def test_a_piped_mail_is_taken_in(bank: Sandbox) -> None:
    bank.bank.pay("Sam Doe", 2_900, "HY-7K3P-4")
    [mail] = bank.bank.mails()
    said = piped(mail)
    row = BankMail.objects.get()
    assert said == f"Email {row.pk}: verified.\n"
    assert piped(mail) == said
    assert states() == [MailState.VERIFIED]


def test_pipes_have_other_ends_of_lines_and_a_line_in_front(bank: Sandbox) -> None:
    bank.bank.pay("Sam Doe", 2_900)
    [mail] = bank.bank.mails()
    piped(
        b"From no.reply.alerts@chase.com  Sat Nov 28 18:00:00 2026\n" + mail.replace(b"\r\n", b"\n")
    )
    assert states() == [MailState.VERIFIED]
    # The same mail by the other way in is the same one.
    read_bank_mail(0)
    assert states() == [MailState.VERIFIED]


def test_mails_that_do_not_count_are_dealt_with_too(bank: Sandbox) -> None:
    bank.bank.pay("Sam Doe", 9_900, forged="other_key")
    [mail] = bank.bank.mails()
    said = piped(mail)
    assert "unverified. Its signature doesn't fit" in said
    assert piped(b"From: a@b.example\nSubject: Lunch?\n\nHi\n") == (
        "It isn't about a transfer: nothing is kept.\n"
    )
    assert piped(mail + b"x" * 1024 * 1024) == "It's larger than 1 MB: nothing is kept.\n"
    assert states() == [MailState.UNVERIFIED]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello", b"Subject: no sender\n\nHi", b"\x00\xff\xfe", b"From: \n"[:4]]
)
def test_what_is_no_mail_is_refused_for_good(bank: Sandbox, content: bytes) -> None:
    assert refused(content).returncode == os.EX_DATAERR


def test_while_dns_is_away_the_mail_server_tries_again(
    bank: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.3)
    settings.BANK_MAIL_KEYS = {}
    bank.bank.pay("Sam Doe", 2_900)
    [mail] = bank.bank.mails()
    with dns_server() as dns:
        dns.is_silent = True
        assert refused(mail).returncode == os.EX_TEMPFAIL
        assert states() == []
        # Mail servers give up after some days, and then the bank would hear of it instead of us.
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=True):
            assert "unverified" in piped(mail)
    assert states() == [MailState.UNVERIFIED]


def test_without_recipients_nothing_could_count_so_it_waits(
    bank: Sandbox, settings: Settings
) -> None:
    settings.BANK_MAIL_RECIPIENTS = []
    assert refused(b"From: a@chase.com\n\n").returncode == os.EX_TEMPFAIL


def test_without_a_database_the_mail_server_tries_again() -> None:
    env = {
        **os.environ,
        "DATABASE_URL": "postgresql://portal:of-its-own@127.0.0.1:9/portal",
        "BANK_MAIL_RECIPIENTS": "owner@harbor.example",
    }
    run = subprocess.run(
        [sys.executable, "manage.py", "receive_bank_mail"],
        cwd=CHECKOUT,
        env=env,
        input=b"From: no.reply@chase.com\nSubject: You received money with Zelle\n\nHi\n",
        capture_output=True,
        check=False,
    )
    assert run.returncode == os.EX_TEMPFAIL
    assert b"The database isn't there" in run.stderr
