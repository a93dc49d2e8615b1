"""Whether an account's lines tie to the balances that its files have, and where one is missing.

Each line leaves a balance, and the next begins with it. So of all balances before and after lines,
only the opening one is never left, and only the closing one is never begun with. Whatever order
lines have within a day, each further pair of such ends is a gap: lines between them are missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum

from billing.bank.files.lines import Kind
from billing.models import BankAccount, BankLine
from common.money import Money

# Balances that are left and begun with differently often; `place` is above zero for what begins.
ENDS = """
SELECT value, sum(begins) - sum(leaves) AS place, min(day) FILTER (WHERE begins = 1) AS first_day,
       max(day) FILTER (WHERE leaves = 1) AS last_day
FROM (
    SELECT balance - amount AS value, 1 AS begins, 0 AS leaves, posted_on AS day
    FROM billing_bankline WHERE account_id = %(account)s AND balance IS NOT NULL
    UNION ALL
    SELECT balance, 0, 1, posted_on
    FROM billing_bankline WHERE account_id = %(account)s AND balance IS NOT NULL
) AS ends
GROUP BY value HAVING sum(begins) <> sum(leaves)
"""


@dataclass(frozen=True)
class Gap:
    """Lines that no file had: the balance jumps between two days."""

    last_day: date
    left: Money
    next_day: date
    begins: Money

    @property
    def missing(self) -> Money:
        """What the missing lines come to."""
        return Money(self.begins.amount - self.left.amount, self.left.currency)


@dataclass(frozen=True)
class Tie:
    """An account's lines and its balances. Without balances, opening and closing are None."""

    account: BankAccount
    lines: int
    first_day: date
    last_day: date
    opening: Money | None
    zelle_in: Money
    zelle_out: Money
    other: Money
    closing: Money | None
    gaps: Sequence[Gap]

    @property
    def is_whole(self) -> bool:
        """Whether opening balance and lines come to the closing balance."""
        if self.opening is None or self.closing is None:
            return False
        moved = self.zelle_in.amount + self.zelle_out.amount + self.other.amount
        return not self.gaps and self.opening.amount + moved == self.closing.amount


@dataclass(frozen=True)
class _End:
    value: int
    day: date


def ties() -> list[Tie]:
    """Return each account that has lines, with its sums: two statements, and one per account."""
    accounts = BankAccount.objects.in_bulk()
    return [_tie(accounts[row["account"]], row) for row in _sums()]


def _sums() -> list[Any]:
    def of(kind: Kind) -> Sum:
        return Sum("amount", filter=Q(kind=kind), default=0)

    rows = BankLine.objects.order_by("account").values("account")
    return list(
        rows.annotate(
            lines=Count("pk"),
            with_balance=Count("balance"),
            first_day=Min("posted_on"),
            last_day=Max("posted_on"),
            zelle_in=of(Kind.ZELLE_IN),
            zelle_out=of(Kind.ZELLE_OUT),
            other=of(Kind.OTHER),
        )
    )


def _tie(account: BankAccount, row: dict[str, Any]) -> Tie:
    def money(name: str) -> Money:
        return Money(row[name], account.currency)

    starts, stops = _ends(account) if row["with_balance"] else ([], [])
    opening, closing = _outer(account, starts, stops) if row["with_balance"] else (None, None)
    return Tie(
        account=account,
        lines=row["lines"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        opening=opening,
        zelle_in=money("zelle_in"),
        zelle_out=money("zelle_out"),
        other=money("other"),
        closing=closing,
        gaps=[
            Gap(
                stop.day,
                Money(stop.value, account.currency),
                start.day,
                Money(start.value, account.currency),
            )
            for stop, start in zip(stops[:-1], starts[1:], strict=False)
        ],
    )


def _ends(account: BankAccount) -> tuple[list[_End], list[_End]]:
    """Return the balances that nothing before leads to, and those that nothing after begins with.

    Both are in the order of their days. One that's missing twice comes twice.
    """
    starts: list[_End] = []
    stops: list[_End] = []
    with connection.cursor() as cursor:
        cursor.execute(ENDS, {"account": account.pk})
        for value, place, first_day, last_day in cursor.fetchall():
            if place > 0:
                starts += [_End(value, first_day)] * int(place)
            else:
                stops += [_End(value, last_day)] * int(-place)
    return sorted(starts, key=_by_day), sorted(stops, key=_by_day)


def _outer(
    account: BankAccount, starts: Sequence[_End], stops: Sequence[_End]
) -> tuple[Money, Money]:
    """Return the opening and the closing balance.

    If there are no ends, all lines together come to nothing, and both are the same.
    """
    if starts and stops:
        return Money(starts[0].value, account.currency), Money(stops[-1].value, account.currency)
    newest_first = BankLine.objects.filter(account=account).exclude(balance=None)
    last = newest_first.order_by("-posted_on", "number").first()
    same = Money((last.balance if last else 0) or 0, account.currency)
    return same, same


def _by_day(end: _End) -> date:
    return end.day
