"""SMTP as Django speaks it, and addresses with letters beyond ASCII before the @ (RFC 6531).

Django would write such an address as an encoded word, which is another mailbox, that nobody has.
A domain beyond ASCII needs nothing of this: it travels as DNS has it.
"""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage as Mail
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from portal import addresses

EXTENSION = "smtputf8"


class NotOffered(smtplib.SMTPNotSupportedError):
    """The server takes no letters beyond ASCII before the @."""


class EmailBackend(smtp.EmailBackend):
    """Django's, with SMTPUTF8 for whom it takes."""

    connection: Any

    def _send(self, email_message: EmailMessage) -> bool:
        """Send one mail.

        Raises:
            NotOffered: its recipient needs SMTPUTF8, and the server has it not.
        """
        recipients = email_message.recipients()
        if not any(map(addresses.needs_smtputf8, recipients)):
            return bool(super()._send(email_message))  # type: ignore[misc]
        self.connection.ehlo_or_helo_if_needed()
        if not self.connection.has_extn(EXTENSION):
            raise NotOffered("The mail server doesn't offer SMTPUTF8.")
        _name, sender = addresses.split(email_message.from_email)
        self.connection.sendmail(
            sender,
            recipients,
            _in_utf8(email_message),
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )
        return True


def offers_smtputf8() -> bool:
    """Ask the mail server whether it takes letters beyond ASCII before the @.

    Raises:
        smtplib.SMTPException, OSError: it could not be asked.
    """
    with EmailBackend() as backend:
        backend.connection.ehlo_or_helo_if_needed()
        return bool(backend.connection.has_extn(EXTENSION))


def _in_utf8(email_message: EmailMessage) -> bytes:
    """Return a mail whose headers name its recipients as they are (RFC 6532)."""
    plain = email_message.message().as_bytes()
    mail: Mail = message_from_bytes(plain, policy=policy.SMTPUTF8)
    del mail["To"]
    mail["To"] = ", ".join(email_message.to)
    return mail.as_bytes(policy=policy.SMTPUTF8)
