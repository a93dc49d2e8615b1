"""Put a message into the outbox, in the transaction of what caused it.

The row and its job are written together: either both are there, or neither. A cause that is seen
again finds its row there and writes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from emails.catalogue import Kind, spec_of
from emails.models import Channel, Message
from emails.tasks import deliver

logger = logging.getLogger(__name__)

# Codes are waited for: they overtake receipts.
URGENT, NORMAL = 10, 0


class ResendRefused(Exception):
    """The message can't be sent again; the text is for staff."""


def put(
    kind: Kind, user: User, context: Mapping[str, Any], *, cause: str, happened_at: datetime
) -> list[Message]:
    """Write the messages that tell a member of something; call it inside the causing transaction.

    One message a channel that the kind has and the member accepts. `context` is JSON, with its
    money already as text and its dates in ISO 8601. `cause` is a stable id: the same cause makes a
    message once. Nothing is sent about what happened more than MESSAGE_MAX_AGE_HOURS ago.
    """
    if timezone.now() - happened_at > timedelta(hours=settings.MESSAGE_MAX_AGE_HOURS):
        logger.info("No %s for %s: it happened at %s.", kind, cause, happened_at)
        return []
    written = [
        _write(kind, channel, recipient, context, f"{kind}:{cause}:{channel}", user)
        for channel, recipient in _recipients(kind, user)
    ]
    return [message for message in written if message]


def put_account(
    kind: Kind, channel: Channel, recipient: str, context: Mapping[str, Any], user: User | None
) -> Message | None:
    """Write a message about signing in: it was asked for, so each asking makes one."""
    with transaction.atomic():
        key = f"{kind}:{uuid.uuid4()}:{channel}"
        return _write(kind, channel, recipient, context, key, user)


def resend(message: Message, actor: User) -> Message:
    """Send a message once more, as a new row that names the old one.

    Raises:
        ResendRefused: it held a code or a secret, or its address is no longer the member's.
    """
    if spec_of(message.kind).sensitive:
        raise ResendRefused("This message held a code, which is gone. Ask the member to try again.")
    number = message.resends.count() + 1
    key = f"{message.dedupe_key}:resend:{number}"
    logger.info("%s sends message %s again.", actor, message.pk)
    with transaction.atomic():
        copy = _write(
            Kind(message.kind),
            Channel(message.channel),
            message.recipient,
            message.context,
            key,
            message.user,
            resend_of=message,
        )
    if copy is None:
        raise ResendRefused("Somebody else is sending this message again right now.")
    return copy


def _recipients(kind: Kind, user: User) -> list[tuple[Channel, str]]:
    spec, member = spec_of(kind), user.member
    found = [(Channel.EMAIL, user.email)] if spec.email and user.email else []
    if spec.sms and member.accepts_sms:
        found.append((Channel.SMS, str(member.phone)))
    return found


def _write(
    kind: Kind,
    channel: Channel,
    recipient: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    user: User | None,
    resend_of: Message | None = None,
) -> Message | None:
    """Write one row and its job, or nothing where the row is there."""
    try:
        with transaction.atomic():
            message = Message.objects.create(
                kind=kind,
                channel=channel,
                recipient=recipient,
                context=dict(context),
                dedupe_key=dedupe_key,
                user=user,
                resend_of=resend_of,
            )
    except IntegrityError:
        return None
    deliver.configure(
        queueing_lock=f"message:{message.pk}",
        lock=f"recipient:{recipient}",
        priority=URGENT if spec_of(kind).sensitive else NORMAL,
    ).defer(message_id=message.pk)
    return message
