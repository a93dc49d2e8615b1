"""Deliver one message from the outbox: claim it, send it, record the result.

Nothing is sent inside a transaction. One conditional update claims a message, so only one of two
workers sends it. A crash between the provider's answer and our record leaves the row in `sending`.
An email may have gone out then, as it may after a lost answer (`unknown_since`): it's sent again
while that's the same mail to its provider or to mail programs, and else given up, with a word
about it. A text message is looked up at Twilio first.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from common.queue import Backoff, hurry
from emails import (
    causes,
    copies,
    forgetting,
    mail,
    other_channel,
    pacing,
    preferences,
    quiet,
    suppressing,
    text_caps,
    text_messages,
    ways,
)
from emails.catalog import spec_of
from emails.models import (
    Channel,
    Message,
    MessageState,
    SuppressionReason,
    SuppressionSource,
    WaitsFor,
)
from emails.problems import DeliveryProblem, NotYet

logger = logging.getLogger(__name__)

# Nine hours in all: quick at first, for codes, and long enough to fix a mail server.
BACKOFF = Backoff(max_attempts=20)
# Longer than SMTP's and Twilio's timeouts together: the worker that claimed it is gone.
ABANDONED_AFTER = timedelta(seconds=30)

# A report that a mail has arrived mostly comes within this.
REPORTED_WITHIN = timedelta(minutes=10)

# How far along a status is. Twilio documentation, "Message status".
PROGRESS = {"accepted": 1, "queued": 1, "sending": 2, "sent": 3, "undelivered": 4}
PROGRESS |= {"failed": 4, "delivered": 5, "read": 6}
REACHED = frozenset({"delivered", "read"})
LOST = frozenset({"failed", "undelivered"})
# Losses after which no other text would arrive either: an email says it instead.
FOR_GOOD = frozenset("30003 30004 30005 30006 30007 30008 30034 21610".split())

IN_DOUBT = "It may have gone out: an earlier try had no answer that we saw."
MAY_HAVE_GONE_OUT = f"{IN_DOUBT} Resend it only if it didn’t arrive."
TOO_LATE = {
    WaitsFor.TURN: "It would be out of date by its turn: only so many go out a minute.",
    WaitsFor.PROVIDER: "It would be out of date by when the provider takes something again.",
}


@dataclass(frozen=True)
class StatusReport:
    """What Twilio says about a text message: its SID, its status, and an error code or ""."""

    sid: str
    status: str
    error_code: str = ""


def deliver(message_id: int) -> datetime | None:
    """Send a message, unless it was already sent or is being sent.

    Return when to come back if it waits: for the end of the quiet hours, or for its turn.

    Raises:
        DeliveryProblem: it couldn't be sent now; the queue tries again.
    """
    message = _claim(message_id)
    if message is None:
        _wait_for_the_other(message_id)
        return None
    try:
        if reason := causes.why_not_needed(message) or preferences.why_not_wanted(message):
            _skip(message, reason)
            return None
        is_put_off, until = _put_off(message)
        if is_put_off:
            return until
        provider_id = _send(message)
    except NotYet:
        _put_back(message)
        raise
    except DeliveryProblem as problem:
        if not _record_problem(message, problem):
            raise
    except Exception as error:
        # Our own mistake: the message must not stay in `sending`, nor the error go unnoticed.
        words = f"{type(error).__name__}: {error}"
        _record_problem(message, DeliveryProblem(words, is_our_fault=True))
        raise
    else:
        _record_sent(message, provider_id)
    return None


def _put_off(message: Message) -> tuple[bool, datetime | None]:
    """Whether a message doesn't go now, and when to come back, if ever.

    Raises:
        DeliveryProblem: an earlier one goes first, or it would be out of date by its turn.
    """
    until = quiet.waits_until(message, timezone.now())
    if until and not _is_last_chance(message, until):
        return True, _wait(message, until)
    if reason := text_caps.why_not_now(message):
        logger.warning("Message %s is over a cap: %s", message.pk, reason)
        _skip(message, reason)
        return True, None
    _let_earlier_go_first(message)
    turn = _turn(message)
    return turn is not None, turn


@transaction.atomic
def record_status(message_id: int, report: StatusReport) -> bool:
    """Move a text message's status forward; return whether it moved.

    Reports come in any order, and may arrive before the answer to our own request.
    """
    message = Message.objects.select_for_update().filter(pk=message_id).first()
    if message is None or message.provider_id not in ("", report.sid):
        return False
    if PROGRESS.get(report.status, 0) <= PROGRESS.get(message.provider_status, 0):
        return False
    message.provider_id, message.provider_status = report.sid, report.status
    message.sent_at = message.sent_at or timezone.now()
    message.state, message.error = MessageState.SENT, ""
    if report.status in REACHED:
        message.state, message.delivered_at = MessageState.DELIVERED, timezone.now()
    elif report.status in LOST:
        message.state, message.error = MessageState.FAILED, text_messages.loss(report.error_code)
        if report.error_code == str(text_messages.RECIPIENT_STOPPED):
            text_messages.note_stop(message)
        if report.error_code in FOR_GOOD:
            other_channel.try_later(message)
    if spec_of(message.kind).sensitive:
        message.context = {}
    message.save()
    return True


def _claim(message_id: int) -> Message | None:
    """Claim a message: exactly one worker's update changes the row."""
    now = timezone.now()
    queued = Q(state=MessageState.QUEUED)
    abandoned = Q(state=MessageState.SENDING, sending_at__lt=now - ABANDONED_AFTER)
    in_doubt = When(
        state=MessageState.SENDING,
        channel=Channel.EMAIL,
        unknown_since=None,
        then=F("sending_at"),
    )
    # The first try that may have worked stays: those after it must be the same mail.
    in_doubt_already = Q(unknown_since__isnull=False) | Q(state=MessageState.SENDING)
    stays = When(in_doubt_already | Q(channel=Channel.SMS), then=F("tried_by"))
    claimed = Message.objects.filter(queued | abandoned, pk=message_id).update(
        state=MessageState.SENDING,
        tried_by=Case(stays, default=Value(str(ways.current()))),
        sending_at=now,
        attempts=F("attempts") + 1,
        unknown_since=Case(in_doubt, default=F("unknown_since")),
    )
    if claimed != 1:
        return None
    return Message.objects.select_related("user__member").get(pk=message_id)


