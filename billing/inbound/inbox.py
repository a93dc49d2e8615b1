"""The only way into the inbox: one statement stores an event once, with its job."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import DataError, OperationalError, connection, transaction
from psycopg import Cursor

from billing.core.jobs import JobName
from billing.core.statuses import EventState, IgnoredBecause
from billing.inbound.events import lock_of
from billing.models import StripeEvent
from billing.models.locks import queue_lock
from billing.stripe import gateway, snapshots

logger = logging.getLogger(__name__)

# The year 9999: the database can't store later times.
LATEST = 253_370_764_800
UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
UNSTORABLE_CHARACTER = re.compile("[\x00\ud800-\udfff]")
# One statement, atomic by itself: the event and, only if it's new, its job. Procrastinate's own
# function makes the job; its migrations define and version it.
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


# Also one statement: a delivery that isn't for us is counted by reason and type.
COUNT = """
    INSERT INTO billing_ignoredevents (reason, type, count, last_id) VALUES (%s, %s, 1, %s)
    ON CONFLICT (reason, type) DO UPDATE
    SET count = billing_ignoredevents.count + 1, last_id = excluded.last_id, last_at = now()
    RETURNING id
"""
# The kind of the v2 API's ("thin") events.
THIN = "v2.core.event"


# Jobs of new events come before those of a long replay.
LATER = -10
# Again one statement: jobs that wait already are brought forward, the others made. An event that's
# being processed right now gets a job without a queueing lock: its own job may have to wait again.
REPLAY = """
    WITH chosen AS (
        SELECT id, lock, place
        FROM unnest(%(pks)s::bigint[], %(locks)s::text[]) WITH ORDINALITY AS one(id, lock, place)
    ), hurried AS (
        UPDATE procrastinate_jobs AS job
        SET scheduled_at = NULL, attempts = 0, lock = chosen.lock,
            priority = greatest(job.priority, %(priority)s),
            args = job.args || '{"again": true}'::jsonb
        FROM chosen
        WHERE job.queueing_lock = 'event:' || chosen.id AND job.status = 'todo'
        RETURNING chosen.id
    )
    SELECT procrastinate_defer_jobs_v1(array_agg(ROW(
        'default', %(job)s, %(priority)s, lock,
        CASE WHEN 'event:' || id IN (
            SELECT queueing_lock FROM procrastinate_jobs WHERE status = 'doing'
        ) THEN NULL ELSE 'event:' || id END,
        jsonb_build_object('event_id', id, 'again', true), NULL
    )::procrastinate_job_to_defer_v1 ORDER BY place))
    FROM chosen WHERE id NOT IN (SELECT id FROM hurried)
"""


class MalformedEvent(ValueError):
    """The text isn't a Stripe event."""


class Taken(Enum):
    """The result of a delivery."""

    STORED = "stored"
    KNOWN = "known"
    IGNORED = "ignored"


def take(text: str) -> Taken:
    """Accept a Stripe event from any source: store it once, or count it as not ours.

    One statement. Thin events carry nothing we could act on, and events of the other mode or of a
    connected account aren't about our money. All are accepted, so Stripe keeps delivering.

    Raises:
        MalformedEvent: it isn't an event, or the database can't hold it.
        OperationalError: the database is down.
    """
    data = _loaded(text)
    if isinstance(data, dict) and data.get("object") == THIN:
        return _ignore(IgnoredBecause.THIN, data)
    payload = _checked(data)
    if payload["livemode"] != gateway.is_live_mode():
        return _ignore(IgnoredBecause.OTHER_MODE, payload)
    if payload.get("account"):
        return _ignore(IgnoredBecause.CONNECTED, payload)
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
    """Return an event's payload after checking what we rely on.

    Raises:
        MalformedEvent: it lacks an ID, a type, a time, a mode, or an object.
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
    """Store an event with its job in one statement; return False if it was already stored.

    Raises:
        MalformedEvent: the database can't hold it.
        OperationalError: the database is down.
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
        queue_lock(customer_id, identifier, payload["id"]),
    ]
    return _execute(STORE, values)


def _execute(statement: str, values: list[Any]) -> bool:
    """Run a statement, on a new connection if the old one is gone; return whether it has a row."""
    try:
        return _run(statement, values)
    except OperationalError:
        if connection.in_atomic_block:
            raise
        # The database restarted under this connection. Trying again is safe: it stores once.
        connection.close()
        return _run(statement, values)


def _is_name(value: object, longest: int = 255) -> bool:
    """Whether a value is text that fits its column."""
    return isinstance(value, str) and len(value) <= longest and value.isprintable()


def _refuse_constant(name: str) -> None:
    """Refuse NaN and infinities, which Python parses but JSON doesn't have."""
    raise ValueError(f"{name} is no JSON.")


def _storable(payload: Mapping[str, Any], text: str) -> str:
    """Return the event's text in a form that PostgreSQL's jsonb can hold.

    JSON may contain an escaped NUL or a lone surrogate; jsonb may not. This is rare, and only then
    is the text rewritten, with replacement characters.
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
    """Run the statement on psycopg's own cursor, so the server prepares it once per connection.

    Django's cursors put the values into the text, which is parsed and planned each time.
    """
    # A health check would be one more statement per event; `store` replaces a dead connection.
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs lack it
    connection.ensure_connection()
    try:
        with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
            cursor.execute(statement, values, prepare=True)
            return cursor.fetchone() is not None
    except (DataError, UnicodeEncodeError) as error:
        raise MalformedEvent(f"The database can't hold this event: {error}") from error


def replay(event: StripeEvent) -> None:
    """Process a stored event again, whatever its state (a staff button)."""
    replay_all([event.pk])


@transaction.atomic
def replay_all(pks: Sequence[int], priority: int = 0) -> None:
    """Process stored events again in this order, whatever their states.

    A job that waits already, even for its next try, is the one that runs: now, and again from the
    beginning. So an event that's replayed twice before a worker comes to it is processed once.
    """
    # The lock lets two replays of the same events wait for each other, in one order.
    rows = StripeEvent.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    locks = {
        pk: queue_lock(customer_id, object_id, stripe_id)
        for pk, customer_id, object_id, stripe_id in rows.values_list(
            "pk", "customer_id", "object_id", "stripe_id"
        )
    }
    known = [pk for pk in dict.fromkeys(pks) if pk in locks]
    StripeEvent.objects.filter(pk__in=known).update(state=EventState.PENDING, error="")
    values: dict[str, Any] = {
        "pks": known,
        "locks": [locks[pk] for pk in known],
        "job": JobName.PROCESS_EVENT,
        "priority": priority,
    }
    with connection.cursor() as cursor:
        cursor.execute(REPLAY, values)
