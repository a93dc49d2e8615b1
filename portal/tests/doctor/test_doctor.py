"""`manage.py doctor`: which checks run, what it prints, and its exit code."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from billing.core.statuses import EventState
from billing.models import MissingSetup, StripeEvent
from conftest import Sandbox
from portal.doctor import portal_checks, running
from portal.doctor.results import Check, Result, fail, ok, unknown, warn, worst
from portal.models import Outcome

OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
pytestmark = pytest.mark.django_db


def run(*options: str) -> tuple[str, int]:
    """Run the command; return what it prints, and its exit code."""
    out = StringIO()
    try:
        call_command("doctor", *options, stdout=out, no_color=True)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def test_every_check_says_something_and_nothing_secret(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.SECRET_KEY = "a-secret-key-that-nobody-may-read"
    settings.EMAIL_HOST_PASSWORD = "a-password-that-nobody-may-read"
    text, code = run("--json")
    findings = json.loads(text)
    assert [one["key"] for one in findings] == [one.key for one in running.chosen([])]
    assert len({one["key"] for one in findings}) == len(running.ALL)
    assert all(one["text"] and one["title"] for one in findings)
    assert all(one["remedy"] for one in findings if one["outcome"] == "fail")
    assert not [one for one in findings if "couldn’t be checked" in one["text"]]
    assert code == 2
    for kept in (settings.STRIPE_SECRET_KEY, settings.TWILIO_AUTH_TOKEN, settings.SECRET_KEY,
                 settings.EMAIL_HOST_PASSWORD, *settings.STRIPE_WEBHOOK_SECRETS):  # fmt: skip
        assert kept not in text


@time_machine.travel("2026-12-01T12:00Z")  # Python 3.11 is supported until October 2027
def test_some_checks_can_be_chosen() -> None:
    text, code = run("--only", "host.python", "--only", "data")
    assert code in {0, 1}
    assert "Server: Python. Python 3." in text
    assert "Migrations. All migrations are applied." in text
    assert "Stripe" not in text
    with pytest.raises(CommandError, match=r"There’s no check mail\.sever\."):
        call_command("doctor", "--only", "mail.sever")


def test_a_check_that_breaks_says_so_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> Result:
        raise ZeroDivisionError("hunter2")

    checks = [Check("one", breaks), Check("two", lambda: ok("Fine."))]
    first, second = running.run(checks)
    assert (first.outcome, second.outcome) == (UNKNOWN, OK)
    assert "ZeroDivisionError" in first.text
    assert "hunter2" not in first.text
    assert "The check one couldn't be run." in caplog.text


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], OK),
        ([ok("a"), unknown("b")], UNKNOWN),
        ([unknown("a"), warn("b")], WARN),
        ([warn("a"), fail("b"), ok("c")], FAIL),
    ],
)
def test_the_worst_counts(results: list[Result], expected: Outcome) -> None:
    checks = [
        Check(str(place), lambda result=result: result)  # type: ignore[misc]
        for place, result in enumerate(results)
    ]
    assert worst(list(running.run(checks))) == expected


def test_the_worker() -> None:
    assert portal_checks.worker().outcome == FAIL
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert portal_checks.worker().outcome == OK
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1h'")
    found = portal_checks.worker()
    assert (found.outcome, "has been silent" in found.text) == (FAIL, True)


def test_what_waits_and_what_is_known() -> None:
    assert portal_checks.backlog().outcome == OK
    assert portal_checks.known().outcome == OK
    now = timezone.now()
    event = StripeEvent.objects.create(
        stripe_id="evt_1", type="invoice.paid", created_at=now, payload={}
    )
    late = now - timedelta(hours=2)
    StripeEvent.objects.filter(pk=event.pk).update(received_at=late)
    found = portal_checks.backlog()
    assert (found.outcome, "An event has waited for" in found.text) == (WARN, True)
    StripeEvent.objects.filter(pk=event.pk).update(state=EventState.FAILED)
    assert "1 event failed for good" in portal_checks.backlog().text
    MissingSetup.objects.create(name=MissingSetup.CUSTOMER_PORTAL)
    assert "customer portal isn’t set up" in portal_checks.known().text
    assert portal_checks.ledger().outcome == OK