def _wait_for_the_other(message_id: int) -> None:
    """Leave a sent message alone; come back to one that another worker seems to be sending."""
    if Message.objects.filter(pk=message_id, state=MessageState.SENDING).exists():
        raise DeliveryProblem("Another worker is sending this message, or died doing so.")


def _let_earlier_go_first(message: Message) -> None:
    """Keep messages about one thing to one person in order; drop what's no longer true.

    Raises:
        NotYet: an earlier one is waiting for its next attempt, or is being sent.
    """
    open_ones = Message.objects.filter(
        causes.about_the_same(message),
        pk__lt=message.pk,
        state__in=[MessageState.QUEUED, MessageState.SENDING],
    )
    for earlier in open_ones.order_by("pk"):
        reason = (
            causes.why_not_needed(earlier)
            or preferences.why_not_wanted(earlier)
            # This one goes now, and the earlier one couldn't before the morning.
            or (quiet.OVERTAKEN if quiet.waits_until(earlier, timezone.now()) else "")
        )
        if not (reason and earlier.state == MessageState.QUEUED and _skip(earlier, reason)):
            raise NotYet(f"Message {earlier.pk} about the same goes first.")


def _skip(message: Message, reason: str) -> bool:
    """Skip a message that isn't needed; return whether it could still be skipped."""
    rows = Message.objects.filter(pk=message.pk, state=message.state)
    words = f"{reason} {IN_DOUBT}" if message.unknown_since else reason
    values = {"state": MessageState.SKIPPED, "error": words}
    skipped = rows.update(**values | forgetting.when_done(message))
    if skipped:
        logger.info("Message %s is not sent: %s", message.pk, reason)
        _wake_later(message)
    return bool(skipped)


def _is_last_chance(message: Message, until: datetime) -> bool:
    """Whether a text would be out of date by then, and no email says the same."""
    if message.expires_at is None or message.expires_at > until:
        return False
    return not text_caps.is_told_by_email(message)


def _wait(message: Message, until: datetime) -> datetime | None:
    """Let a text wait for the morning, unless it would be out of date by then."""
    if message.expires_at and message.expires_at <= until:
        _skip(message, quiet.TOO_LATE)
        return None
    _put_back(message, waits_until=until, waits_for=WaitsFor.MORNING)
    logger.info("Message %s waits for the end of the quiet hours: %s.", message.pk, until)
    return until


