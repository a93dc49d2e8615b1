"""What the page of notifications says (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time

from django.utils.translation import gettext as _

from common import days
from common.quiet_hours import QuietHours
from emails import preferences
from emails.models import Channel
from emails.preferences import Off
from emails.topics import GROUPS, TOPICS, Group, Topic, Words


@dataclass(frozen=True)
class Switch:
    """One topic by one channel. `name` is its value in the form."""

    topic: Topic
    channel: Channel
    is_on: bool
    is_usable: bool = True

    @property
    def name(self) -> str:
        """Return "receipts:email"."""
        return f"{self.topic}:{self.channel}"


@dataclass(frozen=True)
class Row:
    """A topic: what it tells, and its switches. `always` says why its emails have none."""

    topic: Topic
    title: Words
    tells: Words
    always: Words
    switches: tuple[Switch, ...]


@dataclass(frozen=True)
class Section:
    """A group of topics under a heading."""

    group: Group
    title: Words
    rows: tuple[Row, ...]


def sections(off: Off, *, takes_texts: bool) -> tuple[Section, ...]:
    """Return the whole page. Without consent to texts, their switches can't be used."""
    return tuple(
        Section(
            group,
            title,
            tuple(row(topic, off, takes_texts=takes_texts) for topic in topics_of(group)),
        )
        for group, title in GROUPS.items()
    )


def row(topic: Topic, off: Off, *, takes_texts: bool) -> Row:
    """Return one topic's row."""
    about = TOPICS[topic]
    usable = {Channel.EMAIL: True, Channel.SMS: takes_texts}
    switches = tuple(
        Switch(topic, channel, usable[channel] and (topic, channel) not in off, usable[channel])
        for channel in Channel
        if preferences.can_switch(topic, channel)
    )
    return Row(topic, about.title, about.tells, about.always, switches)


def topics_of(group: Group) -> Iterable[Topic]:
    """Return a group's topics in the order of the page."""
    return (topic for topic, about in TOPICS.items() if about.group == group)


def quiet(hours: QuietHours) -> str:
    """Return when texts wait, in a sentence; "" if they never do."""
    if hours.is_off:
        return ""
    words = _(
        "Texts that can wait aren’t sent from %(begin)s to %(end)s, in your time zone. Codes, and"
        " what needs you right away, come at any hour."
    )
    return words % {"begin": days.hour(time(hours.begins)), "end": days.hour(time(hours.ends))}


def said(topic: Topic, channel: Channel, *, on: bool) -> str:
    """Return what's now true, in a sentence."""
    names = {"topic": TOPICS[topic].title}
    if channel == Channel.EMAIL:
        return (_("“%(topic)s” emails are on.") if on else _("“%(topic)s” emails are off.")) % names
    return (_("“%(topic)s” texts are on.") if on else _("“%(topic)s” texts are off.")) % names
