"""Two messages that come within seconds of each other become one that says both.

The first to come waits for the other, and becomes the whole when that's written. It's a message by
itself, too: if the other doesn't come in time, or isn't wanted, it goes alone, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from common.queue import hurry
from emails import drafts, outbox, preferences, rendering
from emails.catalog import Kind
from emails.contexts import MessageContext
from emails.delivery import job_key
from emails.models import Channel, Message, MessageState

# Stripe sends the events of one purchase within seconds.
WAIT = timedelta(minutes=1)


@dataclass(frozen=True)
class Other:
    """The other half: its kind and cause, and the kind that says both.

    `cause` of the whole is what the whole is about; the other's is empty if it isn't known yet.
    `is_coming`: whether it's worth waiting for, and `wait` for how long.
    """

    kind: Kind
    cause: str
    whole: Kind
    cause_of_whole: str
    is_coming: bool
    wait: timedelta = WAIT


@transaction.atomic
def put(
    user: User, context: MessageContext, *, cause: str, happened_at: datetime, other: Other
) -> None:
    """Write one half, or add it to the other; call it in the cause's transaction.

    Whoever calls holds the lock on the member, so the two halves are written one after the other.
    Each channel is on its own: where a member doesn't want one half, the other goes alone.
    """
    kind, now = context.kind, timezone.now()
    if not outbox.is_news(kind, cause, happened_at, None):
        return
    off = preferences.switched_off(user)
    for channel, _ in drafts.recipients(kind, user):
        known = _known(channel, (kind, cause), (other.kind, other.cause))
        if any(row.kind == other.whole for row in known.values()):
            continue
        is_one = not any(
            (preferences.optional_topic(part, channel), channel) in off
            for part in (kind, other.kind)
        )
        first = known.get(other.kind)
        if first and is_one and _is_untouched(first) and kind not in known:
            _complete(first, context, other)
            continue
        waits = is_one and other.is_coming and first is None
        outbox.put(
            user,
            context,
            cause=cause,
            happened_at=happened_at,
            only=channel,
            not_before=now + other.wait if waits else None,
        )


def _known(channel: Channel, *halves: tuple[Kind, str]) -> dict[str, Message]:
    """Return what was written of two halves, by kind. A worker that wants to send it waits.

    The whole has the key of the half that came first.
    """
    keys = [f"{drafts.key_of(kind, cause)}:{channel}" for kind, cause in halves]
    rows = Message.objects.select_for_update().filter(dedupe_key__in=keys).order_by("pk")
    return {row.kind: row for row in rows}


def _is_untouched(message: Message) -> bool:
    """Whether nobody has tried to send it. After a lost answer, it may have arrived already."""
    return message.state == MessageState.QUEUED and not message.attempts


def _complete(first: Message, context: MessageContext, other: Other) -> None:
    """Make the half that waits into the whole, and send it now."""
    first.kind, first.cause = other.whole, other.cause_of_whole
    first.context = {**first.context, **context.as_json()}
    if first.channel == Channel.EMAIL:
        first.subject = rendering.render_subject(Message(**_shown(first)))
    first.waits_until, first.waits_for = None, ""
    first.save(update_fields=["kind", "cause", "context", "subject", "waits_until", "waits_for"])
    hurry([job_key(first.pk)])


def _shown(message: Message) -> dict[str, object]:
    return {"kind": message.kind, "context": message.context, "user": message.user}
