"""How long ago something was, or how soon it will be, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import NaturalTimeFormatter
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy, ngettext_lazy

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=count) for count in (1, 60, 3600, 86_400))
# Lines don't break between a number and its unit, as in Django's own words. From a day on,
# months and years have their own lengths, which Django knows.
SHORT: list[tuple[str, timedelta, Any]] = [
    ("hour", HOUR, ngettext_lazy("an hour", "%(count)d\xa0hours", "count")),
    ("minute", MINUTE, ngettext_lazy("a minute", "%(count)d\xa0minutes", "count")),
    ("second", SECOND, ngettext_lazy("a second", "%(count)d\xa0seconds", "count")),
]
MOMENT = gettext_lazy("a moment")
# Whole phrases, which Django translates: some languages have other words after "ago".
PHRASES: dict[str, Any] = dict(NaturalTimeFormatter.time_strings)


def age(at: datetime, now: datetime) -> str:
    """Return a past time in its largest unit: "3 minutes ago"; a future one has two."""
    start, end, when = (at, now, "past") if at < now else (now, at, "future")
    length = end - start
    if length >= DAY:
        past, future = NaturalTimeFormatter.past_substrings, NaturalTimeFormatter.future_substrings
        words, depth = (past, 1) if when == "past" else (future, 2)
        delta = timesince(start, end, time_strings=words, depth=depth)
        return str(PHRASES[f"{when}-day"] % {"delta": delta})
    for name, unit, _words in SHORT:
        if length >= unit:
            return str(PHRASES[f"{when}-{name}"] % {"count": length // unit})
    return str(PHRASES["now"])


def how_long(since: datetime, now: datetime) -> str:
    """Return the time from then to now in its largest unit: "3 minutes"."""
    length = now - since
    if length >= DAY:
        return timesince(since, now, depth=1)
    for _name, unit, words in SHORT:
        if length >= unit:
            return str(words % {"count": length // unit})
    return str(MOMENT)
