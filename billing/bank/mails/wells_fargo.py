"""Notifications of Wells Fargo: `SAM DOE sent you money. Here are the details:` (pure).

Its confirmation code is what the account's file has behind `REF #`. Not every mail has a memo.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from billing.bank.files.lines import Kind
from billing.bank.mails import labels
from billing.bank.mails.notice import Notice
from billing.bank.mails.visible import UnreadableMailError

NAME = "Wells Fargo"
DOMAINS: tuple[str, ...] = ("wellsfargo.com",)
_SUBJECT = re.compile(r"you received money with zelle ?(?:®|\(r\))?[.!]?", re.IGNORECASE)
_CAME = re.compile(
    r"(?P<name>.+?) sent you money(?: with zelle ?(?:®|\(r\))?)?[.!]?"
    r"(?: here are the details:?)?",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Za-z0-9]{6,20}")


def matches(subject: str) -> bool:
    """Whether a mail with this subject is about a transfer."""
    return bool(_SUBJECT.fullmatch(subject))


def read(subject: str, lines: Sequence[str]) -> Notice:
    """Return what a mail's lines say.

    Raises:
        UnreadableMailError: something is missing, or is said twice.
    """
    names = [match["name"] for line in lines if (match := _CAME.fullmatch(line))]
    if len(names) != 1:
        raise UnreadableMailError("It doesn't say once who sent the money.")
    code = labels.value(lines, "Confirmation code") or labels.value(lines, "Confirmation")
    if code and not _CODE.fullmatch(code):
        raise UnreadableMailError("Its confirmation code can't be read.")
    memo = [labels.value(lines, one) for one in ("Memo", "Message", "Note")]
    return Notice(
        bank=NAME,
        kind=Kind.ZELLE_IN,
        name=names[0],
        amount=labels.amount(labels.value(lines, "Amount")),
        sent_on=labels.day(labels.value(lines, "Date")),
        transaction=code,
        memo=next(filter(None, memo), ""),
    )
