"""Retries, upkeep and schedules of the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from django.conf import settings
from django.db import OperationalError, connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from billing.tasks import sweep_inbox
from common.queue import Backoff, Known, enqueue_once
from conftest import run_jobs


def job(attempts: int) -> Job:
    """Return a job that has run so often."""
    return Job(
        id=7,
        queue="default",
        lock="stripe:cus_1",
        queueing_lock=None,
        task_name="t",
        attempts=attempts,
    )


def test_waits_double_and_leave_the_lock() -> None:
    backoff = Backoff(max_attempts=30, first=2, longest=3600)
    waits = []
    for attempts in range(20):
        decision = backoff.get_retry_decision(exception=OSError(), job=job(attempts))
        assert decision is not None
        assert decision.lock == "retry:7"
        assert decision.retry_at is not None
        waits.append((decision.retry_at - timezone.now()).total_seconds())
    assert 1 < waits[0] < 3
    assert all(0.75 * 2 ** (number + 1) - 1 < wait for number, wait in enumerate(waits[:10]))
    assert max(waits) <= 3600 * 1.25


def test_last_attempt_is_the_last() -> None:
    backoff = Backoff(max_attempts=3)
    assert backoff.get_retry_decision(exception=OSError(), job=job(1)) is not None
    assert backoff.get_retry_decision(exception=OSError(), job=job(2)) is None
    assert not backoff.is_last(1)
    assert backoff.is_last(2)


@pytest.mark.django_db
def test_job_that_waits_already_is_not_enqueued_again() -> None:
    assert enqueue_once(sweep_inbox, "sweep_inbox", timestamp=0)
    assert not enqueue_once(sweep_inbox, "sweep_inbox", timestamp=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    ("task", "longest"),
    [
        ("portal.tasks.recover_stalled_jobs", timedelta(seconds=10)),
        ("billing.tasks.sweep_inbox", timedelta(minutes=1)),
        ("emails.tasks.sweep_outbox", timedelta(minutes=1)),
        ("billing.tasks.find_missed_events", timedelta(hours=1)),
        ("billing.tasks.refresh_plan", timedelta(hours=1)),
    ],
)
def test_schedule_runs_as_often_as_it_should(task: str, longest: timedelta) -> None:
    periodic = {entry.task.name: entry for entry in app.periodic_registry.periodic_tasks.values()}
    runs = croniter(periodic[task].cron, datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC))
    times = [runs.get_next(datetime) for _ in range(200)]
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert gaps == {longest}


def test_a_worker_is_dead_well_after_its_last_sign_of_life() -> None:
    """With a threshold below the heartbeat's interval, a live worker's jobs would start twice."""
    missed = settings.STALLED_WORKER_SECONDS / settings.HEARTBEAT_SECONDS
    assert missed >= 5


def test_a_mistake_in_a_job_that_is_tried_again_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backoff = Backoff(max_attempts=3)
    for passing in (OperationalError("gone"), Known("no answer")):
        backoff.get_retry_decision(exception=passing, job=job(0))
    assert not caplog.records
    backoff.get_retry_decision(exception=KeyError("name"), job=job(0))
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info


@pytest.mark.django_db
def test_jobs_run_in_tests_wait_for_an_earlier_one_with_their_lock() -> None:
    """As with a real worker, one that is scheduled for later keeps those behind it waiting."""
    later = timezone.now() + timedelta(hours=1)
    first = sweep_inbox.configure(lock="a", queueing_lock="1", schedule_at=later).defer(timestamp=0)
    sweep_inbox.configure(lock="a", queueing_lock="2").defer(timestamp=0)
    sweep_inbox.configure(lock="b", queueing_lock="3").defer(timestamp=0)
    assert run_jobs() == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = %s", [first])
    assert run_jobs() == 2
