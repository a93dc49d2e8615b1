"""Staff hear if the bank's mailbox can't be read, and the problem ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.bank.mails.trust import KeysUnavailableError
from billing.models import BankMailbox
from billing.tests.staff_world import manager, signed_in_now
from billing.tests.zelle.imap_server import HOST
from billing.zelle import mailbox
from conftest import Sandbox
from emails import bounce_mailbox
from emails.models import BounceMailbox, Message
from portal.backoffice import problems
from portal.models import Problem
from testing.ports import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]
    settings.BANK_MAIL_URL = f"imap://bank:tOps3cret@{HOST}:{free_port()}"


def taking(error: Exception | None = None) -> Callable[..., None]:
    def take(content: bytes, source: str, *, keys_can_wait: bool) -> None:
        if error:
            raise error

    return take


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def texts() -> list[str]:
    return [spaced(one.text) for one in problems.current()]


def later(**parts: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**parts), tick=True)


def told() -> list[str]:
    return list(Message.objects.filter(kind="problem_found").values_list("subject", flat=True))


def test_a_failure_is_a_problem_after_a_quarter_of_an_hour_and_over_once_it_works(
    sandbox: Sandbox, settings: Settings
) -> None:
    mailbox.read(taking())
    with later(minutes=14):
        mailbox.read(taking())
        assert problems.watch() == []
        assert texts() == []
    with later(minutes=20):
        mailbox.read(taking())
        [problem] = problems.watch()
        expected = "to read the bank’s mailbox for 20 minutes. 127.0.0.1 can’t be reached:"
        assert expected in spaced(problem.text)
        assert "tOps3cret" not in problem.text
        page = signed_in_now(manager()).get(reverse("admin:index")).content.decode()
        assert expected in spaced(page)
        assert len(told()) == 1
    with later(minutes=40):
        assert problems.watch() == []
        # The same mailbox comes to life.
        row = BankMailbox.objects.get()
        settings.BANK_MAIL_URL = sandbox.bank.imap_url
        row.mailbox = mailbox.name()
        row.save()
        mailbox.read(taking())
        assert problems.watch() == []
        assert texts() == []
    assert Problem.objects.get().solved_at is not None


def test_a_mailbox_that_nobody_reads_anymore_is_a_problem_after_an_hour(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.BANK_MAIL_URL = sandbox.bank.imap_url
    mailbox.read(taking())
    with later(minutes=59):
        assert texts() == []
    with later(hours=3):
        assert texts() == [
            "The bank’s mailbox hasn’t been read for 3 hours. Check that the worker is running."
        ]


def test_a_mailbox_that_is_no_longer_set_is_no_problem(settings: Settings) -> None:
    mailbox.read(taking())
    with later(hours=2):
        assert len(texts()) == 1
        settings.BANK_MAIL_URL = "imaps://bank:other@imap.harbor.test/Bank"
        assert texts() == []
        settings.BANK_MAIL_URL = ""
        assert texts() == []


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        (
            KeysUnavailableError("DNS is away"),
            "1 email in the bank’s mailbox can’t be checked, ",
            "DNS doesn’t give us the bank’s key",
        ),
        (
            ValueError("poison"),
            "1 email in the bank’s mailbox can’t be processed. ",
            "failed: ValueError",
        ),
    ],
)
def test_mails_that_cannot_be_taken_in_are_a_problem_until_they_are(
    sandbox: Sandbox, settings: Settings, error: Exception, text: str, reason: str
) -> None:
    settings.BANK_MAIL_URL = sandbox.bank.imap_url
    sandbox.bank.receive(b"From: a@chase.com\r\nSubject: Hi\r\n\r\nHi\r\n")
    mailbox.read(taking(error))
    assert texts() == []
    with later(minutes=16):
        mailbox.read(taking(error))
        [found] = texts()
        assert found.startswith(text)
        [problem] = problems.current()
        page = spaced(signed_in_now(manager()).get(problem.url).content.decode())
        assert f"No. 1, {reason}; first " in page
        assert "16 minutes ago), 2 attempts." in page
    with later(minutes=40):
        mailbox.read(taking())
        assert texts() == []


def test_the_mailbox_for_bounces_is_one_too_while_it_can_not_be_read(settings: Settings) -> None:
    settings.BANK_MAIL_URL = ""
    settings.BOUNCE_ADDRESS = "bounces@harbor.example"
    settings.BOUNCE_MAIL_URL = f"imap://bounces:tOps3cret@{HOST}:{free_port()}"
    bounce_mailbox.read()
    assert texts() == []
    with later(minutes=20):
        [problem] = problems.current()
        expected = "to read the mailbox for bounces for 20 minutes, so we don’t learn which"
        assert expected in spaced(problem.text)
        assert "tOps3cret" not in problem.text
        assert signed_in_now(manager()).get(problem.url).status_code == 200
        BounceMailbox.objects.update(failing_since=None)
        assert texts() == []
