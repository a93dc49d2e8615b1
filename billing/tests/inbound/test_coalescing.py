"""A burst of events costs one read of each object; too many requests cost time only."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.db import connection
from pytest_django import Settings

from billing.core.statuses import EventState
from billing.inbound import events
from billing.models import Customer, Invoice, StripeEvent, Subscription
from billing.stripe import gateway
from billing.tests.life import (
    DECLINED_LATER_CARD,
    GOOD_CARD,
    deliver,
    paid_member,
    sign_up,
    subscribe,
)
from conftest import Sandbox, run_jobs
from emails.models import Message

pytestmark = pytest.mark.django_db


class Relay(ThreadingHTTPServer):
    """Passes requests on to the sandbox and remembers what was read."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.client = httpx.Client(base_url=target, trust_env=False, timeout=30)
        self.read: Counter[str] = Counter()


class _Handler(BaseHTTPRequestHandler):
    server: Relay

    def do_GET(self) -> None:
        """Count and pass on."""
        self.server.read[self.path.partition("?")[0]] += 1
        self._pass_on()

    def do_POST(self) -> None:
        """Pass on."""
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        answer = self.server.client.request(self.command, self.path, content=body, headers=headers)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_arguments: Any) -> None:
        """Stay silent."""


@pytest.fixture
def relay(sandbox: Sandbox, settings: Settings) -> Iterator[Relay]:
    server = Relay(sandbox.url)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    server.client.close()


def copies_of(originals: list[dict[str, Any]], times: int) -> list[dict[str, Any]]:
    """Return each event several times, as different events about the same object."""
    return [event | {"id": f"{event['id']}_{n}"} for n in range(times) for event in originals]


def of_types(sandbox: Sandbox, *beginnings: str) -> list[dict[str, Any]]:
    return [event for event in sandbox.events() if event["type"].startswith(beginnings)]


@pytest.mark.slow
def test_burst_about_an_invoice_costs_one_read(sandbox: Sandbox, relay: Relay) -> None:
    subscribe(sandbox, sign_up())
    originals = of_types(sandbox, "invoice.", "invoice_payment.", "payment_intent.s", "charge.")
    burst = copies_of(originals, 8)
    assert len(burst) >= 40
    relay.read.clear()
    deliver(burst)
    invoice = Invoice.objects.get()
    payment = invoice.payments.get()
    assert relay.read[f"/v1/invoices/{invoice.stripe_id}"] == 1
    assert relay.read[f"/v1/payment_intents/{payment.stripe_id}"] == 1
    assert not StripeEvent.objects.exclude(
        state__in=[EventState.PROCESSED, EventState.IGNORED]
    ).exists()


@pytest.mark.slow
def test_burst_about_a_card_costs_one_read(sandbox: Sandbox, relay: Relay) -> None:
    paid_member(sandbox)
    customer, subscription = Customer.objects.get(), Subscription.objects.get()
    sandbox.control(f"customers/{customer.stripe_id}/card", card=DECLINED_LATER_CARD)
    known = set(StripeEvent.objects.values_list("stripe_id", flat=True))
    sent = of_types(sandbox, "payment_method.", "customer.updated")
    new = [event for event in sent if event["id"] not in known]
    assert len(new) > 1
    relay.read.clear()
    deliver(copies_of(new, 8))
    assert relay.read[f"/v1/customers/{customer.stripe_id}"] == 1
    assert relay.read[f"/v1/subscriptions/{subscription.stripe_id}"] == 1
    subscription.refresh_from_db()
    assert subscription.card_last4 == "0341"


def test_card_is_read_again_where_only_the_customer_was(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    event = StripeEvent.objects.filter(type="payment_method.attached").latest("pk")
    customer = Customer.objects.get().stripe_id
    assert events.card_read_since(customer, event.received_at)
    Subscription.objects.update(read_at=event.received_at)
    assert not events.card_read_since(customer, event.received_at)


@pytest.mark.slow
def test_too_many_requests_cost_time_and_nothing_else(sandbox: Sandbox) -> None:
    paid_member(sandbox, card=DECLINED_LATER_CARD)
    sandbox.control("clock", advance="renewal")
    known = set(StripeEvent.objects.values_list("stripe_id", flat=True))
    new = [event for event in sandbox.events() if event["id"] not in known]
    sandbox.control("switches", api_rate_limited=1)
    for event in new:
        try:
            deliver([event])
        except gateway.StripeBusy:
            continue
    waiting = StripeEvent.objects.filter(state=EventState.RETRYING)
    assert waiting.count() > 3
    assert set(waiting.values_list("attempts", flat=True)) == {1}
    assert all("rate limit" in row.error for row in waiting)
    assert Invoice.objects.filter(status="open").count() == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(scheduled_at > now()), count(*) FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'billing.tasks.process_event'"
        )
        assert cursor.fetchone() == (True, waiting.count())

    sandbox.control("switches", api_rate_limited=0)
    customer = Customer.objects.get().stripe_id
    sandbox.control(f"customers/{customer}/card", card=GOOD_CARD)
    # Later news of the customer are not held up by what waits.
    deliver(sandbox.events())
    subscription = Subscription.objects.get()
    assert (subscription.status, subscription.card_last4) == ("past_due", "4242")
    assert Invoice.objects.filter(status="open").count() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
    run_jobs()
    assert Invoice.objects.filter(status="open").count() == 1
    assert not StripeEvent.objects.exclude(
        state__in=[EventState.PROCESSED, EventState.IGNORED]
    ).exists()
    told = Message.objects.filter(channel="email").order_by("pk").values_list("kind", flat=True)
    kinds = ["card_changed", "joined", "payment_failed"]
    assert sorted(told) == kinds
