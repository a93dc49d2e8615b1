"""Django's SMTP, plus addresses with non-ASCII letters before the @ (RFC 6531).

Django would write such an address as an encoded word: a different mailbox, which nobody has. A
non-ASCII domain needs none of this, since it's encoded for DNS.
"""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage as Mail
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from common import addresses

EXTENSION = "smtputf8"


class NotOffered(smtplib.SMTPNotSupportedError):
    """The server accepts no non-ASCII letters before the @."""


class EmailBackend(smtp.EmailBackend):
    """Django's backend, with SMTPUTF8 for recipients who need it."""

    connection: Any

    def _send(self, email_message: EmailMessage) -> bool:
        """Send one mail.

        Raises:
            NotOffered: its recipient needs SMTPUTF8, and the server doesn't offer it.
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
    """Ask the mail server whether it accepts non-ASCII letters before the @.

    Raises:
        smtplib.SMTPException, OSError: it couldn't be asked.
    """
    with EmailBackend() as backend:
        backend.connection.ehlo_or_helo_if_needed()
        return bool(backend.connection.has_extn(EXTENSION))


def _in_utf8(email_message: EmailMessage) -> bytes:
    """Return a mail whose headers keep its recipients' addresses as they are (RFC 6532)."""
    plain = email_message.message().as_bytes()
    mail: Mail = message_from_bytes(plain, policy=policy.SMTPUTF8)
    del mail["To"]
    mail["To"] = ", ".join(email_message.to)
    return mail.as_bytes(policy=policy.SMTPUTF8)
