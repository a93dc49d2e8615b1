"""A mailbox over IMAP, for reading alone; what can go wrong comes as a sentence.

The folder is examined, not selected, and mails are peeked at: nothing in it changes, not even what
is unread.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import imapclient
from imapclient.exceptions import IMAPClientError, LoginError

from common import characters
from common.imap_addresses import ImapAddress

# For each answer of the server.
SECONDS = 15.0
# Few servers leave out that it's a part, which would be "<0>".
ANSWER = b"BODY[]"
# What LOGIN takes without quotes or an encoding (RFC 3501, 9: ASTRING-CHAR).
_PLAIN = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z\[\]^_`a-z|}~]+")
# Everything that a server or the way to it can do to us.
FAILURES: tuple[type[Exception], ...] = (imaplib.IMAP4.error, OSError)
# After these, nothing can be asked anymore.
BROKEN: tuple[type[Exception], ...] = (imaplib.IMAP4.abort, OSError)


class MailboxError(Exception):
    """The mailbox can't be read; the sentence says why, for staff."""


@dataclass
class Folder:
    """An open folder. A new `validity` means that its mails are numbered anew."""

    client: imapclient.IMAPClient
    address: ImapAddress
    validity: int

    def since(self, day: date, after: int) -> list[int]:
        """Return the UIDs above a number of mails that came on a day or later, in order."""
        found = self.client.search(["UID", f"{after + 1}:*", "SINCE", day])
        # `7:*` names the last mail even if its number is lower.
        return sorted(uid for uid in found if uid > after)

    def content(self, uid: int, most: int) -> bytes | None:
        """Return a mail's bytes, no more than one too many; None if it's gone.

        One byte more than what can count tells that a mail has more.

        Raises:
            MailboxError: the connection broke.
            IMAPClientError: the server doesn't hand this mail out.
        """
        try:
            parts = self.client.fetch([uid], [f"BODY.PEEK[]<0.{most + 1}>"]).get(uid, {})
        except BROKEN as error:
            raise MailboxError(_sentence(error, self.address)) from error
        contents = [part for name, part in parts.items() if name.startswith(ANSWER)]
        return next((bytes(one) for one in contents if one is not None), None)


@contextmanager
def opened(address: ImapAddress) -> Iterator[Folder]:
    """Open the folder of an address, and close it in the end.

    Raises:
        MailboxError: it can't be opened, or the connection broke while it was open.
    """
    try:
        with _connected(address) as client:
            _sign_in(client, address)
            yield Folder(client, address, _examined(client, address))
    except FAILURES as error:
        raise MailboxError(_sentence(error, address)) from error


def _connected(address: ImapAddress) -> imapclient.IMAPClient:
    return imapclient.IMAPClient(
        address.host,
        address.port,
        ssl=address.is_encrypted,
        ssl_context=ssl.create_default_context() if address.is_encrypted else None,
        timeout=SECONDS,
    )


def _sign_in(client: imapclient.IMAPClient, address: ImapAddress) -> None:
    """Sign in by LOGIN, or as SASL's PLAIN if there are characters that LOGIN doesn't take."""
    if _PLAIN.fullmatch(address.user) and address.password.isascii():
        client.login(address.user, address.password)
    else:
        client.plain_login(address.user, address.password)


def _examined(client: imapclient.IMAPClient, address: ImapAddress) -> int:
    """Open the folder for reading alone and return its UIDVALIDITY."""
    try:
        answer = client.select_folder(address.folder, readonly=True)
    except imaplib.IMAP4.abort:
        raise
    except IMAPClientError as error:
        raise MailboxError(_no_folder(client, address)) from error
    return int(answer.get(b"UIDVALIDITY", 0))


def _no_folder(client: imapclient.IMAPClient, address: ImapAddress) -> str:
    names = [name for _flags, _delimiter, name in client.list_folders()]
    listed = ", ".join(f"“{name}”" for name in names[:20])
    return f"{address.host} has no folder “{address.folder}”. It has {listed}."


def _sentence(error: Exception, address: ImapAddress) -> str:
    host = address.host
    if isinstance(error, OSError):
        return f"{host} {_unreachable(error)}"
    if isinstance(error, LoginError):
        return f"{host} refused the user name or the password: {_said(error, address)}"
    if isinstance(error, imaplib.IMAP4.abort):
        return f"{host} broke off the connection: {_said(error, address)}"
    return f"{host} answered: {_said(error, address)}"


def _unreachable(error: OSError) -> str:
    """Return the end of a sentence about a host that the network doesn't lead to."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has no valid certificate: {error.verify_message}."
    if isinstance(error, socket.gaierror):
        return f"isn’t known: {error.strerror}."
    if isinstance(error, TimeoutError):
        return f"didn’t answer for {SECONDS:.0f} seconds."
    return f"can’t be reached: {error.strerror or error}."


def _said(error: Exception, address: ImapAddress) -> str:
    """Return a server's own words. Some repeat what they were sent, so without the password."""
    text = characters.line(str(error).removeprefix("b'").removesuffix("'"))
    return text.replace(address.password, "…")[:300]
