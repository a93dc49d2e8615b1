"""Runs the checks for the staff site: each finding is stored as soon as there is one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from portal.backoffice import check_titles
from portal.doctor import running
from portal.doctor.jobs import JobName
from portal.doctor.results import Finding
from portal.models import Diagnosis, Outcome

KEPT = timedelta(days=90)


def ask() -> Diagnosis | None:
    """Have the worker run all checks; None if a run waits already."""
    deferrer = app.configure_task(JobName.RUN_DOCTOR, queueing_lock="run_doctor")
    try:
        with transaction.atomic():
            row = Diagnosis.objects.create()
            deferrer.defer(diagnosis_id=row.pk)
    except AlreadyEnqueued:
        return None
    return row


def diagnose(diagnosis_id: int) -> None:
    """Run all checks; a run that was cut off begins anew. Old ones are deleted."""
    rows = Diagnosis.objects.filter(pk=diagnosis_id)
    found: list[dict[str, str]] = []
    rows.update(findings=found, begun_at=timezone.now())
    for one in running.run(running.chosen([])):
        found.append(asdict(one))
        rows.update(findings=found)
    rows.update(finished_at=timezone.now())
    Diagnosis.objects.filter(asked_at__lt=timezone.now() - KEPT).delete()


def findings(row: Diagnosis) -> list[Finding]:
    """Return what a run has found so far, with the checks' names in the active language.

    The rest stays as it was found: it names settings and quotes answers, like `manage.py doctor`.
    """
    return [
        Finding(**{**one, "outcome": Outcome(one["outcome"]), "title": check_titles.of(one)})
        for one in row.findings
    ]
