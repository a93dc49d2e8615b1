"""Says by which clock months of the books begin and end."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from billing.facts import book_months


def of(first: date, months: int = 1) -> str:
    """Return "in the time zone Asia/Tokyo", and where a neighbor was closed by another clock."""
    found = book_months.read()
    each = [book_months.after(first, number) for number in range(months)]
    zones = list(dict.fromkeys(found.zone_of(month).key for month in each))
    words = f"in the time zone {', then '.join(zones)}"
    begin, end = _zone(found.bounds(each[0])[0].tzinfo), _zone(found.bounds(each[-1])[1].tzinfo)
    if begin != zones[0]:
        words += f" (from midnight in {begin}, where the month before was closed)"
    if end != zones[-1]:
        words += f" (to midnight in {end}, where the month after was closed)"
    return words


def _zone(info: object) -> str:
    return info.key if isinstance(info, ZoneInfo) else str(info)
