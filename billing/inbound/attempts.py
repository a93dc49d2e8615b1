"""Records each try at processing an event; the database's triggers note the rows it changes.

They do so while the session has the setting `portal.attempt` (migration `0021_event_attempts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from billing.core.statuses import EventState

# One statement each: the row, and the setting that makes the triggers note what follows.
BEGIN = """
    WITH attempt AS (
        INSERT INTO billing_eventattempt (event_id, is_replay, began_at)
        VALUES (%s, %s, clock_timestamp()) RETURNING id
    )
    SELECT id, set_config('portal.attempt', id::text, false) FROM attempt
"""
END = """
    WITH attempt AS (
        UPDATE billing_eventattempt SET ended_at = clock_timestamp(), state = %s, problem = %s
        WHERE id = %s
    )
    SELECT set_config('portal.attempt', '', false)
"""
LONGEST_PROBLEM = 2000


@dataclass
class Attempt:
    """An attempt under way: its number, and whether the triggers still note changes for it."""

    pk: int
    is_noting: bool = True

    def end(self, state: EventState, problem: str) -> None:
        """Record how it ended; nothing more is noted."""
        with connection.cursor() as cursor:
            cursor.execute(END, [state.value, problem[:LONGEST_PROBLEM], self.pk])
        self.is_noting = False


def begin(event_pk: int, *, is_replay: bool) -> Attempt:
    """Record that an attempt begins, and have the triggers note changes."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [event_pk, is_replay])
        return Attempt(cursor.fetchone()[0])


@contextmanager
def noted(event_pk: int, *, is_replay: bool) -> Iterator[Attempt]:
    """Begin an attempt, which the caller ends.

    If it can't be ended, as when the worker has to go at once, the setting must not stay behind:
    it goes with the connection.
    """
    attempt = begin(event_pk, is_replay=is_replay)
    try:
        yield attempt
    finally:
        if attempt.is_noting:
            connection.close()
