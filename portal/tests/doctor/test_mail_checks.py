"""The doctor's checks of mail, texts, and the bank's mailbox, against real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from billing.tests.zelle.dns_server import DnsServer, dns_server
from conftest import Sandbox
from portal.doctor import mail_checks
from portal.models import Outcome

OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN


@pytest.fixture
def dns(settings: Settings) -> Iterator[DnsServer]:
    settings.DEFAULT_FROM_EMAIL = "Harbor Yoga <hello@mail.harbor.example>"
    with dns_server() as server:
        yield server


def test_the_mail_server_is_asked_and_gets_no_mail(sandbox: Sandbox, settings: Settings) -> None:
    found = mail_checks.server()
    assert (found.outcome, "answers" in found.text) == (OK, True)
    assert sandbox.look("mailbox") == []
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "harbor", "top-secret"
    found = mail_checks.server()
    assert found.outcome == FAIL
    assert "top-secret" not in found.text + found.remedy
    settings.EMAIL_PORT = 9
    found = mail_checks.server()
    assert (found.outcome, "127.0.0.1:9 can’t be used" in found.text) == (FAIL, True)


def test_mails_that_are_printed_are_told(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    settings.DEVELOPMENT = True
    assert mail_checks.server().outcome == WARN
    settings.DEVELOPMENT = False
    assert mail_checks.server().outcome == FAIL


def test_what_the_domain_publishes(dns: DnsServer, settings: Settings) -> None:
    assert mail_checks.spf().outcome == WARN
    assert mail_checks.dmarc().outcome == WARN
    assert mail_checks.dkim().outcome == UNKNOWN
    settings.DKIM_SELECTORS = ["pm", "s2"]
    assert "pm, s2" in mail_checks.dkim().text
    dns.texts = {
        "mail.harbor.example": ['"v=spf1 include:spf.provider.example ~all"'],
        "_dmarc.harbor.example": ['"v=DMARC1; p=none"'],
        "pm._domainkey.mail.harbor.example": ['"k=rsa; p=MIGf"'],
        "s2._domainkey.mail.harbor.example": ['"v=DKIM1; " "p=MIGf"'],
    }
    assert mail_checks.spf().outcome == OK
    assert mail_checks.dmarc().outcome == OK
    assert mail_checks.dkim().outcome == OK
    dns.texts["mail.harbor.example"].append('"v=spf1 -all"')
    assert mail_checks.spf().outcome == FAIL


def test_dns_that_fails_proves_nothing(dns: DnsServer, settings: Settings) -> None:
    settings.DKIM_SELECTORS = ["pm"]
    dns.failing = {
        "mail.harbor.example",
        "_dmarc.mail.harbor.example",
        "pm._domainkey.mail.harbor.example",
    }
    for check in (mail_checks.spf, mail_checks.dkim, mail_checks.dmarc):
        assert check().outcome == UNKNOWN


def test_texts(sandbox: Sandbox, settings: Settings) -> None:
    found = mail_checks.sender()
    assert (found.outcome, "go to nobody" in found.text) == (WARN, True)
    assert mail_checks.carriers().outcome == UNKNOWN
    settings.TWILIO_FROM_NUMBER = "+12075550123"
    assert "has no number +12075550123" in mail_checks.sender().text
    settings.TWILIO_AUTH_TOKEN = "not-the-token"
    found = mail_checks.sender()
    assert found.outcome == FAIL
    assert "not-the-token" not in found.text
    settings.TWILIO_ACCOUNT_SID = ""
    assert mail_checks.sender().outcome == OK
    assert mail_checks.carriers().outcome == OK


def test_the_banks_mailbox(sandbox: Sandbox, settings: Settings) -> None:
    settings.BANK_MAIL_URL = ""
    assert mail_checks.bank_mailbox().outcome == OK
    settings.BANK_MAIL_URL = "imap://bank:hush@127.0.0.1:9/INBOX"
    found = mail_checks.bank_mailbox()
    assert found.outcome == FAIL
    assert "hush" not in found.text
