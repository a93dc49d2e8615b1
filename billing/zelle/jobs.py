"""Enqueues jobs about payments by Zelle, in order with the member's other jobs."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from billing.core.jobs import JobName
from billing.models import ExpectedTransfer


def enqueue(job: JobName, expected: ExpectedTransfer, **arguments: Any) -> None:
    """Enqueue a job for a payment, once as long as it waits."""
    deferrer = app.configure_task(
        job,
        lock=f"zelle:{expected.user_id}",
        queueing_lock=f"{job}:{expected.pk}:{expected.booking}",
    )
    try:
        with transaction.atomic():
            deferrer.defer(expected_pk=expected.pk, **arguments)
    except AlreadyEnqueued:
        return
