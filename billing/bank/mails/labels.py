"""Values behind labels: `Amount` and the line after it, or `Amount: $5.00` on one line (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from billing.bank.files.lines import LineError
from billing.bank.files.table import cents, sensible
from billing.bank.mails.visible import UnreadableMailError

# `March 28, 2026 at 12:20:28 AM EDT`, `Mar 28, 2026`, `03/28/2026`.
_DAY = re.compile(r"(?P<month>[A-Za-z]{3,9})\.? (?P<day>[0-9]{1,2}), (?P<year>[0-9]{4})\b")


def value(lines: Sequence[str], label: str) -> str:
    """Return what stands behind a label, "" if the label isn't there.

    Raises:
        UnreadableMailError: it's there twice. One of them could be part of a memo or a name.
    """
    behind = re.compile(rf"{re.escape(label)}\s*:\s*(?P<value>.+)", re.IGNORECASE)
    found = []
    for place, line in enumerate(lines):
        if line.casefold().rstrip(": ") == label.casefold():
            found.append(lines[place + 1] if place + 1 < len(lines) else "")
        elif match := behind.fullmatch(line):
            found.append(match["value"])
    if len(found) > 1:
        raise UnreadableMailError(f"It names “{label}” more than once.")
    return found[0] if found else ""


def amount(text: str) -> int:
    """Return an amount above zero in cents.

    Raises:
        UnreadableMailError: it isn't one.
    """
    try:
        value_in_cents = cents(text)
    except LineError as error:
        raise UnreadableMailError(f"{error}.") from None
    if value_in_cents <= 0:
        raise UnreadableMailError("Its amount isn't above zero.")
    return value_in_cents


def day(text: str) -> date | None:
    """Return the day that a text begins with, in words or in digits; None if there's none."""
    if match := _DAY.match(text):
        written = f"{match['month'][:3].title()} {match['day']} {match['year']}"
        return _parsed(written, "%b %d %Y")
    return _parsed(text.partition(" ")[0], "%m/%d/%Y")


def _parsed(text: str, form: str) -> date | None:
    try:
        return sensible(datetime.strptime(text, form).date())  # noqa: DTZ007  (a day)
    except ValueError:
        return None
