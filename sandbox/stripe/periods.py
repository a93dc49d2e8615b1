"""Billing periods: calendar arithmetic on Unix seconds, in UTC."""

import calendar
from datetime import UTC, datetime

DAY = 86400
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def after(anchor: int, interval: str, count: int) -> int:
    """`count` intervals after the anchor; the 31st becomes a shorter month's last day."""
    if interval in _DAYS:
        return anchor + count * _DAYS[interval] * DAY
    start = datetime.fromtimestamp(anchor, UTC)
    month = start.month - 1 + count * _MONTHS[interval]
    year, month = start.year + month // 12, month % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def end(anchor: int, start: int, recurring: dict[str, int | str]) -> int:
    """The end of the period that starts at `start`: the anchor's first anniversary after it."""
    interval, step = str(recurring["interval"]), int(recurring["interval_count"])
    count = step
    while after(anchor, interval, count) <= start:
        count += step
    return after(anchor, interval, count)
