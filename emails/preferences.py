"""What members want to be told: topics that are off, by channel, and messages left out for that.

`members.consent` decides whether we may text someone at all; these are the choices within that.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from emails import suppressing, topics
from emails.catalog import Category, Kind, has_texts, spec_of
from emails.models import Channel, Message, NotificationChoice
from emails.topics import Topic
from members.models import Member

Off = frozenset[tuple[str, str]]
# How the reason begins for what its reader doesn't want.
TURNED_OFF = "The member turned off"


def can_switch(topic: Topic, channel: Channel) -> bool:
    """Whether members may turn a topic off on a channel."""
    return topics.is_optional(topic) if channel == Channel.EMAIL else has_texts(topic)


def switched_off(user: User) -> Off:
    """Return what someone has turned off, as topics with channels."""
    rows = NotificationChoice.objects.filter(user=user, is_on=False)
    return frozenset(rows.values_list("topic", "channel"))


@transaction.atomic
def switch(user: User, topic: Topic, channel: Channel, *, on: bool) -> bool:
    """Turn a topic on or off; return whether that changed anything.

    Raises:
        ValueError: nobody can turn this off.
    """
    if not can_switch(topic, channel):
        raise ValueError(f"{topic} is always sent by {channel}.")
    # Two clicks at once wait for each other here.
    Member.objects.select_for_update().get(user=user)
    rows = NotificationChoice.objects.filter(user=user, topic=topic, channel=channel)
    is_on = rows.filter(is_on=False).first() is None
    if is_on == on:
        return False
    NotificationChoice.objects.update_or_create(
        user=user, topic=topic, channel=channel, defaults={"is_on": on}
    )
    return True


def why_not_wanted(message: Message) -> str:
    """Return why a member doesn't want a message, or "" if they do or it's sent to everybody."""
    if message.user_id is None or message.kind not in set(Kind):
        return ""
    topic = optional_topic(Kind(message.kind), Channel(message.channel))
    if topic is None:
        return ""
    off = NotificationChoice.objects.filter(
        user_id=message.user_id, topic=topic, channel=message.channel, is_on=False
    )
    row = off.first()
    if row is None:
        return suppressing.why(message.recipient) if message.channel == Channel.EMAIL else ""
    how = "emails" if message.channel == Channel.EMAIL else "texts"
    return f"{TURNED_OFF} {how} about “{topics.TOPICS[topic].title}”."


def optional_topic(kind: Kind, channel: Channel) -> Topic | None:
    """Return the topic by which members can turn a message off, or None if they can't."""
    spec = spec_of(kind)
    if spec.topic is None or spec.category != Category.BILLING:
        return None
    return spec.topic if can_switch(spec.topic, channel) else None
