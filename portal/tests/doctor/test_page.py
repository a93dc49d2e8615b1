"""Check-ups on the staff site: a button, the worker's run, and what was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from conftest import Sandbox, run_jobs
from portal.doctor import recorded, running
from portal.models import Diagnosis
from portal.tasks import ask_doctor

pytestmark = pytest.mark.django_db
LIST = reverse("admin:portal_diagnosis_changelist")


def open_page(client: Client, row: Diagnosis) -> Any:
    """Open a run's page."""
    return client.get(reverse("admin:portal_diagnosis_change", args=[row.pk]))


def press(client: Client) -> Any:
    """Say yes to the list's button."""
    return client.post(reverse("admin:portal_diagnosis_look_now"), {"_form_submitted": "1"})


def test_support_asks_and_reads_what_the_worker_finds(sandbox: Sandbox) -> None:
    client = signed_in_now(support())
    assert "The doctor hasn’t looked yet." in client.get(LIST).content.decode()
    assert press(client).status_code == 302
    row = Diagnosis.objects.get()
    waiting = open_page(client, row)
    assert "Waiting for the worker" in waiting.content.decode()
    assert waiting["Refresh"] == "3"
    press(client)
    assert Diagnosis.objects.count() == 1, "one run waits already"

    assert run_jobs() == 1
    row.refresh_from_db()
    assert len(row.findings) == len(running.ALL)
    done = open_page(client, row)
    shown = done.content.decode()
    assert "Refresh" not in done
    assert "Can’t tell" in shown
    assert "Server: Python" in shown
    assert "Portal: Worker" in shown
    assert shown.index("Portal: Worker") < shown.index("Server: Python"), "what fails comes first"
    assert "Doesn’t work" in client.get(LIST).content.decode()


def test_a_run_that_is_under_way_says_how_far_it_is() -> None:
    finding = {"key": "mail.spf", "title": "SPF", "outcome": "ok", "text": "Yes.", "remedy": ""}
    row = Diagnosis.objects.create(begun_at=timezone.now(), findings=[finding])
    shown = open_page(signed_in_now(superuser()), row)
    assert f"1 of {len(running.ALL)} checked" in shown.content.decode()
    assert shown["Refresh"] == "3"


def test_auditors_read_and_cannot_ask() -> None:
    client = signed_in_now(auditor())
    row = Diagnosis.objects.create()
    assert open_page(client, row).status_code == 200
    assert "Look now" not in client.get(LIST).content.decode()
    assert press(client).status_code == 403
    assert Diagnosis.objects.count() == 1


def test_it_looks_every_night_and_forgets_old_runs(sandbox: Sandbox) -> None:
    old = Diagnosis.objects.create()
    Diagnosis.objects.filter(pk=old.pk).update(asked_at=timezone.now() - timedelta(days=91))
    ask_doctor(timestamp=0)
    ask_doctor(timestamp=1)
    assert run_jobs() == 1
    row = Diagnosis.objects.get()
    assert row.pk != old.pk
    assert row.finished_at
    assert {one.key for one in recorded.findings(row)} == {one.key for one in running.ALL}
