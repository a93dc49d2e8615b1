"""Notifications of Bank of America: the subject says who sent how much (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import Kind
from billing.bank.mails import labels
from billing.bank.mails.notice import Notice
from billing.bank.mails.visible import UnreadableMailError

NAME = "Bank of America"
DOMAINS: tuple[str, ...] = ("bankofamerica.com",)
_SUBJECT = re.compile(r"(?P<name>.+?) sent you (?P<amount>\$[0-9.,]+)\.?", re.IGNORECASE)


def matches(subject: str) -> bool:
    """Whether a mail with this subject is about a transfer."""
    return bool(_SUBJECT.fullmatch(subject))


def read(subject: str, lines: Sequence[str]) -> Notice:
    """Return what a mail says.

    Raises:
        UnreadableMailError: the subject isn't as expected, or the text says something twice.
    """
    match = _SUBJECT.fullmatch(subject)
    if not match:
        raise UnreadableMailError("Its subject doesn't say who sent how much.")
    return Notice(
        bank=NAME,
        kind=Kind.ZELLE_IN,
        name=match["name"],
        amount=labels.amount(match["amount"]),
        sent_on=labels.day(labels.value(lines, "Date")),
        transaction=labels.value(lines, "Confirmation"),
        memo=labels.value(lines, "Message") or labels.value(lines, "Memo"),
    )
