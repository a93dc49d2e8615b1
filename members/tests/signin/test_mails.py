"""All of allauth's mails are sent in our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import allauth
import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.utils import timezone

from emails.catalog import Kind
from emails.models import Channel, Message, MessageState
from emails.rendering import render_email
from members.signin.mails import NoWordsForAccountMail, send_account_mail, send_phone_code

pytestmark = pytest.mark.django_db

TEMPLATES = Path(allauth.__file__).parent / "templates"
# Passwords are reset by code here (ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED), so nobody gets a link.
UNUSED = {"account/email/password_reset_key"}
PREFIXES = sorted(
    f"{app}/email/{path.name.removesuffix('_subject.txt')}"
    for app in ("account", "mfa")
    for path in (TEMPLATES / app / "email").glob("*_subject.txt")
)
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
CONTEXT: dict[str, Any] = {
    "code": "K7F3-9QXZ",
    "from_email": "nina@old.example",
    "to_email": "nina@example.com",
    "deleted_email": "nina@old.example",
    "ip": "192.0.2.7",
    "user_agent": AGENT,
}


@pytest.fixture
def nina() -> User:
    """A member with a verified address."""
    user = User.objects.create_user("nina", "nina@example.com")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.mark.parametrize("prefix", [prefix for prefix in PREFIXES if prefix not in UNUSED])
def test_every_mail_of_allauth_has_words(nina: User, prefix: str) -> None:
    send_account_mail(prefix, nina.email, CONTEXT | {"timestamp": timezone.now()})
    message = Message.objects.get()
    email = render_email(message)
    assert (message.user, message.state) == (nina, MessageState.QUEUED)
    assert email.subject
    assert "{" not in email.text


def test_mail_that_we_have_no_words_for_is_an_error() -> None:
    with pytest.raises(NoWordsForAccountMail, match="account/email/brand_new"):
        send_account_mail("account/email/brand_new", "nina@example.com", {})


def test_change_tells_what_when_and_from_where(nina: User) -> None:
    send_account_mail("account/email/email_changed", "nina@old.example", CONTEXT)
    message = Message.objects.get()
    assert (message.user, message.recipient) == (nina, "nina@old.example")
    text = render_email(message).text
    assert "Your account now uses nina@example.com instead of" in text
    assert "Firefox on Windows" in text
    assert "192.0.2.7" in text


def test_stranger_gets_mail_too() -> None:
    send_account_mail("account/email/unknown_account", "stranger@example.com", {})
    message = Message.objects.get()
    assert (message.user, message.kind) == (None, Kind.UNKNOWN_ACCOUNT)
    assert "/accounts/signup/" in message.context["url"]


def test_code_says_how_long_it_works(nina: User) -> None:
    send_account_mail("account/email/login_code", nina.email, {"code": "K7F3-9QXZ"})
    message = Message.objects.get()
    assert "It works for 10 minutes." in render_email(message).text
    assert message.expires_at is not None
    assert 590 < (message.expires_at - timezone.now()).total_seconds() <= 600


def test_phone_code_goes_to_the_number_that_is_being_proven(nina: User) -> None:
    send_phone_code(nina, "+12025550143", "K7F3-9QXZ")
    message = Message.objects.get()
    assert (message.channel, message.recipient) == (Channel.SMS, "+12025550143")
