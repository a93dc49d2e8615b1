"""Replays many stored events: chosen at once, handed over in batches, stopped by a button."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from billing.core.jobs import JobName
from billing.core.statuses import EventState
from billing.inbound import inbox
from billing.models import Replay, StripeEvent

# A replay's events are kept as one row's list of numbers.
MOST = 100_000
# Few enough that a stop is felt soon, many enough that the queue doesn't wait for the next ones.
BATCH = 200
SECONDS_BETWEEN = 1
LOCK = "LOCK TABLE billing_replay IN SHARE ROW EXCLUSIVE MODE"


class NotStarted(Exception):
    """There's nothing to replay, or too much; the text is a sentence for staff."""


class AlreadyRunning(Exception):
    """Another replay hasn't ended."""

    def __init__(self, replay: Replay) -> None:
        super().__init__(str(replay))
        self.replay = replay


@dataclass(frozen=True)
class Preview:
    """What a replay would process: how many events, of which types, and from when to when."""

    total: int
    kinds: list[tuple[str, int]]
    first: datetime | None
    last: datetime | None

    @property
    def is_too_much(self) -> bool:
        """Whether it's more than one replay takes."""
        return self.total > MOST


def preview(events: QuerySet[StripeEvent]) -> Preview:
    """Count the events by type, most frequent first."""
    found = (
        events.order_by()
        .values("type")
        .annotate(count=Count("pk"), first=Min("created_at"), last=Max("created_at"))
    )
    rows = sorted(found, key=lambda row: (-row["count"], row["type"]))
    return Preview(
        total=sum(row["count"] for row in rows),
        kinds=[(row["type"], row["count"]) for row in rows],
        first=min((row["first"] for row in rows), default=None),
        last=max((row["last"] for row in rows), default=None),
    )


def start(events: QuerySet[StripeEvent], chosen: str, by: User, key: UUID) -> Replay:
    """Have the queue process these events again; the same key starts one replay only.

    Raises:
        AlreadyRunning: another replay hasn't ended.
        NotStarted: no event matches, or more than one replay takes.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Two presses wait for each other; readers don't wait.
            cursor.execute(LOCK)
        rows = Replay.objects.defer("event_ids")
        if known := rows.filter(key=key).first():
            return known
        if running := rows.filter(finished_at=None).first():
            raise AlreadyRunning(running)
        oldest_first = events.order_by("created_at", "pk").values_list("pk", "type")
        found = list(oldest_first[: MOST + 1])
        if not found:
            raise NotStarted("No event matches.")
        if len(found) > MOST:
            raise NotStarted(f"More than {MOST:,} events match. Choose a shorter time.")
        kinds: dict[str, int] = {}
        for _pk, kind in found:
            kinds[kind] = kinds.get(kind, 0) + 1
        replay = Replay.objects.create(
            key=key,
            started_by=by,
            chosen=chosen[:500],
            event_ids=[pk for pk, _kind in found],
            kinds=kinds,
            total=len(found),
        )
        _go_on(replay.pk, 0)
    return replay


def stop(pk: int, by: User) -> bool:
    """Hand over no more events; return whether there was something to stop.

    Those that were handed over already are still processed.
    """
    now = timezone.now()
    running = Replay.objects.filter(pk=pk, finished_at=None)
    return bool(running.update(stopped_at=now, stopped_by=by, finished_at=now))


def hand_over(pk: int) -> None:
    """Give the queue a replay's next events once it's done with those before (a job).

    An event that failed and is tried again later doesn't hold up the others.
    """
    with transaction.atomic():
        replay = Replay.objects.select_for_update().defer("event_ids").get(pk=pk)
        if replay.finished_at is not None:
            return
        if not _are_waiting(_slice(pk, max(0, replay.handed - BATCH), replay.handed)):
            if replay.handed >= replay.total:
                Replay.objects.filter(pk=pk).update(finished_at=timezone.now())
                return
            batch = _slice(pk, replay.handed, replay.handed + BATCH)
            inbox.replay_all(batch, priority=inbox.LATER)
            Replay.objects.filter(pk=pk).update(handed=replay.handed + len(batch))
        _go_on(pk, SECONDS_BETWEEN)


def done(replay: Replay) -> int:
    """Return how many of a replay's events were processed."""
    batch = _slice(replay.pk, max(0, replay.handed - BATCH), replay.handed)
    return (
        replay.handed - StripeEvent.objects.filter(pk__in=batch, state=EventState.PENDING).count()
    )


def states(replay: Replay) -> dict[str, int]:
    """Return how many of the events that were handed over are in each state now."""
    events = StripeEvent.objects.filter(pk__in=_slice(replay.pk, 0, replay.handed)).order_by()
    return dict(events.values_list("state").annotate(Count("pk")))


def _are_waiting(pks: list[int]) -> bool:
    return StripeEvent.objects.filter(pk__in=pks, state=EventState.PENDING).exists()


def _slice(pk: int, begin: int, end: int) -> list[int]:
    """Return some of a replay's events without reading all of them."""
    if begin >= end:
        return []
    found: list[int] = (
        Replay.objects.filter(pk=pk).values_list(f"event_ids__{begin}_{end}", flat=True).get()
    )
    return found


def _go_on(pk: int, seconds: int) -> None:
    job = app.configure_task(
        JobName.REPLAY_EVENTS,
        queueing_lock=f"replay:{pk}",
        lock="replay_events",
        schedule_in={"seconds": seconds} if seconds else None,
    )
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(replay_pk=pk)
