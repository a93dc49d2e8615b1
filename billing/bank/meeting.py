"""Which mail and which line of the account tell of the same transfer (pure).

Either may come first, and other mails and lines about the same name and amount before or after
them. So what belongs together is always worked out for all of them at once: the result doesn't
depend on the order in which they came.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing.bank import names
from billing.bank.names import ALIKE

# The account may have money a day before the mail's date (time zones), and up to three business
# days after it.
BEFORE, AFTER = timedelta(days=1), timedelta(days=5)


@dataclass(frozen=True)
class Told:
    """What a mail or a line tells of a transfer. Amounts and directions are the same for all."""

    pk: int
    name: str
    on: date
    number: str = ""  # the bank's
    memo: str = ""


def together(mails: Iterable[Told], lines: Iterable[Told]) -> list[tuple[Told, Told]]:
    """Return the pairs of a mail and a line that tell of one transfer.

    The bank's number decides. Without it on both sides, names must be alike and days close; then
    the earliest mail gets the earliest line. Of several lines of that day it gets one with its very
    name, or else one with a name that no other mail has.
    """
    pairs, left_mails, left_lines = _by_number(_in_order(mails), _in_order(lines))
    days = [line.on for line in left_lines]
    taken: set[int] = set()
    mailed = Counter(mail.name.casefold() for mail in left_mails)
    for mail in left_mails:
        mailed[mail.name.casefold()] -= 1
        first, end = bisect_left(days, mail.on - BEFORE), bisect_right(days, mail.on + AFTER)
        free = (at for at in range(first, end) if at not in taken)
        fits = list(_of_first_day(days, (at for at in free if may_be_one(mail, left_lines[at]))))
        if fits:
            at = min(fits, key=lambda at: _distance(mail, left_lines[at], mailed))
            taken.add(at)
            pairs.append((mail, left_lines[at]))
    return pairs


def _of_first_day(days: Sequence[date], places: Iterable[int]) -> Iterator[int]:
    """Yield the places that have the same day as the first one."""
    first: date | None = None
    for at in places:
        first = first or days[at]
        if days[at] != first:
            return
        yield at


def _distance(mail: Told, line: Told, mailed: Mapping[str, int]) -> int:
    """Return 0 for the very name, 2 for one that a mail to come has, and 1 for any other."""
    if line.name.casefold() == mail.name.casefold():
        return 0
    return 2 if mailed[line.name.casefold()] else 1


def _by_number(
    mails: Iterable[Told], lines: Iterable[Told]
) -> tuple[list[tuple[Told, Told]], list[Told], list[Told]]:
    """Return the pairs that share a number, and the mails and lines that are left, in order."""
    numbered = {one.number.upper(): one for one in lines if one.number}
    pairs, left = [], []
    for mail in mails:
        line = numbered.pop(mail.number.upper(), None) if mail.number else None
        if line:
            pairs.append((mail, line))
        else:
            left.append(mail)
    used = {line.pk for _, line in pairs}
    return pairs, left, [one for one in lines if one.pk not in used]


def may_be_one(one: Told, other: Told) -> bool:
    """Whether a mail and a line could be about one transfer, days aside."""
    return not _are_other_numbers(one.number, other.number) and _same_name(one.name, other.name)


def _in_order(told: Iterable[Told]) -> list[Told]:
    # By what they say before their keys, which depend on what came first.
    return sorted(told, key=lambda one: (one.on, one.number, one.name, one.memo, one.pk))


def _are_other_numbers(one: str, other: str) -> bool:
    """Whether both are numbers of the same kind and differ: a transfer has only one of a kind.

    For money from another bank, the file has that bank's reference and the mail our own's.
    """
    return one != other and _kind(one) == _kind(other) == "number"


def _kind(number: str) -> str:
    return "number" if number.isdigit() else "reference"


def _same_name(one: str, other: str) -> bool:
    # Some banks leave the name out of one of the two.
    return not one or not other or names.likeness(one, other) >= ALIKE
