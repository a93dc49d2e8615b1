"""How fast messages go: so many a minute by each channel, and to each recipient's mail domain.

Mail providers and carriers slow down or block whoever sends too much at once. A few go right away;
then messages take turns, first that of the recipient's domain and then the channel's. Each comes
back when it's its turn, so a thousand that wait don't ask again and again, and those to other
domains pass by. Codes don't wait, but count. Nothing goes by a channel whose provider asked us to
wait (`Retry-After`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from common import addresses
from emails.catalog import Kind, spec_of
from emails.models import Channel, Message, Pace

MINUTE = timedelta(minutes=1)
# What may go at once after a pause.
AT_ONCE = MINUTE / 10
LONGEST_NAME = 300
# `next_at` is the next turn; after a pause, it lies in the past, and those turns may be made up.
TAKE = """
    INSERT INTO emails_pace AS pace (bucket, next_at)
    VALUES (%(bucket)s, %(from)s + %(step)s)
    ON CONFLICT (bucket) DO UPDATE SET next_at = GREATEST(pace.next_at, %(from)s) + %(step)s
    RETURNING next_at - %(step)s
"""
HOLD = """
    INSERT INTO emails_pace AS pace (bucket, next_at, held_until)
    VALUES (%(bucket)s, %(until)s, %(until)s)
    ON CONFLICT (bucket) DO UPDATE SET
        held_until = GREATEST(pace.held_until, %(until)s),
        next_at = GREATEST(pace.next_at, %(until)s)
"""


def held_until(message: Message, now: datetime) -> datetime | None:
    """Return until when a message's channel takes nothing; None if it takes something now."""
    rows = Pace.objects.filter(bucket=message.channel, held_until__gt=now)
    return rows.values_list("held_until", flat=True).first()


def hold(channel: str, until: datetime) -> None:
    """Let nothing go by a channel before then."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, {"bucket": channel, "until": until})


def turn(message: Message, now: datetime) -> datetime | None:
    """Take a message's turns; return when the next one is, or None if it may go now.

    What it has taken is counted in `message.turns_taken`.
    """
    for bucket, rate in _buckets(message)[message.turns_taken :]:
        message.turns_taken += 1
        at = _take(bucket, rate, now) if rate > 0 else now
        if at > now and not _is_urgent(message):
            return at
    return None


def _is_urgent(message: Message) -> bool:
    return message.kind in set(Kind) and spec_of(message.kind).sensitive


def _buckets(message: Message) -> list[tuple[str, int]]:
    """Return what a message takes turns in, with the rate per minute."""
    if message.channel == Channel.SMS:
        return [(Channel.SMS, settings.TEXTS_PER_MINUTE)]
    domain = addresses.canonical(message.recipient).rpartition("@")[2]
    return [
        (f"{Channel.EMAIL}:{domain}"[:LONGEST_NAME], settings.EMAILS_PER_MINUTE_TO_A_DOMAIN),
        (Channel.EMAIL, settings.EMAILS_PER_MINUTE),
    ]


def _take(bucket: str, rate: int, now: datetime) -> datetime:
    step = MINUTE / rate
    values: dict[str, Any] = {"bucket": bucket, "from": now - AT_ONCE, "step": step}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        [at] = cursor.fetchone()
    taken: datetime = at
    return taken


def forget_idle(now: datetime) -> int:
    """Delete what says nothing anymore: nobody was written to there lately. Return how many."""
    idle = Q(next_at__lt=now - MINUTE) & (Q(held_until=None) | Q(held_until__lt=now))
    return Pace.objects.filter(idle).delete()[0]
