"""Reads banks' notifications of transfers: one module per bank, chosen by who signed the mail.

`trust` says whose a mail is, and `read` what it says. Neither makes the other true.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from billing.bank.mails import bank_of_america, chase, visible, wells_fargo
from billing.bank.mails.notice import Notice
from billing.bank.mails.visible import UnreadableMailError


class Format(Protocol):
    """A bank's way to write notifications."""

    NAME: str
    """What the bank calls itself."""
    DOMAINS: tuple[str, ...]
    """Whose signature its mails have."""

    def matches(self, subject: str) -> bool:
        """Whether a mail with this subject is about a transfer."""

    def read(self, subject: str, lines: Sequence[str]) -> Notice:
        """Return what a mail says, or raise UnreadableMailError."""


FORMATS: tuple[Format, ...] = (chase, bank_of_america, wells_fargo)


def read(message: bytes) -> Notice | None:
    """Return the transfer that a mail tells of; None if it's about something else.

    The HTML counts, as it's what people see. Plain text that can be read must say the same.

    Raises:
        UnreadableMailError: it's about a transfer, and can't be read for certain.
    """
    subject, sender = visible.subject(message), visible.sender(message)
    # Several banks use the same subject, so the one that it's from goes first.
    for one in sorted(FORMATS, key=lambda form: not _is_from(sender, form)):
        if one.matches(subject):
            return _agreed(one, subject, visible.lines(message))
    return None


def _is_from(sender: str, form: Format) -> bool:
    return any(one in sender for one in form.DOMAINS)


def _agreed(form: Format, subject: str, texts: Sequence[Sequence[str]]) -> Notice:
    if not texts:
        raise UnreadableMailError("It has no text.")
    notice = form.read(subject, texts[0])
    for text in texts[1:]:
        try:
            other = form.read(subject, text)
        except UnreadableMailError:
            continue  # often it only says where to read the HTML
        if (other.amount, other.kind) != (notice.amount, notice.kind):
            raise UnreadableMailError("Its two texts say different things.")
    return notice


__all__ = ["FORMATS", "Format", "Notice", "UnreadableMailError", "read"]
