"""The webhook endpoint: what it accepts, what it refuses, and at what cost."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from billing.models import IgnoredEvents, Reconciliation, StripeEvent
from billing.reconcile import missed_events
from billing.tests.staff_world import superuser
from emails.models import Message
from portal.tasks import watch_for_problems

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
URL = "/billing/webhook/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secrets(settings: Settings) -> None:
    """Two secrets are valid, as during a rotation; the key is one for tests."""
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET, OLD_SECRET]
    settings.STRIPE_SECRET_KEY = "sk_test_1"


def event(identifier: str = "evt_1", **changes: Any) -> dict[str, Any]:
    """Return an event about an invoice."""
    return {
        "id": identifier,
        "object": "event",
        "type": "invoice.paid",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"id": "in_1", "object": "invoice", "customer": "cus_1"}},
        **changes,
    }


def post(
    client: Client, body: str | bytes, secret: str = SECRET, signed_at: int | None = None
) -> Any:
    """Send a body as Stripe does."""
    text = body if isinstance(body, str) else body.decode(errors="replace")
    header = stripe.WebhookSignature.generate_signature_header(
        text, secret, timestamp=signed_at or int(time.time())
    )
    return client.post(
        URL, body, content_type="application/json", headers={"Stripe-Signature": header}
    )


def waiting_jobs() -> int:
    """Return how many jobs wait for the worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return int(cursor.fetchone()[0])


def test_signed_event_is_stored_with_a_job(client: Client) -> None:
    assert post(client, json.dumps(event())).status_code == 200

    stored = StripeEvent.objects.get()
    assert (stored.stripe_id, stored.type) == ("evt_1", "invoice.paid")
    assert (stored.object_id, stored.customer_id) == ("in_1", "cus_1")
    assert stored.state == "pending"
    assert waiting_jobs() == 1


def test_event_that_comes_again_is_answered_but_not_stored_again(client: Client) -> None:
    for _ in range(3):
        assert post(client, json.dumps(event())).status_code == 200

    assert StripeEvent.objects.count() == 1
    assert waiting_jobs() == 1


def test_each_secret_of_a_rotation_is_good(client: Client) -> None:
    assert post(client, json.dumps(event("evt_1")), SECRET).status_code == 200
    assert post(client, json.dumps(event("evt_2")), OLD_SECRET).status_code == 200


def test_wrong_secret_is_refused(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert post(client, json.dumps(event()), "whsec_guess").status_code == 400

    assert not StripeEvent.objects.exists()
    assert "A webhook was refused" in caplog.text


def test_missing_signature_is_refused(client: Client) -> None:
    answer = client.post(URL, json.dumps(event()), content_type="application/json")
    assert answer.status_code == 400


def test_stale_timestamp_is_refused(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    signed_at = int(time.time()) - 301
    assert post(client, json.dumps(event()), signed_at=signed_at).status_code == 400
    assert "refused" in caplog.text


THIN: dict[str, Any] = {
    "id": "evt_65Thin",
    "object": "v2.core.event",
    "type": "v2.core.account.updated",
    "created": "2026-11-28T05:00:00.000Z",
    "livemode": False,
    "context": None,
    "reason": None,
    "related_object": {
        "id": "acct_1",
        "type": "v2.core.account",
        "url": "/v2/core/accounts/acct_1",
    },
}


def counted() -> dict[str, tuple[str, int]]:
    """Return what was ignored: its type and how often, by the reason."""
    return {row.reason: (row.type, row.count) for row in IgnoredEvents.objects.all()}


def test_an_event_of_the_other_mode_is_taken_and_ignored(client: Client) -> None:
    for number in range(3):
        answer = post(client, json.dumps(event(f"evt_{number}", livemode=True)))
        assert (answer.status_code, answer.content) == (200, b"ignored")
    assert not StripeEvent.objects.exists()
    assert waiting_jobs() == 0
    assert counted() == {"other_mode": ("invoice.paid", 3)}


def test_a_thin_event_is_taken_and_ignored(client: Client) -> None:
    for mode in (False, True):
        assert post(client, json.dumps(THIN | {"livemode": mode})).status_code == 200
    assert not StripeEvent.objects.exists()
    assert counted() == {"thin": ("v2.core.account.updated", 2)}


def test_an_event_of_a_connected_account_is_taken_and_ignored(client: Client) -> None:
    answer = post(client, json.dumps(event(account="acct_another")))
    assert (answer.status_code, answer.content) == (200, b"ignored")
    assert not StripeEvent.objects.exists()
    assert counted() == {"connected": ("invoice.paid", 1)}
    post(client, json.dumps(event("evt_own", account=None)))
    assert StripeEvent.objects.get().stripe_id == "evt_own"


def test_what_is_ignored_must_be_signed_too(client: Client) -> None:
    for body in (THIN, event(livemode=True)):
        assert post(client, json.dumps(body), "whsec_guess").status_code == 400
    assert not IgnoredEvents.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"id": None}, {"type": 7}, {"id": "x" * 300}, {"type": "a\x00b"}]
)
def test_a_thin_event_without_a_name_is_none(client: Client, changes: dict[str, Any]) -> None:
    assert post(client, json.dumps(THIN | changes)).status_code == 400
    assert not IgnoredEvents.objects.exists()


