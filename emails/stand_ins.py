"""Write by the other channel what didn't arrive by one."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from emails import causes
from emails.catalog import Kind, spec_of
from emails.drafts import Draft, key_of, recipients, write
from emails.models import Message, MessageState
from emails.other_channel import of_the_same

logger = logging.getLogger(__name__)


@transaction.atomic
def put(lost: Message) -> Message | None:
    """Write by the other channel what didn't arrive by one; nothing if it was written already.

    Only what's still true and needs nothing secret is said so, and only to members who accept it.
    """
    if lost.state != MessageState.FAILED:
        # Reported as arrived meanwhile.
        return None
    user = lost.user
    if user is None or lost.emptied_at or lost.resend_of_id or lost.kind not in set(Kind):
        return None
    kind = Kind(lost.kind)
    is_stale = lost.expires_at is not None and lost.expires_at <= timezone.now()
    if spec_of(kind).sensitive or not lost.cause or is_stale or causes.why_not_needed(lost):
        return None
    others = [one for one in recipients(kind, user) if one[0] != lost.channel]
    for channel, recipient in others:
        if of_the_same(lost, channel).exists():
            continue
        draft = Draft(
            kind=kind,
            channel=channel,
            recipient=recipient,
            context=lost.context,
            dedupe_key=f"{key_of(kind, lost.cause)}:{channel}",
            cause=lost.cause,
            user=user,
            expires_at=lost.expires_at,
        )
        if written := write(draft):
            logger.info("Message %s says what %s couldn't.", written.pk, lost.pk)
            return written
    return None
