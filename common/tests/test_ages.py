"""Ages are worded from what was computed, as Django words them, in their largest unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.humanize.templatetags import humanize
from hypothesis import given
from hypothesis import strategies as some

from common.staff import ages

SPANS = some.sampled_from(
    [timedelta(seconds=3), timedelta(minutes=3), timedelta(hours=3), timedelta(days=3000)]
).flatmap(lambda most: some.timedeltas(min_value=-most, max_value=most))


class Clock(datetime):
    """A clock that stands still, for Django's own words."""

    @classmethod
    def now(cls, tz: Any = None) -> Clock:
        return cls(2026, 3, 31, 12, tzinfo=UTC).astimezone(tz)


NOW = Clock.now(UTC)


@pytest.fixture(autouse=True)
def _still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(humanize, "datetime", Clock)


@given(SPANS)
def test_times_are_as_django_words_them_and_past_ones_only_in_their_largest_unit(
    span: timedelta,
) -> None:
    at = NOW + span
    django = str(humanize.naturaltime(at))
    if at < NOW:
        django = f"{django.removesuffix(' ago').partition(',')[0]} ago".replace("now ago", "now")
    assert ages.age(at, NOW) == django


@pytest.mark.parametrize(
    ("span", "age", "length"),
    [
        (timedelta(), "now", "a moment"),
        (timedelta(seconds=-0.4), "now", "a moment"),
        (timedelta(seconds=-1), "a second ago", "a second"),
        (timedelta(seconds=-59), "59 seconds ago", "59 seconds"),
        (timedelta(minutes=-1), "a minute ago", "a minute"),
        (timedelta(minutes=-119), "an hour ago", "an hour"),
        (timedelta(hours=-23, minutes=-59), "23 hours ago", "23 hours"),
        (timedelta(hours=-24), "1 day ago", "1 day"),
        (timedelta(days=-20), "2 weeks ago", "2 weeks"),
        (timedelta(days=-31), "1 month ago", "1 month"),
        (timedelta(days=-800), "2 years ago", "2 years"),
        # Only a clock that is ahead of ours can tell of a time that hasn't come.
        (timedelta(minutes=3), "3 minutes from now", "a moment"),
        (timedelta(days=10), "1 week, 3 days from now", "a moment"),
    ],
)
def test_each_unit(span: timedelta, age: str, length: str) -> None:
    assert ages.age(NOW + span, NOW).replace("\xa0", " ") == age
    assert ages.how_long(NOW + span, NOW).replace("\xa0", " ") == length
