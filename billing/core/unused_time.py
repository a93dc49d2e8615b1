"""The part of a payment that's for future time (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from common.money import decimals


def unused_part(lines: Iterable[Mapping[str, Any]], paid: int, currency: str, now: int) -> int:
    """Return the part of a payment (minor units) for the time after `now`, rounded down.

    `lines` are an invoice's: amounts with their periods, in seconds since 1970. The payment may be
    less or more than the lines, due to discount or tax: the share is the same.
    """
    asked, unused = 0, Fraction(0)
    for line in lines:
        asked += line["amount"]
        unused += line["amount"] * _share_to_come(line["period_start"], line["period_end"], now)
    if asked <= 0 or unused <= 0:
        return 0
    part = int(min(Fraction(1), unused / asked) * paid)
    # Stripe documentation, "Supported currencies": the last of three decimals must be 0.
    return part - part % 10 if decimals(currency) == 3 else part


def _share_to_come(start: int | None, end: int | None, now: int) -> Fraction:
    if start is None or end is None or end <= start:
        return Fraction(0)
    return Fraction(min(max(end - now, 0), end - start), end - start)
