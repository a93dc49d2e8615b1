"""Send a message again, to the member's current address or number."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db import transaction

from emails import causes, preferences
from emails.catalog import Kind, spec_of
from emails.drafts import Draft, write
from emails.models import Channel, Message, MessageState

logger = logging.getLogger(__name__)

ON_ITS_WAY = (MessageState.QUEUED, MessageState.SENDING)


class ResendRefused(Exception):
    """The message can't be sent again; the text is for staff."""


@transaction.atomic
def resend(message: Message, actor: User) -> Message:
    """Resend a message to the member's current address or number; return the new row.

    Raises:
        ResendRefused: `why_not_resend` says why.
    """
    # Two simultaneous clicks wait for each other here, and get consecutive numbers.
    first = Message.objects.select_for_update().get(pk=message.resend_of_id or message.pk)
    message.refresh_from_db()
    if refusal := why_not_resend(message):
        raise ResendRefused(refusal)
    draft = Draft(
        kind=Kind(message.kind),
        channel=Channel(message.channel),
        recipient=_current_recipient(message),
        context=message.context,
        dedupe_key=f"{first.dedupe_key}:resend:{first.resends.count() + 1}",
        cause=message.cause,
        user=message.user,
        resend_of=first,
        resent_by=actor,
    )
    copy = write(draft)
    if copy is None:
        raise ResendRefused("This message was sent again a moment ago.")
    logger.info("User %s sends message %s again, as %s.", actor.pk, message.pk, copy.pk)
    return copy


def is_under_way_or_gone(message: Message) -> bool:
    """Whether a message can't be resent, whatever else is true now. Without a statement."""
    is_gone = message.emptied_at is not None or spec_of(message.kind).sensitive
    return is_gone or message.state in ON_ITS_WAY


def why_not_resend(message: Message) -> str:
    """Return a sentence that says why a message can't be resent, or "" if it can."""
    if message.emptied_at or spec_of(message.kind).sensitive:
        return _why_empty(message)
    if message.state in ON_ITS_WAY:
        return "This message is still on its way: it’s retried automatically."
    if reason := _why_pointless(message):
        return reason
    if not _current_recipient(message):
        if message.channel == Channel.SMS:
            return "The member does not accept text messages."
        return "The member has no email address."
    return ""


def _why_pointless(message: Message) -> str:
    if reason := causes.why_not_needed(message):
        return f"It isn’t true anymore. {reason}"
    return preferences.why_not_wanted(message)


def _why_empty(message: Message) -> str:
    if message.emptied_at:
        return "We no longer keep who this message was for, or what it said."
    return "This message held a code or a secret, which is gone. Ask the member to try again."


def _current_recipient(message: Message) -> str:
    """Return the member's current address or number, or "" if there's none we may use."""
    user = message.user
    if message.channel == Channel.EMAIL:
        return user.email if user else message.recipient
    return str(user.member.phone) if user and user.member.accepts_sms else ""
