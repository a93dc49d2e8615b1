"""A sandbox process, the unmodified SDK with every answer checked, and a webhook receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from stripe_shapes import PINNED, violations
from testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MONTHLY = "price_membership_monthly"
YEARLY = "price_membership_yearly"
VISA = "4242424242424242"
DECLINED = "4000000000000002"
FAILS_LATER = "4000000000000341"
SECURE = "4000002500003155"


class Server:
    """A `python -m sandbox` and its control API."""

    def __init__(self, data: Path | str = "", **environment: str) -> None:
        self.port, self.smtp_port, self.imap_port = (free_port() for _ in range(3))
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self._command = [
            *(sys.executable, "-m", "sandbox", "--data", str(data)),
            *("--port", str(self.port), "--smtp-port", str(self.smtp_port)),
            *("--imap-port", str(self.imap_port)),
        ]
        kept = {name: text for name, text in os.environ.items() if not name.startswith("SANDBOX_")}
        self._environment = kept | environment
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, "The sandbox did not start."
            assert time.monotonic() < deadline, "The sandbox does not answer."
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.http.get("/_sandbox/health").is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=15)
        self.http.close()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str, **query: str) -> Any:
        answer = self.http.get(f"/_sandbox/{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    def pay(self, session_id: str, card: str = VISA, **body: Any) -> Any:
        """Complete a Checkout session as its page would."""
        return self.post(f"checkout/{session_id}/complete", card=card, **body)

    def advance(self, step: str) -> int:
        now: int = self.post("clock", advance=step)["now"]
        return now

    def advance_days(self, days: float) -> int:
        now: int = self.post("clock", advance_seconds=int(days * 86400))["now"]
        return now

    def client(self, version: str = PINNED) -> stripe.StripeClient:
        return stripe.StripeClient(
            "sk_test_sandbox",
            stripe_version=version,
            base_addresses={"api": self.url, "files": self.url},
            http_client=CheckingClient(),
        )


class CheckingClient(stripe.RequestsClient):
    """The SDK's own HTTP client; every answer is checked against its version's shapes."""

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_options: Any,
    ) -> Any:
        answer = super().request(method, url, headers, post_data)
        problems = list(
            violations(json.loads(answer[0]), (headers or {}).get("Stripe-Version", PINNED))
        )
        assert not problems, f"{method} {url}: {problems}"
        return answer


class Receiver:
    """Takes webhooks; answers 200, or the statuses in `answers` first."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self.secret = ""
        self.wrong: list[str] = []
        """What has not the shape of the version that its event names."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/hook"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((body, self.headers["Stripe-Signature"]))
                event = json.loads(body)
                receiver.wrong += violations(event, event["api_version"])
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                """Stay quiet."""

        return Handler

    @property
    def events(self) -> list[stripe.Event]:
        """What came, verified by the SDK."""
        return [
            stripe.Webhook.construct_event(body, signature, self.secret)
            for body, signature in self.received
        ]

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture(scope="session")
def process() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(process: Server) -> Server:
    """An empty sandbox."""
    process.post("reset")
    return process


@pytest.fixture
def api(server: Server) -> stripe.StripeClient:
    return server.client()


@pytest.fixture
def receiver(api: stripe.StripeClient) -> Iterator[Receiver]:
    """A webhook endpoint that wants everything."""
    receiver = Receiver()
    endpoint = api.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    assert endpoint.secret
    receiver.secret = endpoint.secret
    yield receiver
    receiver.close()
    assert not receiver.wrong


class Member:
    """A customer with a subscription, as tests see them."""

    def __init__(self, server: Server, api: stripe.StripeClient, customer_id: str) -> None:
        self.server, self.api, self.id = server, api, customer_id

    @property
    def subscription(self) -> stripe.Subscription:
        subscriptions = self.api.v1.subscriptions.list({"customer": self.id, "status": "all"})
        return subscriptions.data[0]

    @property
    def invoices(self) -> list[stripe.Invoice]:
        return self.api.v1.invoices.list({"customer": self.id, "limit": 100}).data

    def new_card(self, card: str) -> None:
        self.server.post(f"customers/{self.id}/card", card=card)


def open_session(api: stripe.StripeClient, **params: Any) -> stripe.checkout.Session:
    """A session in subscription mode, for the monthly price if nothing else is said."""
    defaults: Any = {
        "mode": "subscription",
        "line_items": [{"price": MONTHLY, "quantity": 1}],
        "success_url": "http://portal.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://portal.example/",
    }
    return api.v1.checkout.sessions.create(defaults | params)


def subscribe(
    server: Server,
    api: stripe.StripeClient,
    card: str = VISA,
    authenticate: bool | None = None,
    promotion_code: str = "",
    **params: Any,
) -> Member:
    """Alice buys the membership through Checkout."""
    customer = api.v1.customers.create({"email": "alice@example.com", "name": "Alice Adams"})
    session = open_session(api, customer=customer.id, **params)
    outcome = server.pay(
        session.id, card, authenticate=authenticate, promotion_code=promotion_code
    )["outcome"]
    assert outcome["status"] == "complete"
    return Member(server, api, customer.id)


def event_types(api: stripe.StripeClient, **params: Any) -> list[str]:
    """The types of all events, oldest first."""
    wanted: Any = {"limit": 100, **params}
    return [event.type for event in reversed(api.v1.events.list(wanted).data)]
