"""The webhook endpoint: what it takes, what it refuses, and at what cost."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.db import connection
from django.test import Client
from pytest_django import Settings

from billing.models import StripeEvent

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


def test_event_of_the_other_mode_is_refused(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(client, json.dumps(event(livemode=True))).status_code == 400
    assert "other mode" in caplog.text
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "null",
        "{}",
        json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v2.thin"}),
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
    wire = tmp_path / "wire"
    server = connection.connection.pgconn
    with wire.open("wb") as trace:
        server.trace(trace.fileno())
        answer = post(client, json.dumps(event()))
        server.untrace()
    sent = re.findall(r"\tF\t\d+\t(Query|Parse|Execute)\b(.*)", wire.read_text())
    statements = [found for found in sent if "SAVEPOINT" not in found[1]]
    assert [kind for kind, _ in statements] == ["Execute"]
    assert not answer.cookies


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
