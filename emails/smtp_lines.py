"""Connections to the mail server that are kept for the next mail, and one mail over one of them.

Opening a connection takes longer than a mail does. Servers close those that idle, with or without
saying so (421). A mail that meets a closed one goes over a new one, once and silently. That's safe
only while nothing of the mail itself has left: after that, nobody knows whether it arrived.
"""

from __future__ import annotations

import logging
import re
import select
import smtplib
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

# Shorter than most servers wait, and a batch has no such pauses.
KEPT_SECONDS = 20.0
# Some servers take no more over one connection.
MOST_MAILS = 100
GOODBYE_SECONDS = 1.0
SERVICE_CLOSES = 421
# A line that begins with a dot gets another one (RFC 5321, 4.5.2).
DOTS = re.compile(rb"(?m)^\.")


class AnswerLost(smtplib.SMTPServerDisconnected):
    """The whole mail has left, and the connection broke before the server's answer."""


class ClosedError(Exception):
    """The server had closed the connection before it took anything of the mail."""


@dataclass(frozen=True)
class Parcel:
    """A mail as it travels: the envelope with SMTP's parameters, and the bytes."""

    sender: str
    recipients: list[str]
    content: bytes
    mail_options: tuple[str, ...] = ()
    recipient_options: tuple[str, ...] = ()


# Packs a mail for what a server offers.
Pack = Callable[[smtplib.SMTP], Parcel]


@dataclass(eq=False)
class Line:
    """A signed-in connection, and how many mails it has carried."""

    connection: smtplib.SMTP
    carried: int = 0
    idle_since: float = 0.0

    def carry(self, parcel: Parcel) -> None:
        """Hand a mail over.

        Raises:
            ClosedError: a used connection was closed meanwhile; the mail may go over another one.
            AnswerLost: it may have been taken.
            smtplib.SMTPException, OSError: the server refused it, or broke off.
        """
        self._announce(parcel)
        connection = self.connection
        content = DOTS.sub(b"..", parcel.content)
        end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
        connection.send(content + end)
        try:
            code, words = connection.getreply()
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise AnswerLost(str(error)) from error
        if code != 250:
            raise smtplib.SMTPDataError(code, words)
        self.carried += 1

    def _announce(self, parcel: Parcel) -> None:
        """Tell the server who writes to whom, up to its word that the mail may follow."""
        connection = self.connection
        reply = self._asked(lambda: connection.mail(parcel.sender, parcel.mail_options))
        if reply[0] != 250:
            raise smtplib.SMTPSenderRefused(*reply, parcel.sender)
        refused: dict[str, tuple[int, bytes]] = {}
        for recipient in parcel.recipients:
            options = parcel.recipient_options
            reply = self._asked(partial(connection.rcpt, recipient, options))
            if reply[0] not in {250, 251}:
                refused[recipient] = reply
        # Ours have one recipient each. To some of several would be neither sent nor unsent.
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)
        reply = self._asked(lambda: connection.docmd("DATA"))
        if reply[0] != 354:
            raise smtplib.SMTPDataError(*reply)

    def _asked(self, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        """Return the server's reply; on a used connection, a goodbye is no reply."""
        if self.carried == 0:
            return ask()
        try:
            reply = ask()
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise ClosedError from error
        if reply[0] == SERVICE_CLOSES:
            raise ClosedError
        return reply

    def is_usable(self) -> bool:
        """Whether it may carry another mail: the server hasn't said or sent anything since."""
        sock = self.connection.sock
        if sock is None or self.carried >= MOST_MAILS:
            return False
        if time.monotonic() - self.idle_since > KEPT_SECONDS:
            return False
        # What an idle server sends is its goodbye.
        return not select.select([sock], [], [], 0)[0]

    def is_ready_again(self) -> bool:
        """Whether a server that refused a mail takes another one over this connection."""
        try:
            return self.connection.sock is not None and self.connection.rset()[0] == 250
        except (smtplib.SMTPException, OSError) as error:
            logger.info("The mail server ended a connection after a refusal: %s", error)
            return False

    def close(self) -> None:
        """Say goodbye without waiting long for the answer."""
        try:
            if self.connection.sock is not None:
                self.connection.sock.settimeout(GOODBYE_SECONDS)
                self.connection.quit()
        except (smtplib.SMTPException, OSError) as error:
            logger.debug("The mail server had ended an idle connection: %s", error)
        self.connection.close()


@dataclass
class Pool:
    """Idle connections by what was needed to open them; each carries one mail at a time."""

    _idle: dict[Hashable, list[Line]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def carry(self, key: Hashable, pack: Pack, open_new: Callable[[], smtplib.SMTP]) -> None:
        """Hand a mail over by an idle connection or a new one; it's packed for that server.

        Raises:
            smtplib.SMTPException, OSError: the server refused it, or can't be reached.
        """
        line = self._take(key)
        if line is not None:
            with suppress(ClosedError):
                return self._carry_by(line, key, pack)
        return self._carry_by(Line(open_new()), key, pack)

    def close(self) -> None:
        """Close all idle connections."""
        with self._lock:
            lines = [line for idle in self._idle.values() for line in idle]
            self._idle.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for line in lines:
            line.close()

    def _carry_by(self, line: Line, key: Hashable, pack: Pack) -> None:
        try:
            line.carry(pack(line.connection))
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            if line.is_ready_again():
                # It has been used, so a goodbye may follow.
                line.carried = max(line.carried, 1)
                self._keep(line, key)
            else:
                line.close()
            raise
        except BaseException:
            line.connection.close()
            raise
        self._keep(line, key)

    def _take(self, key: Hashable) -> Line | None:
        """Return the connection that was used last, if one is left that's usable."""
        while True:
            with self._lock:
                idle = self._idle.get(key)
                line = idle.pop() if idle else None
            if line is None or line.is_usable():
                return line
            line.close()

    def _keep(self, line: Line, key: Hashable) -> None:
        line.idle_since = time.monotonic()
        with self._lock:
            self._idle.setdefault(key, []).append(line)
            if self._timer is None:
                self._timer = threading.Timer(KEPT_SECONDS, self._close_old)
                self._timer.daemon = True
                self._timer.start()

    def _close_old(self) -> None:
        """Close what has idled too long; come back while something is left."""
        before = time.monotonic() - KEPT_SECONDS
        with self._lock:
            old = [one for idle in self._idle.values() for one in idle if one.idle_since <= before]
            self._idle = {
                key: left
                for key, idle in self._idle.items()
                if (left := [one for one in idle if one.idle_since > before])
            }
            self._timer = None
            if self._idle:
                self._timer = threading.Timer(KEPT_SECONDS / 2, self._close_old)
                self._timer.daemon = True
                self._timer.start()
        for line in old:
            line.close()


POOL = Pool()


def xtext(value: Any) -> str:
    """Return a value as SMTP's parameters write it (RFC 3461, 4)."""
    return "".join(
        one if "!" <= one <= "~" and one not in "+=" else f"+{ord(one):02X}" for one in str(value)
    )
