"""Deliver one message of the outbox: claim it, send it, record what became of it.

Nothing is sent inside a transaction. A message is claimed by one conditional update, so that of two
workers only one sends it. A crash between the provider's answer and our record leaves the row in
`sending`: an e-mail is then sent again under the same Message-ID, which mail providers show once;
a text message is first looked for at Twilio.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from emails import mail, text_messages
from emails.catalogue import Kind, spec_of
from emails.models import Channel, Message, MessageState
from emails.problems import DeliveryProblem

logger = logging.getLogger(__name__)

# Longer than SMTP's and Twilio's time-outs together: whoever claimed it is gone.
ABANDONED_AFTER = timedelta(seconds=30)


def deliver(message_id: int, *, is_last_attempt: bool) -> None:
    """Send a message unless it was sent, or is being sent, already.

    Raises:
        DeliveryProblem: it could not be sent now; the queue tries again.
    """
    was_interrupted = False
    if not _claim(message_id):
        was_interrupted = _claim_abandoned(message_id)
        if not was_interrupted:
            return _wait_for_the_other(message_id)
    message = Message.objects.select_related("user__member").get(pk=message_id)
    try:
        provider_id = _send(message, was_interrupted=was_interrupted)
    except DeliveryProblem as problem:
        is_final = problem.is_permanent or is_last_attempt
        _record_problem(message, problem, is_final=is_final)
        if not problem.is_permanent:
            raise
        return None
    _record_sent(message, provider_id)
    return None


def _claim(message_id: int) -> bool:
    """Take a queued message for ourselves: exactly one worker's update changes the row."""
    rows = Message.objects.filter(pk=message_id, state=MessageState.QUEUED)
    return bool(_take(rows))


def _claim_abandoned(message_id: int) -> bool:
    """Take a message whose sender is gone."""
    rows = Message.objects.filter(
        pk=message_id,
        state=MessageState.SENDING,
        sending_at__lt=timezone.now() - ABANDONED_AFTER,
    )
    return bool(_take(rows))


def _take(rows: QuerySet[Message]) -> int:
    return rows.update(
        state=MessageState.SENDING, sending_at=timezone.now(), attempts=F("attempts") + 1
    )


def _wait_for_the_other(message_id: int) -> None:
    """Leave a message that is sent; come back to one that somebody else seems to be sending."""
    if Message.objects.filter(pk=message_id, state=MessageState.SENDING).exists():
        raise DeliveryProblem("Another worker is sending this message, or died doing so.")


def _send(message: Message, *, was_interrupted: bool) -> str:
    """Send by the message's channel; return the provider's id of it."""
    if message.channel == Channel.EMAIL:
        return mail.send(message)
    if was_interrupted and (found := text_messages.find_sent(message)):
        return found
    return text_messages.send(message)


def _record_sent(message: Message, provider_id: str) -> None:
    rows = Message.objects.filter(pk=message.pk)
    # A callback may have been faster: it must not be set back to "sent".
    rows.filter(state=MessageState.SENDING).update(state=MessageState.SENT)
    rows.update(provider_id=provider_id, sent_at=timezone.now(), error="", **_scrubbed(message))


def _record_problem(message: Message, problem: DeliveryProblem, *, is_final: bool) -> None:
    state = MessageState.FAILED if is_final else MessageState.QUEUED
    scrubbed = _scrubbed(message) if is_final else {}
    Message.objects.filter(pk=message.pk).update(state=state, error=str(problem), **scrubbed)
    level = logging.ERROR if is_final else logging.WARNING
    logger.log(level, "Message %s to %s: %s", message.pk, message.recipient, problem)


def _scrubbed(message: Message) -> dict[str, dict[str, str]]:
    """Return the columns that forget a code once nobody needs it."""
    return {"context": {}} if spec_of(Kind(message.kind)).sensitive else {}
