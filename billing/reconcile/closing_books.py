"""Closes a month of the books: what it said is kept, and later changes are named.

Closings form one chain, as the ledger of refunds does: each has the hash of the one before it. The
database refuses to change or remove one. A month that was closed keeps counting what Stripe says,
so the balance stays true; what differs from the closing is shown beside it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from billing.core.book_words import DIRECT
from billing.facts import book_months, books
from billing.models import BalanceReading, BookCheck, BookClosing
from billing.models.closing import CURRENT, WITHOUT_DIRECT
from common import region
from common.money import Money

logger = logging.getLogger(__name__)

LOCK = 7_240_113  # ours alone among PostgreSQL's advisory locks
GENESIS = "0" * 64
HEADS_OF_BOOKS = ".books"
HEAD = re.compile(r"\S+ (?P<number>\d+) (?P<hash>[0-9a-f]{64})")
# So long after a month's end, whatever moved in it has been listed.
SETTLED = timedelta(hours=1)


class NotClosable(Exception):
    """The month can't be closed yet; the sentence is for staff."""


@dataclass(frozen=True)
class Change:
    """A line that differs from what was closed."""

    label: str
    then: Money
    now: Money


def close(month: date, by: User) -> BookClosing:
    """Close a month as it is now.

    Raises:
        NotClosable: it isn't over, wasn't read to its end, or an earlier one is still open.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # One closing at a time: there's one chain.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if reason := why_not(month):
            raise NotClosable(reason)
        last = BookClosing.objects.order_by("number").last()
        row = BookClosing(
            number=last.number + 1 if last else 1,
            month=month,
            time_zone=region.zone().key,
            statements=as_kept(month),
            direct=direct_as_kept(month),
            version=CURRENT,
            closed_at=timezone.now(),
            closed_by=by,
            previous_hash=last.hash if last else GENESIS,
        )
        row.hash = digest(row)
        row.save(force_insert=True)
    return row


def why_not(month: date) -> str:
    """Say why a month can't be closed, or nothing if it can."""
    closed = set(BookClosing.objects.values_list("month", flat=True))
    return _not_settled(month) or _out_of_order(month, closed)


def _not_settled(month: date) -> str:
    """Say what may still come in."""
    settled = book_months.read().bounds(month)[1].astimezone(UTC) + SETTLED
    reading = BalanceReading.objects.first()
    if timezone.now() < settled:
        return "A month can be closed an hour after it’s over."
    if reading is None or reading.read_at < settled:
        return "Stripe’s balance hasn’t been read since the month ended. Try again in ten minutes."
    if any(tie.difference for tie in books.ties()):
        return "The books don’t agree with Stripe’s balance. Close the month once they do."
    return ""


def _out_of_order(month: date, closed: set[date]) -> str:
    """Say which other month is in the way."""
    known = {one.month for one in books.months()}
    # Months from before the first closing stay open: somebody else's books have them.
    first = min(closed, default=month)
    if month in closed:
        return "This month is closed already."
    if month < first:
        return "A later month is closed already, so this one stays open."
    if month not in known:
        return "Nothing moved in this month."
    earlier = sorted(one for one in known - closed if first < one < month)
    return f"Close {earlier[0]:%B %Y} first." if earlier else ""


def left_open_by(month: date) -> list[date]:
    """Return the earlier months that could never be closed after this one, if it's the first."""
    if BookClosing.objects.exists():
        return []
    return sorted(one.month for one in books.months() if one.month < month)


def as_kept(month: date) -> list[dict[str, Any]]:
    """Return a month's statements as a closing keeps them."""
    return [
        {
            "currency": one.currency,
            "opening": one.opening.amount,
            "closing": one.closing.amount,
            "lines": [
                {
                    "section": str(line.section),
                    "key": line.key,
                    "label": line.label,
                    "amount": line.money.amount,
                    "count": line.count,
                }
                for line in one.lines
            ],
        }
        for one in books.statements(month)
    ]


def direct_as_kept(month: date) -> list[dict[str, Any]]:
    """Return what moved outside of Stripe's balance as a closing keeps it."""
    return [
        {"kind": kind, "currency": money.currency.lower(), "amount": money.amount}
        for kind, money in books.moved_directly(month)
    ]


