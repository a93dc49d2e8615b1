"""The timeline as a member's page shows it: by day, narrowed by topic, older ones behind a link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from common import days
from common.staff import show
from emails import admin as messages
from portal.backoffice.timeline import facts
from portal.backoffice.timeline.entries import TOPICS, Topic
from portal.backoffice.timeline.facts import Line

# Characters of somebody's words; their own page has all.
LONGEST = 200
# Where it is on the page.
PLACE = "timeline"
ICONS: dict[Topic, str] = {
    Topic.MONEY: "payments",
    Topic.REFUNDS: "undo",
    Topic.MEMBERSHIP: "card_membership",
    Topic.MESSAGES: "mail",
    Topic.ACCOUNT: "person",
    Topic.NOTES: "sticky_note_2",
    Topic.STAFF: "shield_person",
    Topic.STRIPE: "webhook",
}


@dataclass(frozen=True)
class Shown:
    """A line as the page shows it."""

    time: str
    icon: str
    title: str
    detail: str
    by: str
    badge: SafeString | str
    url: str
    resend_url: str


@dataclass(frozen=True)
class Choice:
    """A link that narrows the timeline."""

    label: str
    url: str
    is_chosen: bool


@dataclass(frozen=True)
class Day:
    """What happened on one day, in the business's time zone."""

    name: str
    lines: tuple[Shown, ...]


@dataclass(frozen=True)
class Timeline:
    """A page of it. `older` leads to the next one, if there is one."""

    choices: tuple[Choice, ...]
    days: tuple[Day, ...]
    older: str
    is_first: bool


def timeline(user: User, viewer: User, query: Mapping[str, str]) -> Timeline:
    """Return the page of a member's timeline that an address asks for."""
    topic = _topic(query.get("topic", ""))
    read = facts.read(user, viewer, topic, query.get("before", ""))
    return Timeline(
        choices=tuple(_choices(viewer, topic)),
        days=tuple(_days(read.lines, may_resend=viewer.has_perm(messages.MAY_RESEND))),
        older=_address(topic, read.older) if read.older else "",
        is_first="before" not in query,
    )


def _topic(value: str) -> Topic | None:
    return Topic(value) if value in set(Topic) else None


def _address(topic: Topic | None, before: str = "") -> str:
    query = {"topic": topic or "", "before": before}
    given = urlencode({name: value for name, value in query.items() if value})
    return f"?{given}#{PLACE}"


def _choices(viewer: User, chosen: Topic | None) -> Iterable[Choice]:
    yield Choice("Everything", _address(None), chosen is None)
    seen = {one.topic for one in facts.SOURCES if viewer.has_perm(one.permission)}
    for topic, label in TOPICS.items():
        if topic in seen:
            yield Choice(label, _address(topic), topic == chosen)


def _days(lines: Iterable[Line], *, may_resend: bool) -> Iterable[Day]:
    def day_of(line: Line) -> Any:
        return timezone.localdate(line.at)

    for _date, on_day in groupby(lines, key=day_of):
        these = list(on_day)
        shown = tuple(_shown(one, may_resend=may_resend) for one in these)
        yield Day(days.short_with_year(timezone.localtime(these[0].at)), shown)


def _shown(line: Line, *, may_resend: bool) -> Shown:
    entry = line.entry
    return Shown(
        time=f"{timezone.localtime(line.at):%H:%M}",
        icon=ICONS[line.topic],
        title=entry.title,
        detail=Truncator(entry.detail.strip()).chars(LONGEST),
        by=entry.by,
        badge=show.badge(entry.badge, entry.tone) if entry.badge else "",
        url=line.url,
        resend_url=entry.resend_url if may_resend else "",
    )
