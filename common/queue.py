"""How jobs are retried, recovered and kept from piling up: thin rules over Procrastinate."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.tasks import Task

logger = logging.getLogger(__name__)


class Known(Exception):
    """An error that a retried job may end with in peace: it heals by itself, or was logged."""


class Backoff(BaseRetryStrategy):
    """Try `max_attempts` times in all, waiting twice as long each time, give or take a quarter.

    `first` and `longest` are seconds. A retry leaves the lock of its first run: a job that waits
    for its next try must not hold up the others of the same customer.
    """

    def __init__(self, max_attempts: int, first: float = 2, longest: float = 3600) -> None:
        self.max_attempts = max_attempts
        self.first = first
        self.longest = longest

    def is_last(self, attempts: int) -> bool:
        """Whether a run that `attempts` runs came before is the last one."""
        return attempts + 1 >= self.max_attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again, or None after the last attempt, which the queue logs itself.

        The queue says nothing of a job that is tried again, mistakes in our code included.
        """
        if self.is_last(job.attempts):
            return None
        if not isinstance(exception, (Known, OperationalError)):
            logger.error("A job is tried again: %s", job.call_string, exc_info=exception)
        wait = min(self.longest, self.first * 2**job.attempts)
        jittered = wait * random.uniform(0.75, 1.25)  # noqa: S311  (spreads load, guards nothing)
        return RetryDecision(
            retry_at=timezone.now() + timedelta(seconds=jittered),
            lock=f"retry:{job.id}",
        )


def enqueue_once(task: Task[Any, Any, Any], key: str, **arguments: Any) -> bool:
    """Enqueue a job unless one with this key waits already. Return whether it was enqueued."""
    try:
        with transaction.atomic():
            task.configure(queueing_lock=key).defer(**arguments)
    except AlreadyEnqueued:
        return False
    return True


def hurry(keys: list[str]) -> int:
    """Have jobs that wait for a later moment run now; return how many there were.

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
