"""The one way into the inbox: an event is stored once, with its job, in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import OperationalError, connection, transaction
from procrastinate.contrib.django import app

from billing import snapshots
from billing.events import lock_of
from billing.models import StripeEvent
from billing.states import EventState

PROCESS_EVENT = "billing.tasks.process_event"
# One statement, atomic by itself: the event and, only if that is new, its job. The job is made
# by Procrastinate's own function, which its migrations define and version.
STORE = """
    WITH event AS (
        INSERT INTO billing_stripeevent
            (stripe_id, type, object_id, customer_id, api_version, created_at, payload)
        VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), %s::jsonb)
        ON CONFLICT (stripe_id) DO NOTHING
        RETURNING id
    )
    SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
        'default', %s, 0, %s, 'event:' || id, jsonb_build_object('event_id', id), NULL
    )::procrastinate_job_to_defer_v1]) FROM event
"""


class MalformedEvent(ValueError):
    """The text is not an event of Stripe's."""


def parse(text: str) -> Mapping[str, Any]:
    """Return an event's payload, with what we rely on checked.

    Raises:
        MalformedEvent: it is not JSON, or lacks an id, a type, a time, a mode or an object.
    """
    try:
        payload = json.loads(text)
        is_event = (
            isinstance(payload["id"], str)
            and isinstance(payload["type"], str)
            and isinstance(payload["created"], int)
            and isinstance(payload["livemode"], bool)
            and isinstance(payload["data"]["object"], dict)
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedEvent("The body is not an event.") from error
    if not is_event:
        raise MalformedEvent("The body is not an event.")
    return payload  # type: ignore[no-any-return]


def store(payload: Mapping[str, Any], text: str) -> bool:
    """Store an event with its job, in one statement; answer False where it is stored already.

    PostgreSQL's jsonb has no NUL character: Stripe's text is stored without.

    Raises:
        OperationalError: the database is away.
    """
    data = payload["data"]["object"]
    customer_id = lock_of(payload)
    identifier = snapshots.object_id(data.get("id"))
    values = [
        payload["id"],
        payload["type"],
        identifier,
        customer_id,
        payload.get("api_version") or "",
        payload["created"],
        text.replace("\\u0000", ""),
        PROCESS_EVENT,
        lock_key(customer_id, identifier, payload["id"]),
    ]
    try:
        return _insert(values)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        # The database was restarted under this connection: storing twice stores once.
        connection.close()
        return _insert(values)


def _insert(values: list[Any]) -> bool:
    # A health check would be one more statement an event; `store` mends a dead connection instead.
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)
        return cursor.fetchone() is not None


def replay(event: StripeEvent) -> None:
    """Process a stored event once more, whatever became of it before (a button of the staff's)."""
    with transaction.atomic():
        StripeEvent.objects.filter(pk=event.pk).update(state=EventState.PENDING, error="")
        lock = lock_key(event.customer_id, event.object_id, event.stripe_id)
        app.configure_task(PROCESS_EVENT, lock=lock).defer(event_id=event.pk, again=True)


def lock_key(customer_id: str, object_id: str, event_id: str) -> str:
    """Return the queue's lock: events of one customer wait for each other, others do not."""
    return f"stripe:{customer_id or object_id or event_id}"
