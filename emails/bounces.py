"""Record what became of a mail after the mail server took it: arrived, late, came back, complained.

Reports come in any order and more than once. Who may report is checked before: the address or the
Message-ID that a report names is signed by us (`emails.bounce_mailbox`), or a provider's webhook
has its secret.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from emails import suppressing
from emails.bounce_reports import Outcome
from emails.models import Channel, Message, MessageState, SuppressionReason, SuppressionSource
from emails.other_channel import try_later

logger = logging.getLogger(__name__)

ON_ITS_WAY = frozenset({MessageState.SENDING, MessageState.SENT})
LOST = frozenset({Outcome.BOUNCED, Outcome.REFUSED})


@transaction.atomic
def record(message_pk: int, outcome: Outcome, source: SuppressionSource, words: str = "") -> bool:
    """Record what became of a mail; return whether that's news."""
    rows = Message.objects.select_for_update(of=("self",))
    message = rows.filter(pk=message_pk, channel=Channel.EMAIL).first()
    # Emptied ones are about somebody who has left, or too old to matter.
    if message is None or message.emptied_at or message.provider_status == outcome:
        return False
    logger.info("Message %s: %s, says the %s.", message.pk, outcome, source.label.lower())
    if outcome in LOST:
        return _lost(message, outcome, source, words)
    if outcome == Outcome.COMPLAINED:
        message.provider_status = outcome
        message.save(update_fields=["provider_status"])
        suppressing.suppress(message, SuppressionReason.COMPLAINED, source, words)
        return True
    if message.state not in ON_ITS_WAY:
        return False
    message.provider_status, message.error = outcome, words
    if outcome == Outcome.DELIVERED:
        message.state, message.delivered_at, message.error = (
            MessageState.DELIVERED,
            timezone.now(),
            "",
        )
    message.save(update_fields=["provider_status", "error", "state", "delivered_at"])
    return True


def _lost(message: Message, outcome: Outcome, source: SuppressionSource, words: str) -> bool:
    """A mail won't arrive: its address is marked if it's to blame, and a text may say the same."""
    if message.state == MessageState.SKIPPED:
        return False
    was_failed = message.state == MessageState.FAILED
    message.state, message.provider_status = MessageState.FAILED, outcome
    message.error = f"It came back: {words}" if words else "It came back."
    message.save(update_fields=["state", "provider_status", "error"])
    if outcome == Outcome.BOUNCED:
        suppressing.suppress(message, SuppressionReason.BOUNCED, source, words)
    if not was_failed:
        try_later(message)
    return True
