"""How soon an idle worker starts on an event once it's committed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.events import event
from bench.servers import running

EVENTS = 80
LONGEST_SECONDS = 15
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 30
# The queue deletes a job's rows when it's done; this keeps when it was taken.
NOTE_STARTS = """
    CREATE TABLE bench_start (event_id bigint PRIMARY KEY, started_at timestamptz NOT NULL);
    CREATE FUNCTION bench_note_start() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO bench_start VALUES ((NEW.args->>'event_id')::bigint, clock_timestamp())
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER bench_start AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (NEW.status = 'doing' AND NEW.args ? 'event_id')
    EXECUTE FUNCTION bench_note_start();
"""
CLEAN = "TRUNCATE billing_stripeevent, procrastinate_jobs CASCADE"
FOUND = """
    SELECT extract(epoch FROM started_at)::float8, extract(epoch FROM processed_at)::float8
    FROM bench_start JOIN billing_stripeevent ON billing_stripeevent.id = event_id
    WHERE stripe_id = %s AND processed_at IS NOT NULL
"""


@dataclass(frozen=True)
class Delays:
    """Seconds from just before the commit to the job's start and to its end, sorted."""

    to_start: list[float]
    to_end: list[float]


def measure(database: psycopg.Connection[Any]) -> Delays:
    """Store events that change nothing, one at a time, with a real worker running."""
    database.execute(CLEAN)
    database.execute(NOTE_STARTS)
    with running(["manage.py", "worker"]):
        _one(database, "first")  # waits for the worker's start
        began = time.monotonic()
        delays = [_one(database, "evt_delay")]
        while len(delays) < EVENTS and time.monotonic() - began < LONGEST_SECONDS:
            delays.append(_one(database, f"evt_delay_{len(delays)}"))
    return Delays(sorted(start for start, _ in delays), sorted(end for _, end in delays))


def percentile(ordered: list[float], share: float) -> float:
    """Return the value below which a share of the sorted values lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _one(database: psycopg.Connection[Any], identifier: str) -> tuple[float, float]:
    """Store one event and return how long its job took to start and to end, in seconds."""
    from billing.inbound import inbox  # noqa: PLC0415  (Django must be set up first)

    payload = event(0, "delay") | {"id": identifier, "type": "account.updated"}
    before = time.time()
    inbox.store(payload, json.dumps(payload))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (row := database.execute(FOUND, [identifier]).fetchone()) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"The worker did not process {identifier}.")
        time.sleep(0.02)
    time.sleep(PAUSE_SECONDS)
    return row[0] - before, row[1] - before
