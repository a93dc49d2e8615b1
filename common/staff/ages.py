"""How long ago something was, or how soon it will be, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.timesince import timesince
from django.utils.translation import ngettext_lazy

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=count) for count in (1, 60, 3600, 86_400))
# Lines don't break between a number and its unit, as in Django's own words. From a day on,
# months and years have their own lengths, which Django knows.
SHORT = [
    (HOUR, ngettext_lazy("an hour", "%(count)d\xa0hours", "count")),
    (MINUTE, ngettext_lazy("a minute", "%(count)d\xa0minutes", "count")),
    (SECOND, ngettext_lazy("a second", "%(count)d\xa0seconds", "count")),
]
NOW, MOMENT = "now", "a moment"


def age(at: datetime, now: datetime) -> str:
    """Return a past time in its largest unit: "3 minutes ago"; a future one has two."""
    if at < now:
        span = _span(at, now, units=1)
        return f"{span} ago" if span else NOW
    span = _span(now, at, units=2)
    return f"{span} from now" if span else NOW


def how_long(since: datetime, now: datetime) -> str:
    """Return the time from then to now in its largest unit: "3 minutes"."""
    return _span(since, now, units=1) or MOMENT


def _span(start: datetime, end: datetime, units: int) -> str:
    """Return the time between two times, or "" if it's less than a second."""
    length = end - start
    if length >= DAY:
        return timesince(start, end, depth=units)
    for unit, words in SHORT:
        if length >= unit:
            return words % {"count": length // unit}
    return ""
