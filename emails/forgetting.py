"""Empty messages to people who left, and old messages. The rows themselves stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from common.traces import Traces
from emails.models import Message, MessageState

OPEN = (MessageState.QUEUED, MessageState.SENDING)
CLOSED = "The account was closed before it was sent."


def emptied() -> dict[str, Any]:
    """Return the columns that empty a message so that it identifies nobody.

    Its kind, its times, and the key that keeps it from being written twice stay.
    """
    empty = {"recipient": "", "subject": "", "context": {}, "error": ""}
    return empty | {"emptied_at": timezone.now()}


def forget(users: QuerySet[User]) -> int:
    """Empty all messages to users who have left; don't send what waits. Return how many."""
    rows = Message.objects.filter(user__in=users, emptied_at=None, empty_when_done=False)
    waiting = rows.filter(state__in=OPEN).update(
        **emptied() | {"state": MessageState.SKIPPED, "error": CLOSED}
    )
    return waiting + rows.update(**emptied())


def forget_traces(traces: Traces) -> int:
    """Empty what names someone who has left: mails to staff, invitations. Return how many.

    What's waiting for staff is sent first, and emptied then.
    """
    rows = Message.objects.filter(emptied_at=None)
    messages = traces.rows(rows, "recipient", "subject", "context", "error")
    messages.filter(state__in=OPEN).update(empty_when_done=True)
    return messages.exclude(state__in=OPEN).update(**emptied())


def forget_old() -> int:
    """Empty messages older than MESSAGES_KEPT_DAYS; return the number of rows.

    This includes those that were being sent while someone left.
    """
    oldest = timezone.now() - timedelta(days=settings.MESSAGES_KEPT_DAYS)
    done = Message.objects.filter(emptied_at=None).exclude(state__in=OPEN)
    return done.filter(Q(created_at__lt=oldest) | Q(empty_when_done=True)).update(**emptied())
