"""Fixtures for every app's tests: a running sandbox, and a way to run queued jobs in place."""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import stripe
from django.db import connection
from django.template import Engine
from django.utils import timezone, translation
from django.utils.translation import trans_real
from hypothesis import is_hypothesis_test
from procrastinate import JobContext, RetryDecision, sql
from procrastinate.contrib.django import app
from procrastinate.jobs import Job, Status
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

import business.brand
import business.rules
import emails.wording
from common import quiet_hours
from emails import smtp_lines
from testing import migrated, rows, thorough
from testing.bank import Bank
from testing.ports import free_port
from testing.undefined_names import Undefined

# Collecting makes a million objects that all stay. Looking for garbage among them would take a
# quarter of its time. In the tests themselves, looking less often saves a tenth.
gc.disable()
gc.set_threshold(50_000, 20, 100)
# Requests that fail are repeated by the SDK as they are for real, only sooner.
stripe.HTTPClient.INITIAL_DELAY = 0.02
thorough.load_profile()
ROOT = Path(__file__).resolve().parent
HOST = "127.0.0.1"
STARTUP_SECONDS = 30
# One client for all, since each new one loads all CA certificates. The sandbox closes idle
# connections after five seconds.
HTTP = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(keepalive_expiry=2))
atexit.register(HTTP.close)
KEY = {"Authorization": "Bearer sk_test_sandbox", "Stripe-Version": stripe.api_version}
MIGRATED = pytest.StashKey[str]()


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: the tests' Stripe, Twilio, mail server, and bank."""

    url: str
    smtp_port: int
    imap_port: int

    @property
    def bank(self) -> Bank:
        """The business's bank."""
        return Bank(self.url, self.imap_port, HTTP)

    @property
    def stripe(self) -> stripe.StripeClient:
        """The unmodified SDK, pointed at the sandbox."""
        return stripe.StripeClient(
            "sk_test_sandbox", base_addresses={"api": self.url, "files": self.url}
        )

    def control(self, path: str, **values: Any) -> Any:
        """Post to one of the sandbox's control addresses and return its answer."""
        answer = HTTP.post(f"{self.url}/_sandbox/{path}", json=values)
        answer.raise_for_status()
        return answer.json()

    def look(self, path: str) -> Any:
        """Get one of the sandbox's control addresses."""
        answer = HTTP.get(f"{self.url}/_sandbox/{path}")
        answer.raise_for_status()
        return answer.json()

    def events(self) -> list[dict[str, Any]]:
        """Return every event that Stripe made, oldest first, in the form webhooks carry.

        The SDK would make an object of every part of every event, which takes its time.
        """
        events: list[dict[str, Any]] = []
        has_more = True
        while has_more:
            after = {"starting_after": events[-1]["id"]} if events else {}
            answer = HTTP.get(f"{self.url}/v1/events", params={"limit": 100, **after}, headers=KEY)
            answer.raise_for_status()
            page = answer.json()
            events += page["data"]
            has_more = page["has_more"]
        return events[::-1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the property tests: they play more examples when they are thorough."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(thorough.MARK)


def pytest_collection_finish() -> None:
    """Look for garbage from now on, in what the tests themselves make."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    pytestconfig: pytest.Config,
) -> Iterator[None]:
    """The test database; what its migrations put in is remembered."""
    cache = getattr(pytestconfig, "cache", None)
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            kept = cache.mkdir("database") if cache else None
            stack.enter_context(migrated.test_database(kept))
            connection.ensure_connection()
            pytestconfig.stash[MIGRATED] = rows.refilling(connection.connection)
            connection.close()
        yield
        with django_db_blocker.unblock():
            stack.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Put back what migrations put in: Django empties the database after a test that commits.

    Else whatever ran after such a test would find another database than what ran before it.
    """
    yield
    marker = item.get_closest_marker("django_db")
    # After the last test the database itself is gone.
    if nextitem and marker and marker.kwargs.get("transaction"):
        with psycopg.connect(**connection.get_connection_params()) as database:
            database.execute(item.config.stash[MIGRATED].encode())


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """One sandbox process for the whole run; `sandbox` empties it for each test."""
    port, smtp_port, imap_port = free_port(), free_port(), free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    command += ["--smtp-port", str(smtp_port), "--imap-port", str(imap_port)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    process = subprocess.Popen([*command, "--data", ""], cwd=ROOT, env=env)
    started = Sandbox(f"http://{HOST}:{port}", smtp_port, imap_port)
    try:
        _wait_for(started, process)
        yield started
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(started: Sandbox, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        try:
            started.look("health")
        except httpx.TransportError:
            assert process.poll() is None, "The sandbox ended while it was starting."
            assert time.monotonic() < deadline, "The sandbox did not start in time."
            time.sleep(0.05)
        else:
            return


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hash passwords quickly: the slow hash that protects real ones is Django's, not ours."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _names_on_pages() -> None:
    """Fail on a page if one of our templates shows an undefined name, instead of nothing.

    For each test again: one that overrides settings of templates leaves a new engine behind.
    """
    Engine.get_default().string_if_invalid = Undefined()


@pytest.fixture(autouse=True, scope="session")
def _names_in_messages() -> None:
    """Fail on a message without a name that its template uses; otherwise that's only logged."""
    logging.getLogger("emails.rendering").addFilter(_refuse)


def _refuse(record: logging.LogRecord) -> bool:
    raise AssertionError(record.getMessage())


@pytest.fixture(autouse=True)
def _static_files_when_asked_for(settings: Settings) -> None:
    """Find static files on request: listing all of them first slows each browser test."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def _nothing_saved() -> None:
    """Begin with the environment's settings, as if the database had just been asked for others."""
    business.brand.assume_nothing_saved()
    business.rules.assume_nothing_saved()
    emails.wording.KEPT.assume({})


@pytest.fixture(autouse=True)
def _own_language_and_zone() -> None:
    """Begin in the settings' language and time zone, whatever was active after the last test."""
    translation.deactivate()
    # What's spoken while no language is active: the last test may have found a made-up one.
    trans_real._default = None  # type: ignore[attr-defined]  # noqa: SLF001
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _no_quiet_hours(settings: Settings) -> None:
    """Send texts at any hour: tests run at night, too."""
    settings.QUIET_HOURS = quiet_hours.NEVER


@pytest.fixture
def uploads(settings: Settings, tmp_path: Path) -> Path:
    """A folder of the test's own for pictures that staff upload."""
    place = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    options = {"location": str(tmp_path / "uploads")}
    settings.STORAGES = {**settings.STORAGES, "uploads": {**place, "OPTIONS": options}}
    return tmp_path / "uploads"


@pytest.fixture
def sandbox(running_sandbox: Sandbox, settings: Settings) -> Sandbox:
    """An empty sandbox, with the portal's settings pointed at it."""
    running_sandbox.control("reset")
    settings.STRIPE_API_BASE = running_sandbox.url
    settings.STRIPE_SECRET_KEY = "sk_test_sandbox"
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_sandbox"]
    settings.STRIPE_PRICE_ID = "price_membership_monthly"
    settings.STRIPE_YEARLY_PRICE_ID = ""
    settings.TWILIO_API_BASE = f"{running_sandbox.url}/twilio"
    settings.TWILIO_ACCOUNT_SID = "ACsandbox0000000000000000000000000"
    settings.TWILIO_AUTH_TOKEN = "sandbox-twilio-token"
    settings.TWILIO_FROM_NUMBER = "+15005550006"
    settings.EMAIL_BACKEND = "emails.smtp.EmailBackend"
    settings.EMAIL_HOST = HOST
    settings.EMAIL_PORT = running_sandbox.smtp_port
    smtp_lines.POOL.close()
    return running_sandbox


def run_jobs() -> int:
    """Run waiting jobs as the queue hands them out, in this thread; return how many ran.

    A failed job is put back according to its retry strategy, and its error is raised.

    The queue's own worker runs jobs in other threads, whose connections don't see what a test
    hasn't committed. So its steps are taken here, with its own statements: locks are respected, and
    a retry gets the lock and priority that its strategy says. (The worker can be forced into this
    thread by middleware; that took twice the time.)
    """
    ran = 0
    while (job := _next_job()) is not None:
        ran += 1
        _run(job)
    return ran


def _next_job() -> Job | None:
    row = app.connector.execute_query_one(
        query=sql.queries["fetch_job"], queues=None, worker_id=None
    )
    if row["id"] is None:
        return None
    # Django's connection leaves JSON as it is.
    return Job.from_row({**row, "args": json.loads(row["args"])})


def _run(job: Job) -> None:
    task = app.tasks[job.task_name]
    context = [
        JobContext(app=app, job=job, start_timestamp=time.time(), abort_reason=lambda: None)
    ] * task.pass_context
    try:
        task.func(*context, **job.task_kwargs)
    except Exception as error:
        retry = task.get_retry_exception(exception=error, job=job)
        if retry:
            _put_back(job, retry.retry_decision)
        else:
            _finish(job, Status.FAILED)
        raise
    _finish(job, Status.SUCCEEDED)


def _put_back(job: Job, decision: RetryDecision) -> None:
    app.connector.execute_query(
        query=sql.queries["retry_job"],
        job_id=job.id,
        retry_at=decision.retry_at,
        new_priority=decision.priority,
        new_queue_name=decision.queue,
        new_lock=decision.lock,
    )


def _finish(job: Job, status: Status) -> None:
    app.connector.execute_query(
        query=sql.queries["finish_job"], job_id=job.id, status=status.value, delete_job=False
    )