def _turn(message: Message) -> datetime | None:
    """Let a message wait for its turn; None if it may go now.

    Raises:
        DeliveryProblem: it would be out of date by then.
    """
    now = timezone.now()
    if message.is_ahead_of_its_turn(now):
        # Somebody wanted it tried now. It keeps the turn that it has.
        until, waits_for = message.waits_until, WaitsFor.TURN
    elif until := pacing.held_until(message, now):
        waits_for = WaitsFor.PROVIDER
    else:
        until, waits_for = pacing.turn(message, now), WaitsFor.TURN
    if until is None:
        return None
    if message.expires_at and message.expires_at <= until:
        raise DeliveryProblem(TOO_LATE[waits_for], is_permanent=True)
    _put_back(message, waits_until=until, waits_for=waits_for, turns_taken=message.turns_taken)
    logger.info("Message %s waits for %s: %s.", message.pk, waits_for.label, until)
    return until


def _put_back(message: Message, **values: Any) -> None:
    """Put back a message that waits, which doesn't count as an attempt."""
    Message.objects.filter(
        pk=message.pk, state=MessageState.SENDING, attempts=message.attempts
    ).update(state=MessageState.QUEUED, attempts=F("attempts") - 1, **values)


def _wake_later(message: Message) -> None:
    """Try what waited for this message now, instead of at its next retry.

    What waits for something that may follow it didn't wait for this one.
    """
    later = Message.objects.filter(
        causes.about_the_same(message), pk__gt=message.pk, state=MessageState.QUEUED
    ).exclude(waits_for=WaitsFor.MORE, waits_until__gt=timezone.now())
    hurry([job_key(pk) for pk in later.values_list("pk", flat=True)])


def job_key(message_pk: int) -> str:
    """Return the queueing lock for a message's job."""
    return f"message:{message_pk}"


def _send(message: Message) -> str:
    """Send through the message's channel; return the provider's ID for it."""
    if message.expires_at and message.expires_at <= timezone.now():
        raise DeliveryProblem("It was out of date before it was sent.", is_permanent=True)
    if message.channel == Channel.EMAIL:
        return mail.send(message)
    # An earlier attempt may have reached Twilio though we never saw the answer.
    if message.attempts > 1 and (sent_id := text_messages.find_sent(message)):
        return sent_id
    return text_messages.send(message)


def _record_sent(message: Message, provider_id: str) -> None:
    values: dict[str, Any] = {
        "state": MessageState.SENT,
        "provider_id": provider_id,
        "sent_at": timezone.now(),
        "unknown_since": None,
        "error": "",
        "is_our_fault": False,
    }
    # Unless a report arrived first: it says more than we know.
    rows = Message.objects.filter(pk=message.pk, state=MessageState.SENDING)
    rows.update(**values | forgetting.when_done(message))
    copies.keep(message)
    _wake_later(message)


def _record_problem(message: Message, problem: DeliveryProblem) -> bool:
    """Requeue a message, or give it up; return whether it was given up."""
    is_final = problem.is_permanent or message.attempts >= BACKOFF.max_attempts
    # From when it was claimed, which is before anybody could take it. A refusal of a later try says
    # nothing about this one.
    unknown_since = message.unknown_since or (message.sending_at if problem.is_unknown else None)
    words = f"{problem} {MAY_HAVE_GONE_OUT}" if is_final and unknown_since else str(problem)
    values: dict[str, Any] = {
        "state": MessageState.FAILED if is_final else MessageState.QUEUED,
        "error": words,
        "unknown_since": unknown_since,
        "is_our_fault": problem.is_our_fault,
        # Another try takes other turns.
        "turns_taken": 0,
    }
    if problem.not_before and not is_final:
        pacing.hold(message.channel, problem.not_before)
        values |= {"waits_until": problem.not_before, "waits_for": WaitsFor.PROVIDER}
    rows = Message.objects.filter(
        pk=message.pk, state=MessageState.SENDING, attempts=message.attempts
    )
    rows.update(**values | (forgetting.when_done(message) if is_final else {}))
    if is_final:
        _wake_later(message)
    if problem.is_dead:
        by = SuppressionSource.PROVIDER if settings.EMAIL_PROVIDER else SuppressionSource.SERVER
        suppressing.suppress(message, SuppressionReason.BOUNCED, by, str(problem))
    if problem.is_permanent:
        other_channel.try_later(message, after=REPORTED_WITHIN if unknown_since else None)
    level = logging.ERROR if is_final else logging.WARNING
    # By number: the log may outlive what we may know about the recipient.
    logger.log(level, "Message %s (%s): %s", message.pk, message.channel, problem)
    return is_final
