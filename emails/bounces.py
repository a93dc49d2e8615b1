"""Record what became of a mail after the mail server took it: arrived, late, came back, complained.

Reports come in any order and more than once. Who may report is checked before: the address or the
Message-ID that a report names is signed by us (`emails.bounce_mailbox`), or a provider's webhook
has its secret.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from emails import forgetting, suppressing
from emails.bounce_reports import Outcome
from emails.models import Channel, Message, MessageState, SuppressionReason, SuppressionSource
from emails.other_channel import try_later

logger = logging.getLogger(__name__)

# A report about a mail that we'd try again proves that an earlier try got through.
ON_ITS_WAY = frozenset({MessageState.QUEUED, MessageState.SENDING, MessageState.SENT})
LOST = frozenset({Outcome.BOUNCED, Outcome.REFUSED})
# What's still news after an outcome; anything is after none.
NEWS_AFTER: Mapping[str, frozenset[Outcome]] = {
    Outcome.DELAYED: frozenset(Outcome) - {Outcome.DELAYED},
    Outcome.DELIVERED: LOST | {Outcome.COMPLAINED},
    Outcome.REFUSED: frozenset({Outcome.BOUNCED, Outcome.COMPLAINED}),
    Outcome.BOUNCED: frozenset({Outcome.COMPLAINED}),
    Outcome.COMPLAINED: frozenset({Outcome.BOUNCED}),
}


@transaction.atomic
def record(message_pk: int, outcome: Outcome, source: SuppressionSource, words: str = "") -> bool:
    """Record what became of a mail; return whether that's news."""
    rows = Message.objects.select_for_update(of=("self",))
    message = rows.filter(pk=message_pk, channel=Channel.EMAIL).first()
    # Emptied ones are about somebody who has left, or too old to matter.
    if message is None or message.emptied_at:
        return False
    if outcome not in NEWS_AFTER.get(message.provider_status, frozenset(Outcome)):
        return False
    logger.info("Message %s: %s, says the %s.", message.pk, outcome, source.label.lower())
    if outcome in LOST:
        return _lost(message, outcome, source, words)
    if outcome == Outcome.COMPLAINED:
        suppressing.suppress(message, SuppressionReason.COMPLAINED, source, words)
    elif not _may_be_on_its_way(message):
        return False
    message.provider_status = outcome
    if _may_be_on_its_way(message):
        _move(message, outcome, words)
    message.save()
    return True


def _may_be_on_its_way(message: Message) -> bool:
    """Whether it's with us or the mail server, or is no more although it may have gone out."""
    return message.state in ON_ITS_WAY or message.unknown_since is not None


def _move(message: Message, outcome: Outcome, words: str) -> None:
    """Set what a report proves: the mail was sent, and it arrived, or is late."""
    now = timezone.now()
    message.sent_at = message.sent_at or now
    message.unknown_since = None
    if outcome == Outcome.DELAYED:
        message.state, message.error = MessageState.SENT, words
    else:
        # Whoever complains has it.
        message.state, message.error, message.delivered_at = MessageState.DELIVERED, "", now
    for name, value in forgetting.when_done(message).items():
        setattr(message, name, value)


def _lost(message: Message, outcome: Outcome, source: SuppressionSource, words: str) -> bool:
    """A mail won't arrive: its address is marked if it's to blame, and a text may say the same."""
    if message.state == MessageState.SKIPPED and message.unknown_since is None:
        return False
    was_failed = message.state == MessageState.FAILED
    message.state, message.provider_status = MessageState.FAILED, outcome
    message.error = f"It came back: {words}" if words else "It came back."
    message.unknown_since = None
    message.save(update_fields=["state", "provider_status", "error", "unknown_since"])
    if outcome == Outcome.BOUNCED:
        suppressing.suppress(message, SuppressionReason.BOUNCED, source, words)
    if not was_failed:
        try_later(message)
    return True