def test_the_look_for_missed_events_takes_them_alike(client: Client) -> None:
    run = Reconciliation.objects.create(started_at=timezone.now())
    payloads = [THIN, event("evt_1", livemode=True), event("evt_2"), event("evt_2")]
    assert [missed_events._store(one, run) for one in payloads] == [False, False, True, False]
    assert run.error == ""
    assert set(counted()) == {"thin", "other_mode"}


def test_ignoring_takes_one_statement_too(client: Client, tmp_path: Path) -> None:
    post(client, json.dumps(THIN))
    assert statements_of(tmp_path, lambda: post(client, json.dumps(THIN))) == ["Execute"]


def test_staff_are_told_of_what_is_ignored_once(client: Client, settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]
    post(client, json.dumps(THIN))
    for _ in range(2):
        watch_for_problems(0)
    [mail] = Message.objects.filter(kind="problem_found")
    assert "snapshot payloads" in mail.context["text"]
    client.force_login(superuser())
    home = client.get("/staff/").content.decode()
    assert "1 event without its object" in home
    listed = client.get("/staff/billing/ignoredevents/").content.decode()
    assert "v2.core.account.updated" in listed


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "null",
        "{}",
        json.dumps(event(created="yesterday")),
        json.dumps(event(data={"object": None})),
        json.dumps(event(id=7)),
    ],
)
def test_body_that_is_no_event_is_refused(client: Client, body: str) -> None:
    assert post(client, body).status_code == 400
    assert not StripeEvent.objects.exists()


def test_body_that_is_not_text_is_refused(client: Client) -> None:
    assert post(client, b"\xff\xfe").status_code == 400


def test_without_a_secret_the_endpoint_is_closed(client: Client, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(client, json.dumps(event())).status_code == 503


def test_get_is_not_allowed(client: Client) -> None:
    assert client.get(URL).status_code == 405


def test_storing_takes_one_statement_and_no_session(client: Client, tmp_path: Path) -> None:
    """As seen on the wire: the first one is prepared as well, each later one is just executed."""
    post(client, json.dumps(event("evt_before")))
    answers: list[Any] = []
    send = functools.partial(post, client, json.dumps(event()))
    assert statements_of(tmp_path, lambda: answers.append(send())) == ["Execute"]
    assert not answers[0].cookies


def statements_of(folder: Path, act: Callable[[], object]) -> list[str]:
    """Return what went over the wire to the database, savepoints of the test left out."""
    wire = folder / "wire"
    server = connection.connection.pgconn
    with wire.open("wb") as trace:
        server.trace(trace.fileno())
        act()
        server.untrace()
    sent = re.findall(r"\tF\t\d+\t(Query|Parse|Execute)\b(.*)", wire.read_text())
    return [kind for kind, text in sent if "SAVEPOINT" not in text]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a\\u0000b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\\\\u0000b", "a\\u0000b"),
        ("a\\ud83db", "a\N{REPLACEMENT CHARACTER}b"),
        ("\\ud83d\\ude00", "\N{GRINNING FACE}"),
    ],
)
def test_whatever_stands_in_a_name_is_stored(client: Client, name: str, stored: str) -> None:
    body = json.dumps(event()).replace('"in_1"', f'"in_1", "description": "{name}"')
    assert post(client, body).status_code == 200
    assert StripeEvent.objects.get().payload["data"]["object"]["description"] == stored


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "evt_" + "x" * 300},
        {"type": "t" * 101},
        {"api_version": {"a": 1}},
        {"created": True},
        {"created": 10**30},
        {"created": -5},
        {"data": {"object": {"id": "in_\x00"}}},
        {"data": {"object": {"id": "in_" + "x" * 300}}},
        {"data": {"object": {"id": "in_\ud83d"}}},
    ],
)
@pytest.mark.django_db(transaction=True)
def test_event_that_no_database_holds_is_refused(client: Client, changes: dict[str, Any]) -> None:
    assert post(client, json.dumps(event(**changes))).status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("body", ['{"id": NaN}', "[" * 60_000 + "]" * 60_000])
def test_odd_json_is_refused(client: Client, body: str) -> None:
    assert post(client, body).status_code == 400


def test_signature_that_is_no_text_is_refused(client: Client) -> None:
    answer = client.post(
        URL, "{}", content_type="application/json", headers={"Stripe-Signature": "t=1,v1=é"}
    )
    assert answer.status_code == 400
