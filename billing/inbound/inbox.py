"""The one way into the inbox: an event is stored once, with its job, in one statement."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.db import DataError, OperationalError, connection, transaction
from procrastinate.contrib.django import app
from psycopg import Cursor

from billing.core.jobs import JobName
from billing.core.statuses import EventState, IgnoredBecause
from billing.inbound.events import lock_of
from billing.models import StripeEvent
from billing.stripe import gateway, snapshots

logger = logging.getLogger(__name__)

# The year 9999: later times are none that a database knows.
LATEST = 253_370_764_800
UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
UNSTORABLE_CHARACTER = re.compile("[\x00\ud800-\udfff]")
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


# One statement as well: a delivery that is not for us is counted, under its reason and type.
COUNT = """
    INSERT INTO billing_ignoredevents (reason, type, count, last_id) VALUES (%s, %s, 1, %s)
    ON CONFLICT (reason, type) DO UPDATE
    SET count = billing_ignoredevents.count + 1, last_id = excluded.last_id, last_at = now()
    RETURNING id
"""
# The kind of an event that the v2 API makes ("thin").
THIN = "v2.core.event"


class MalformedEvent(ValueError):
    """The text is not an event of Stripe's."""


class Taken(Enum):
    """What became of a delivery."""

    STORED = "stored"
    KNOWN = "known"
    IGNORED = "ignored"


def take(text: str) -> Taken:
    """Take one event of Stripe's, whichever way it came: store it once, or count it as not ours.

    One statement. Thin events carry nothing that we could act on, and those of the other mode are
    about money of another world: both are taken, so that Stripe goes on delivering.

    Raises:
        MalformedEvent: it is no event, or the database can't hold it.
        OperationalError: the database is away.
    """
    data = _loaded(text)
    if isinstance(data, dict) and data.get("object") == THIN:
        return _ignore(IgnoredBecause.THIN, data)
    payload = _checked(data)
    if payload["livemode"] != gateway.is_live_mode():
        return _ignore(IgnoredBecause.OTHER_MODE, payload)
    return Taken.STORED if store(payload, text) else Taken.KNOWN


def _ignore(reason: IgnoredBecause, payload: Mapping[str, Any]) -> Taken:
    identifier, kind = payload.get("id"), payload.get("type")
    if not _is_name(identifier) or not _is_name(kind, longest=100):
        raise MalformedEvent("The body is not an event.")
    _execute(COUNT, [reason.value, kind, identifier])
    logger.info("Event %s (%s) is ignored: %s.", identifier, kind, reason.value)
    return Taken.IGNORED


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("The body is not an event.") from error


def _checked(payload: Any) -> Mapping[str, Any]:
    """Return an event's payload, with what we rely on checked.

    Raises:
        MalformedEvent: it lacks an id, a type, a time, a mode or an object.
    """
    try:
        is_event = (
            _is_name(payload["id"])
            and _is_name(payload["type"], longest=100)
            and _is_name(payload.get("api_version") or "", longest=50)
            and type(payload["created"]) is int
            and 0 < payload["created"] < LATEST
            and isinstance(payload["livemode"], bool)
            and isinstance(payload["data"]["object"], dict)
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise MalformedEvent("The body is not an event.") from error
    if not is_event:
        raise MalformedEvent("The body is not an event.")
    return payload  # type: ignore[no-any-return]


def store(payload: Mapping[str, Any], text: str) -> bool:
    """Store an event with its job, in one statement; answer False where it is stored already.

    Raises:
        MalformedEvent: the database can't hold it.
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
        _storable(payload, text),
        JobName.PROCESS_EVENT,
        lock_key(customer_id, identifier, payload["id"]),
    ]
    return _execute(STORE, values)


def _execute(statement: str, values: list[Any]) -> bool:
    """Run one statement, on a new connection where the old one is gone; say if it has a row."""
    try:
        return _run(statement, values)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        # The database was restarted under this connection: storing twice stores once.
        connection.close()
        return _run(statement, values)


def _is_name(value: object, longest: int = 255) -> bool:
    """Whether a value is text that fits its column."""
    return isinstance(value, str) and len(value) <= longest and value.isprintable()


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is no JSON.")


def _storable(payload: Mapping[str, Any], text: str) -> str:
    """Return the event's text as PostgreSQL's jsonb can hold it.

    JSON may name a NUL character or half of a surrogate pair, jsonb may not. Such text is rare:
    only then is it written anew, with a replacement character in their place.
    """
    if not UNSTORABLE.search(text):
        return text
    return json.dumps(_replaced(payload))


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    return value


def _run(statement: str, values: list[Any]) -> bool:
    """Run the statement on psycopg's own cursor: the server prepares it once a connection.

    Django's cursors write the values into the text, which is parsed and planned each time.
    """
    # A health check would be one more statement an event; `store` mends a dead connection instead.
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
            cursor.execute(statement, values, prepare=True)
            return cursor.fetchone() is not None
    except (DataError, UnicodeEncodeError) as error:
        raise MalformedEvent(f"The database can't hold this event: {error}") from error


def replay(event: StripeEvent) -> None:
    """Process a stored event once more, whatever became of it before (a button of the staff's)."""
    with transaction.atomic():
        StripeEvent.objects.filter(pk=event.pk).update(state=EventState.PENDING, error="")
        lock = lock_key(event.customer_id, event.object_id, event.stripe_id)
        app.configure_task(JobName.PROCESS_EVENT, lock=lock).defer(event_id=event.pk, again=True)


def lock_key(customer_id: str, object_id: str, event_id: str) -> str:
    """Return the queue's lock: events of one customer wait for each other, others do not."""
    return f"stripe:{customer_id or object_id or event_id}"
