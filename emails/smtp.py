"""Django's SMTP, over connections that are kept, with what the server offers on top.

- Non-ASCII letters before the @ (SMTPUTF8, RFC 6531). Django would write such an address as an
  encoded word: a different mailbox, which nobody has. A non-ASCII domain needs none of this, since
  it's encoded for DNS.
- Reports about mails that fail or are late, with their headers alone (DSN, RFC 3461).
- Our own DKIM signature, if there's a key.
"""

from __future__ import annotations

import smtplib
from collections.abc import Hashable, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as Mail
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

from common import addresses
from emails import dkim_signing
from emails.smtp_lines import POOL, Parcel, xtext

UTF8, EIGHT_BIT, REPORTS = "smtputf8", "8bitmime", "dsn"


class NotOffered(smtplib.SMTPNotSupportedError):
    """The server accepts no non-ASCII letters before the @."""


class EmailBackend(smtp.EmailBackend):
    """Django's backend over kept connections, with SMTPUTF8, reports, and a signature."""

    connection: Any

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send mails, each to one recipient; return how many.

        Raises:
            NotOffered: its recipient needs SMTPUTF8, and the server doesn't offer it.
            smtplib.SMTPException, OSError: it was refused, or the server can't be reached.
        """
        for mail in email_messages:
            packing = _Packing(mail)
            POOL.carry(self._key(), packing.pack, self._opened)
        return len(email_messages)

    def _key(self) -> Hashable:
        """Return what one connection has to have in common with another to take its place."""
        return (
            *(self.host, self.port, self.username, self.password, self.use_tls, self.use_ssl),
            *(self.timeout, self.ssl_certfile, self.ssl_keyfile),
        )

    def _opened(self) -> smtplib.SMTP:
        """Return a new connection, signed in."""
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        connection: smtplib.SMTP = self.connection
        self.connection = None
        return connection


class _Packing:
    """One mail, made and signed once, whichever connection takes it in the end."""

    def __init__(self, mail: EmailMessage) -> None:
        self._mail = mail
        self._recipients = mail.recipients()
        self._is_utf8 = any(map(addresses.needs_smtputf8, self._recipients))
        self._content = dkim_signing.signed(_in_utf8(mail) if self._is_utf8 else _plain(mail))

    def pack(self, connection: smtplib.SMTP) -> Parcel:
        """Return the mail with the parameters that a server takes.

        Raises:
            NotOffered: it needs SMTPUTF8, and the server doesn't offer it.
        """
        connection.ehlo_or_helo_if_needed()
        if self._is_utf8 and not connection.has_extn(UTF8):
            raise NotOffered("The mail server doesn't offer SMTPUTF8.")
        options: list[str] = ["SMTPUTF8"] if self._is_utf8 else []
        if connection.has_extn(EIGHT_BIT) and not self._content.isascii():
            options.append("BODY=8BITMIME")
        wishes: tuple[str, ...] = ()
        if connection.has_extn(REPORTS):
            options.append("RET=HDRS")
            if envelope_id := self._mail.extra_headers.get("Message-ID", ""):
                options.append(f"ENVID={xtext(envelope_id.strip('<>'))}")
            wishes = ("NOTIFY=FAILURE,DELAY",)
        _name, sender = addresses.split(self._mail.from_email)
        return Parcel(
            sender=sender,
            recipients=[self._on_envelope(one) for one in self._recipients],
            content=self._content,
            mail_options=tuple(options),
            recipient_options=wishes,
        )

    def _on_envelope(self, recipient: str) -> str:
        return recipient if self._is_utf8 else sanitize_address(recipient, settings.DEFAULT_CHARSET)


def offers_smtputf8() -> bool:
    """Ask the mail server whether it accepts non-ASCII letters before the @.

    Raises:
        smtplib.SMTPException, OSError: it couldn't be asked.
    """
    with EmailBackend() as backend:
        backend.connection.ehlo_or_helo_if_needed()
        return bool(backend.connection.has_extn(UTF8))


def _plain(mail: EmailMessage) -> bytes:
    return mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # SafeMIMEText's


def _in_utf8(mail: EmailMessage) -> bytes:
    """Return a mail whose headers keep its recipients' addresses as they are (RFC 6532)."""
    made: Mail = message_from_bytes(mail.message().as_bytes(), policy=policy.SMTPUTF8)
    del made["To"]
    made["To"] = ", ".join(mail.to)
    return made.as_bytes(policy=policy.SMTPUTF8)
