"""The one way into the inbox: an event is stored once, with its job, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from procrastinate.contrib.django import app

from billing import snapshots
from billing.events import lock_of
from billing.models import StripeEvent
from billing.states import EventState

PROCESS_EVENT = "billing.tasks.process_event"
INSERT = """
    INSERT INTO billing_stripeevent
        (stripe_id, type, object_id, customer_id, api_version, created_at, payload)
    VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), %s::jsonb)
    ON CONFLICT (stripe_id) DO NOTHING
    RETURNING id
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
    """Store an event and enqueue its job; answer False where it is stored already.

    Two statements in one transaction. PostgreSQL's jsonb has no NUL character: Stripe's text is
    stored without.
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
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        row = cursor.fetchone()
        if row is None:
            return False
        lock = lock_key(customer_id, identifier, payload["id"])
        # Named, not imported: the jobs themselves put missed events into this inbox.
        app.configure_task(PROCESS_EVENT, lock=lock, queueing_lock=f"event:{row[0]}").defer(
            event_id=row[0]
        )
    return True


def replay(event: StripeEvent) -> None:
    """Process a stored event once more, whatever became of it before (a button of the staff's)."""
    with transaction.atomic():
        StripeEvent.objects.filter(pk=event.pk).update(state=EventState.PENDING, error="")
        lock = lock_key(event.customer_id, event.object_id, event.stripe_id)
        app.configure_task(PROCESS_EVENT, lock=lock).defer(event_id=event.pk, again=True)


def lock_key(customer_id: str, object_id: str, event_id: str) -> str:
    """Return the queue's lock: events of one customer wait for each other, others do not."""
    return f"stripe:{customer_id or object_id or event_id}"
