"""Addresses that we don't write to unless we have to: mail to them bounced, or was marked as spam.

What members can turn off isn't sent there. What they need is still tried, since mailboxes come
back. It ends when the member or somebody on the staff says that the address works; another address
isn't affected.
"""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from common import addresses
from common.days import short_with_year
from emails.models import Channel, Message, Suppression, SuppressionReason, SuppressionSource

logger = logging.getLogger(__name__)

# How the reasons begin.
BOUNCED = "Emails to this address bounced on"
MARKED = "The member marked an email as spam on"


def suppress(
    message: Message, reason: SuppressionReason, source: SuppressionSource, words: str
) -> None:
    """Note that a mail's address doesn't take our mail; what's noted already stays."""
    if message.channel != Channel.EMAIL or not message.recipient or message.user_id is None:
        return
    with transaction.atomic():
        _, is_new = Suppression.objects.get_or_create(
            address=addresses.canonical(message.recipient),
            released_at=None,
            defaults={
                "user_id": message.user_id,
                "message": message,
                "reason": reason,
                "source": source,
                "words": words[:500],
            },
        )
    if is_new:
        logger.warning("User %s's address: %s (message %s).", message.user_id, reason, message.pk)


def why(address: str) -> str:
    """Return why mail that isn't needed doesn't go to an address, or ""."""
    row = Suppression.objects.filter(address=addresses.canonical(address), released_at=None).first()
    if row is None:
        return ""
    day = short_with_year(timezone.localtime(row.happened_at).date())
    if row.reason == SuppressionReason.COMPLAINED:
        return f"{MARKED} {day}, so only needed ones are sent."
    return f"{BOUNCED} {day}, so only needed ones are sent."


def release(row: Suppression, by: User) -> bool:
    """End a suppression; return whether it hadn't ended yet."""
    rows = Suppression.objects.filter(pk=row.pk, released_at=None)
    return bool(rows.update(released_at=timezone.now(), released_by=by))


def of(user: User) -> Suppression | None:
    """Return what's noted about a member's current address."""
    return _own(user).first()


def _own(user: User) -> QuerySet[Suppression]:
    address = addresses.canonical(user.email)
    return Suppression.objects.filter(user=user, address=address, released_at=None)


def release_own(user: User) -> bool:
    """End a member's, at their own word; return whether there was one."""
    rows = _own(user)
    return bool(rows.update(released_at=timezone.now(), released_by=user))
