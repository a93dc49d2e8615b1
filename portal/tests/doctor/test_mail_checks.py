"""The doctor's checks of mail, texts, and the bank's mailbox, against real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
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


def test_the_key_that_we_sign_with_is_the_one_in_dns(dns: DnsServer, settings: Settings) -> None:
    assert mail_checks.signature().outcome == OK
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings.DKIM_SELECTOR, settings.DKIM_DOMAIN = "portal", "harbor.example"
    settings.DKIM_PRIVATE_KEY = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    found = mail_checks.signature()
    assert (found.outcome, "has no key" in found.text) == (FAIL, True)
    assert "PRIVATE" not in found.text + found.remedy
    published = found.remedy.partition("harbor.example: ")[2]
    name = "portal._domainkey.harbor.example"
    dns.texts[name] = [f'"{published[:200]}" "{published[200:]}"']
    assert mail_checks.signature().outcome == OK
    dns.texts[name] = ['"v=DKIM1; k=rsa; p=MIGf"']
    assert "another key" in mail_checks.signature().text
    settings.DKIM_DOMAIN = "other.example"
    dns.texts["portal._domainkey.other.example"] = [f'"{published[:200]}" "{published[200:]}"']
    assert "DMARC doesn’t count it" in mail_checks.signature().text
    dns.failing = {"portal._domainkey.other.example"}
    assert mail_checks.signature().outcome == UNKNOWN


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
    assert mail_checks.carriers().outcome == OK
    settings.TWILIO_FROM_NUMBER = "+12075550123"
    assert "has no number +12075550123" in mail_checks.sender().text
    settings.TWILIO_AUTH_TOKEN = "not-the-token"
    found = mail_checks.sender()
    assert found.outcome == FAIL
    assert "not-the-token" not in found.text
    settings.TWILIO_ACCOUNT_SID = ""
    assert mail_checks.sender().outcome == OK
    assert mail_checks.carriers().outcome == OK


def test_a_messaging_service_may_have_its_own_address_for_replies(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.PORTAL_URL = "http://localhost:8000"
    sandbox.control("switches", twilio_replies="elsewhere")
    found = mail_checks.sender()
    assert found.outcome == WARN
    assert "go to https://elsewhere.example/sms, so STOP isn’t noted" in found.text
    assert "the Messaging Service “Sandbox”" in found.remedy
    # The number's own address is empty here, and doesn't count.
    sandbox.control("switches", twilio_replies="service")
    assert mail_checks.sender().outcome == OK
    # In no service, the number's own counts again.
    sandbox.control("switches", twilio_registration="no_service")
    found = mail_checks.sender()
    assert (found.outcome, "go to nobody" in found.text) == (WARN, True)
    assert "A message comes in" in found.remedy


@pytest.mark.parametrize(
    ("state", "outcome", "said"),
    [
        ("verified", OK, "belongs to the Messaging Service “Sandbox”"),
        ("in_review", WARN, "being reviewed"),
        ("refused", FAIL, "was refused, so US carriers block our texts. The campaign’s website"),
        ("suspended", FAIL, "is suspended"),
        ("no_campaign", FAIL, "has no campaign"),
        ("no_service", FAIL, "is in no Messaging Service with a campaign"),
    ],
)
def test_what_us_carriers_know(sandbox: Sandbox, state: str, outcome: Outcome, said: str) -> None:
    sandbox.control("switches", twilio_registration=state)
    found = mail_checks.carriers()
    assert (found.outcome, said in found.text) == (outcome, True), found
    assert bool(found.remedy) == (outcome != OK)


@pytest.mark.parametrize(
    ("state", "outcome", "said"),
    [
        ("verified", OK, "+18885550006 is verified"),
        ("in_review", WARN, "is still being reviewed"),
        ("refused", FAIL, "Twilio refused the verification. The campaign’s website"),
        ("no_campaign", FAIL, "isn’t verified, so carriers block its texts."),
    ],
)
def test_what_us_carriers_know_of_a_toll_free_number(
    sandbox: Sandbox, settings: Settings, state: str, outcome: Outcome, said: str
) -> None:
    settings.TWILIO_FROM_NUMBER = "+18885550006"
    sandbox.control("switches", twilio_registration=state)
    found = mail_checks.carriers()
    assert (found.outcome, said in found.text) == (outcome, True), found
    assert bool(found.remedy) == (outcome != OK)


def test_carriers_cannot_be_told_without_twilio(sandbox: Sandbox, settings: Settings) -> None:
    sandbox.control("switches", twilio_fail=1)
    found = mail_checks.carriers()
    assert (found.outcome, "Twilio doesn’t say" in found.text) == (UNKNOWN, True)
    settings.TWILIO_FROM_NUMBER = "+442071838750"
    assert "isn’t American" in mail_checks.carriers().text


def test_the_banks_mailbox(sandbox: Sandbox, settings: Settings) -> None:
    settings.BANK_MAIL_URL = ""
    assert mail_checks.bank_mailbox().outcome == OK
    settings.BANK_MAIL_URL = "imap://bank:hush@127.0.0.1:9/INBOX"
    found = mail_checks.bank_mailbox()
    assert found.outcome == FAIL
    assert "hush" not in found.text
