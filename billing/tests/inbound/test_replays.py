"""Replays of many events: in order, in batches, once, and until they're stopped."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import EventState
from billing.inbound import inbox, replays
from billing.models import EventAttempt, Invoice, Replay, StripeEvent
from billing.tests.life import paid_member
from billing.tests.staff_world import make_failed_event, superuser
from conftest import Sandbox, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    """Return who presses the buttons."""
    return superuser()


def everything() -> QuerySet[StripeEvent]:
    """Return all events."""
    return StripeEvent.objects.all()


def waiting(task: str = "billing.tasks.process_event") -> list[int]:
    """Return the numbers of the events whose jobs wait, in the queue's order."""
    jobs = ProcrastinateJob.objects.filter(status="todo", task_name=task)
    args = jobs.order_by("-priority", "id").values_list("args", flat=True)
    return [one["event_id"] for one in args]


def hurry() -> None:
    """Let the time pass that jobs wait for."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


def finish(replay: Replay) -> Replay:
    """Let the queue work until a replay has ended."""
    for _turn in range(20):
        run_jobs()
        replay.refresh_from_db()
        if replay.finished_at:
            return replay
        hurry()
    raise AssertionError("It doesn't end.")


def test_a_preview_counts_by_type(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    found = replays.preview(everything())
    assert found.total == StripeEvent.objects.count() > 3
    assert dict(found.kinds)["invoice.paid"] == 1
    assert found.first is not None
    assert found.last is not None
    assert found.first <= found.last
    empty = replays.preview(StripeEvent.objects.none())
    assert (empty.total, empty.kinds, empty.first, empty.last) == (0, [], None, None)


def test_a_replay_reads_everything_again(sandbox: Sandbox, owner: User) -> None:
    paid_member(sandbox)
    EventAttempt.objects.all().delete()
    Invoice.objects.update(status="open", amount_paid=0)
    replay = finish(replays.start(everything(), "all events", owner, uuid4()))
    assert Invoice.objects.get().status == "paid"
    assert replay.handed == replay.total == StripeEvent.objects.count()
    assert replays.done(replay) == replay.total
    assert sum(replays.states(replay).values()) == replay.total
    assert EventAttempt.objects.filter(is_replay=True).count() == replay.total
    assert replay.started_by == owner
    assert sum(replay.kinds.values()) == replay.total


def test_events_go_in_the_order_in_which_they_happened(owner: User) -> None:
    now = timezone.now()
    late, early, middle = (
        make_failed_event(created_at=now - timedelta(minutes=ago)) for ago in (1, 9, 5)
    )
    replay = replays.start(everything(), "all events", owner, uuid4())
    assert replay.event_ids == [early.pk, middle.pk, late.pk]
    replays.hand_over(replay.pk)
    assert waiting() == [early.pk, middle.pk, late.pk]
    assert not StripeEvent.objects.filter(state=EventState.FAILED).exists()


def test_batches_wait_for_those_before_and_new_events_go_first(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "BATCH", 2)
    events = [make_failed_event() for _ in range(5)]
    replay = replays.start(everything().filter(state="failed"), "failed", owner, uuid4())
    replays.hand_over(replay.pk)
    assert waiting() == [one.pk for one in events[:2]]
    replays.hand_over(replay.pk)
    replay.refresh_from_db()
    assert (replay.handed, replays.done(replay)) == (2, 0)
    fresh = make_failed_event()
    inbox.replay(fresh)
    assert waiting() == [fresh.pk, events[0].pk, events[1].pk]
    # One that failed again and is tried later doesn't hold up the others.
    StripeEvent.objects.filter(pk=events[0].pk).update(state=EventState.RETRYING)
    StripeEvent.objects.filter(pk=events[1].pk).update(state=EventState.PROCESSED)
    replays.hand_over(replay.pk)
    replay.refresh_from_db()
    assert (replay.handed, replays.done(replay)) == (4, 2)


def test_a_stop_hands_over_no_more(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "BATCH", 2)
    for _ in range(5):
        make_failed_event()
    replay = replays.start(everything(), "all events", owner, uuid4())
    replays.hand_over(replay.pk)
    assert replays.stop(replay.pk, owner)
    assert not replays.stop(replay.pk, owner)
    StripeEvent.objects.filter(state=EventState.PENDING).update(state=EventState.PROCESSED)
    replays.hand_over(replay.pk)
    replay.refresh_from_db()
    assert (replay.handed, replay.stopped_by) == (2, owner)
    assert StripeEvent.objects.filter(state=EventState.FAILED).count() == 3


def test_pressed_twice_is_one_replay(owner: User) -> None:
    make_failed_event()
    key = uuid4()
    first = replays.start(everything(), "all events", owner, key)
    assert replays.start(everything(), "all events", owner, key) == first
    with pytest.raises(replays.AlreadyRunning):
        replays.start(everything(), "all events", owner, uuid4())
    jobs = ProcrastinateJob.objects.filter(task_name="billing.tasks.replay_events")
    assert (Replay.objects.count(), jobs.count()) == (1, 1)


def test_nothing_and_too_much_are_refused(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(replays.NotStarted, match="No event"):
        replays.start(everything(), "all events", owner, uuid4())
    monkeypatch.setattr(replays, "MOST", 1)
    make_failed_event()
    make_failed_event()
    with pytest.raises(replays.NotStarted, match="More than 1 events"):
        replays.start(everything(), "all events", owner, uuid4())
    assert replays.preview(everything()).is_too_much


def test_a_job_that_waits_is_brought_forward() -> None:
    event = make_failed_event()
    inbox.replay(event)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour', attempts = 9,"
            " lock = 'retry:1', args = args - 'again'"
        )
    inbox.replay(event)
    job = ProcrastinateJob.objects.get(task_name="billing.tasks.process_event")
    assert (job.scheduled_at, job.attempts) == (None, 0)
    assert job.args == {"event_id": event.pk, "again": True}
    assert job.lock != "retry:1"


def test_an_event_that_is_being_processed_is_processed_once_more() -> None:
    event = make_failed_event()
    inbox.replay(event)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    inbox.replay(event)
    assert waiting() == [event.pk]
    # The first job may have to wait again, and then finds its place.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo'")
    assert waiting() == [event.pk, event.pk]


def test_a_batch_takes_as_many_statements_as_one_event() -> None:
    events = [make_failed_event().pk for _ in range(50)]
    with CaptureQueriesContext(connection) as one:
        inbox.replay_all(events[:1])
    with CaptureQueriesContext(connection) as many:
        inbox.replay_all(events)
    assert len(many) == len(one)
    assert len(waiting()) == 50
