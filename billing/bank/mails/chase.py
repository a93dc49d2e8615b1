"""Notifications of Chase: `SAM DOE sent you money`, then labels and values (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import Kind
from billing.bank.mails import labels
from billing.bank.mails.notice import Notice
from billing.bank.mails.visible import UnreadableMailError

NAME = "Chase"
DOMAINS: tuple[str, ...] = ("chase.com",)
_SUBJECT = re.compile(r"(.+ sent you|you (received|sent)) money( with zelle.*)?", re.IGNORECASE)
_CAME = re.compile(
    r"(?P<name>.+?) sent you money(?: with zelle ?(?:®|\(r\))?)?[.!]?", re.IGNORECASE
)
_WENT = re.compile(r"you sent money to (?P<name>.+?)[.!]?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{6,20}|[A-Za-z0-9]{8,20}")
NO_MEMO = {"n/a", "na", "none", "-"}


def matches(subject: str) -> bool:
    """Whether a mail with this subject is about a transfer."""
    return bool(_SUBJECT.match(subject))


def read(subject: str, lines: Sequence[str]) -> Notice:
    """Return what a mail's lines say; its subject may leave the payer out.

    Raises:
        UnreadableMailError: something is missing, or is said twice.
    """
    kind, name = _who(lines)
    number = labels.value(lines, "Transaction number")
    if number and not _NUMBER.fullmatch(number):
        raise UnreadableMailError("Its transaction number can't be read.")
    memo = labels.value(lines, "Memo")
    return Notice(
        bank=NAME,
        kind=kind,
        name=name,
        amount=labels.amount(labels.value(lines, "Amount")),
        sent_on=labels.day(labels.value(lines, "Sent on")),
        transaction=number,
        memo="" if memo.casefold() in NO_MEMO else memo,
    )


def _who(lines: Sequence[str]) -> tuple[Kind, str]:
    came = [match["name"] for line in lines if (match := _CAME.fullmatch(line))]
    went = [match["name"] for line in lines if (match := _WENT.fullmatch(line))]
    if len(came) + len(went) != 1:
        raise UnreadableMailError("It doesn't say once who sent the money.")
    return (Kind.ZELLE_IN, came[0]) if came else (Kind.ZELLE_OUT, went[0])
