"""Empty messages to people who left, and old messages. The rows themselves stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from business import rules
from common.traces import Traces
from emails import copies
from emails.catalog import Kind, spec_of
from emails.models import Message, MessageState, Suppression

OPEN = (MessageState.QUEUED, MessageState.SENDING)
CLOSED = "The account was closed before it was sent."


def emptied() -> dict[str, Any]:
    """Return the columns that empty a message so that it identifies nobody.

    Its kind, its times, and the key that keeps it from being written twice stay.
    """
    empty: dict[str, Any] = {
        "recipient": "",
        "subject": "",
        "context": {},
        "error": "",
        "link_key": None,
    }
    return empty | {"emptied_at": timezone.now()}


def when_done(message: Message) -> dict[str, Any]:
    """Return the columns that forget a code, or someone who has left, once a message is done."""
    if message.empty_when_done:
        return emptied()
    kind = message.kind
    return {"context": {}} if kind in set(Kind) and spec_of(kind).sensitive else {}


def forget(users: QuerySet[User]) -> int:
    """Empty all messages to users who have left; don't send what waits. Return how many."""
    Suppression.objects.filter(user__in=users).delete()
    rows = Message.objects.filter(user__in=users, emptied_at=None, empty_when_done=False)
    waiting = rows.filter(state__in=OPEN).update(
        **emptied() | {"state": MessageState.SKIPPED, "error": CLOSED}
    )
    return waiting + _empty(rows)


def forget_traces(traces: Traces) -> int:
    """Empty what names someone who has left: mails to staff, invitations. Return how many.

    What's waiting for staff is sent first, and emptied then.
    """
    rows = Message.objects.filter(emptied_at=None)
    messages = traces.rows(rows, "recipient", "subject", "context", "error")
    messages.filter(state__in=OPEN).update(empty_when_done=True)
    return _empty(messages.exclude(state__in=OPEN))


def forget_old() -> int:
    """Empty messages that are old enough; return the number of rows.

    This includes those that were being sent while someone left.
    """
    done = Message.objects.filter(emptied_at=None).exclude(state__in=OPEN)
    old = _older_than(rules.messages_kept())
    return _empty(done.filter(empty_when_done=True) | old)


def _empty(rows: QuerySet[Message]) -> int:
    """Empty messages, and delete their copies; return how many."""
    with transaction.atomic():
        copies.forget(rows)
        return rows.update(**emptied())


def count_old(kept: timedelta) -> int:
    """Return how many messages would be emptied if they were kept this long."""
    return _older_than(kept).count()


def _older_than(kept: timedelta) -> QuerySet[Message]:
    oldest = timezone.now() - kept
    return Message.objects.filter(emptied_at=None, created_at__lt=oldest).exclude(state__in=OPEN)