def digest(row: BookClosing) -> str:
    """Return SHA-256 (hexadecimal) over the row as JSON: names sorted, no spaces, ASCII."""
    columns: dict[str, Any] = {
        "number": row.number,
        "month": f"{row.month:%Y-%m}",
        "time_zone": row.time_zone,
        "statements": row.statements,
        "closed_at": row.closed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "closed_by": row.closed_by_id,
        "previous_hash": row.previous_hash,
    }
    if row.version != WITHOUT_DIRECT:
        columns |= {"version": row.version, "direct": row.direct}
    text = json.dumps(columns, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def changes(row: BookClosing) -> list[Change]:
    """Return the lines that came in, or differ, since a month was closed."""
    then, now = _amounts(row.statements), _amounts(as_kept(row.month))
    if row.version != WITHOUT_DIRECT:
        then |= _direct(row.direct)
        now |= _direct(direct_as_kept(row.month))
    return [
        Change(label, Money(then.get(key, ("", 0))[1], key[0]), Money(amount, key[0]))
        for key in sorted({*then, *now})
        for label, amount in [now.get(key) or (then[key][0], 0)]
        if amount != then.get(key, ("", 0))[1]
    ]


def _amounts(statements: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, int]]:
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for one in statements:
        currency = one["currency"]
        found[currency, "!opening"] = ("Opening balance", one["opening"])
        for line in one["lines"]:
            found[currency, line["key"]] = (line["label"], line["amount"])
        found[currency, "~closing"] = ("Closing balance", one["closing"])
    return found


def _direct(kept: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, int]]:
    # After the closing balance, as on the page.
    return {
        (one["currency"], f"~direct:{one['kind']}"): (DIRECT[one["kind"]], one["amount"])
        for one in kept
    }


def verify() -> BookCheck:
    """Verify the chain, and keep what was found for the staff's home page."""
    found = {
        "checked_at": timezone.now(),
        "closings": BookClosing.objects.count(),
        "problems": list(problems()),
    }
    check, _is_new = BookCheck.objects.update_or_create(pk=1, defaults=found)
    for problem in check.problems[:5]:
        logger.error("The closed months of the books: %s", problem)
    return check


def problems() -> Iterator[str]:
    """Yield what's wrong with the chain of closings."""
    heads, bad = _exported()
    yield from bad
    before, number = GENESIS, 0
    for row in BookClosing.objects.order_by("number"):
        if row.number != number + 1:
            yield f"Before {row} a closing is missing."
        if row.previous_hash != before:
            yield f"The closing of {row} doesn't follow from the one before it."
        if digest(row) != row.hash:
            yield f"The closing of {row} was changed after it was made."
        if heads.get(row.number, row.hash) != row.hash:
            yield f"The closing of {row} isn't the one that was exported."
        before, number = row.hash, row.number
    if heads and max(heads) > number:
        yield f"Closing {max(heads)} was exported, and is gone."


def heads_file() -> Path | None:
    """Return where heads of the chain are written: beside those of the refund ledger."""
    if not settings.LEDGER_HEADS_FILE:
        return None
    return Path(f"{settings.LEDGER_HEADS_FILE}{HEADS_OF_BOOKS}")


def export_head() -> None:
    """Write the chain's head to the log and its file: time, number, and hash.

    Raises:
        OSError: the file can't be written.
    """
    last = BookClosing.objects.order_by("number").last()
    if last is None:
        return
    logger.info("Closed months of the books: closing %d, head %s", last.number, last.hash)
    file = heads_file()
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    at = timezone.now().astimezone(UTC).isoformat(timespec="seconds")
    with file.open("a") as heads:
        heads.write(f"{at} {last.number} {last.hash}\n")


def _exported() -> tuple[dict[int, str], list[str]]:
    """Read the exported heads, and what's wrong with their file."""
    file = heads_file()
    if file is None or not file.exists():
        return {}, []
    heads: dict[int, str] = {}
    bad: list[str] = []
    for place, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        head = HEAD.fullmatch(line.strip())
        if head is None:
            bad.append(f"Line {place} of the exported closings can't be read.")
        elif heads.setdefault(int(head["number"]), head["hash"]) != head["hash"]:
            bad.append(f"Two different closings {head['number']} were exported.")
    return heads, bad
