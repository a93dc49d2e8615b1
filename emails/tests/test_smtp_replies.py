"""Refusals of the recipient and of us are told apart, in real servers' words."""

from __future__ import annotations

import pytest

from emails.smtp_replies import is_recipients


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.1.1 The email account that you tried to reach does not exist."),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found"),
        (550, "5.4.1 Recipient address rejected: Access denied."),
        (552, "5.2.2 The email account that you tried to reach is over quota"),
        (550, "5.2.1 The email account that you tried to reach is disabled."),
        (556, "5.1.10 Recipient address has null MX"),
        (550, "No such user here"),
        (553, "sorry, that domain isn't in my list of allowed rcpthosts"),
    ],
)
def test_a_mailbox_that_is_not_there_is_the_recipients(code: int, text: str) -> None:
    assert is_recipients(code, text, named_recipient=True)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (550, "5.7.1 Relaying denied"),
        (554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen"),
        (550, "5.7.26 This mail is unauthenticated, which poses a security risk"),
        (550, "5.1.8 Sender address rejected: Domain not found"),
        (530, "5.7.0 Authentication required"),
        (550, "5.3.0 Your account has been suspended"),
        (550, "5.5.1 Too many recipients today"),
        (554, "Transaction failed"),
        (451, "4.3.0 Mailbox busy"),
    ],
)
@pytest.mark.parametrize("named_recipient", [True, False])
def test_what_can_be_mended_is_not_the_recipients(
    code: int, text: str, named_recipient: bool
) -> None:
    assert not is_recipients(code, text, named_recipient=named_recipient)


def test_a_bare_refusal_of_the_mail_itself_is_about_us() -> None:
    assert not is_recipients(550, "Rejected", named_recipient=False)
    assert is_recipients(550, "Rejected", named_recipient=True)
