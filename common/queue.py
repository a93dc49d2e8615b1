"""How jobs are retried, recovered, and kept from piling up: thin rules on Procrastinate."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.tasks import Task

logger = logging.getLogger(__name__)


class Known(Exception):
    """An error that a retried job may fail with silently: it's temporary, or already logged.

    `not_before`: trying again earlier would be in vain.
    """

    not_before: datetime | None = None


class Backoff(BaseRetryStrategy):
    """Try `max_attempts` times in total, doubling the wait each time, give or take a quarter.

    `first` and `longest` are in seconds. A retry releases the lock of its first run: a job that's
    waiting must not hold up the same customer's other jobs.
    """

    def __init__(self, max_attempts: int, first: float = 2, longest: float = 3600) -> None:
        self.max_attempts = max_attempts
        self.first = first
        self.longest = longest

    def is_last(self, attempts: int) -> bool:
        """Whether a run after `attempts` earlier ones is the last."""
        return attempts + 1 >= self.max_attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again, or None after the last attempt, which the queue logs itself.

        The queue logs nothing about a job that's retried, not even mistakes in our code.
        """
        if self.is_last(job.attempts):
            return None
        if not isinstance(exception, (Known, OperationalError)):
            logger.error("A job is tried again: %s", job.call_string, exc_info=exception)
        wait = min(self.longest, self.first * 2**job.attempts)
        jittered = wait * random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)
        retry_at = timezone.now() + timedelta(seconds=jittered)
        not_before = exception.not_before if isinstance(exception, Known) else None
        return RetryDecision(
            retry_at=max(retry_at, not_before) if not_before else retry_at,
            lock=f"retry:{job.id}",
        )


def enqueue_once(
    task: Task[Any, Any, Any], key: str, *, at: datetime | None = None, **arguments: Any
) -> bool:
    """Enqueue a job unless one with this key is already waiting; return whether it was.

    With a time, it isn't run before that.
    """
    try:
        with transaction.atomic():
            task.configure(queueing_lock=key, schedule_at=at).defer(**arguments)
    except AlreadyEnqueued:
        return False
    return True


def hurry(keys: list[str]) -> int:
    """Run jobs now that were scheduled for later; return how many there were.

    Workers poll the queue, so nothing has to wake them.
    """
    if not keys:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL"
            " WHERE queueing_lock = ANY(%s) AND status = 'todo' AND scheduled_at > now()",
            [keys],
        )
        hurried: int = cursor.rowcount
    return hurried
