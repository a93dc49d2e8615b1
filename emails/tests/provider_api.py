"""A server that plays the APIs of email providers, and their webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from django.test import Client
from pytest_django import Settings

SECRET = "portal:a-password-of-ours"
SIGNING_KEY = "signing-key"
ADDRESS = "nina@example.com"
# What each provider answers to a mail that it takes.
YES: dict[str, Callable[[str], dict[str, Any]]] = {
    "brevo": lambda one: {"messageId": f"<{one}@smtp-relay.mailin.fr>"},
    "mailgun": lambda one: {"id": f"<{one}@mg.example.com>", "message": "Queued. Thank you."},
    "mailjet": lambda one: {
        "Messages": [{"Status": "success", "To": [{"Email": ADDRESS, "MessageID": one}]}]
    },
    "mailtrap": lambda one: {"success": True, "message_ids": [one]},
    "postmark": lambda one: {"ErrorCode": 0, "Message": "OK", "To": ADDRESS, "MessageID": one},
    "resend": lambda one: {"id": one},
    "sparkpost": lambda one: {
        "results": {"id": one, "total_accepted_recipients": 1, "total_rejected_recipients": 0}
    },
}
# How long a key is known.
REMEMBER = defaultdict(timedelta, {"brevo": timedelta(minutes=30), "resend": timedelta(hours=24)})
SERVERS_KEY = "a-key-that-nobody-may-read"
KEYS = {
    "brevo": {"BREVO_API_KEY": SERVERS_KEY},
    "mailgun": {"MAILGUN_API_KEY": SERVERS_KEY, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY},
    "mailjet": {"MAILJET_API_KEY": SERVERS_KEY, "MAILJET_SECRET_KEY": SERVERS_KEY},
    "mailtrap": {"MAILTRAP_API_TOKEN": SERVERS_KEY},
    "postmark": {"POSTMARK_SERVER_TOKEN": SERVERS_KEY},
    "resend": {"RESEND_API_KEY": SERVERS_KEY},
    "sparkpost": {"SPARKPOST_API_KEY": SERVERS_KEY},
}


@dataclass
class Answer:
    """What the server answers instead of yes; `lost`: it takes the mail, and hangs up.

    `meanwhile` is done once it has taken the mail, before it answers.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    meanwhile: Callable[[], None] | None = None


@dataclass
class Request:
    """What the server was sent."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Api:
    """A provider: its requests, the mails that it took, and what it answers next.

    `looks`: what it was asked without being given a mail, and `reads` what it answers to that.
    """

    provider: str
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    # By key where the provider knows one, while it does; else each is another mail.
    taken: dict[str, Request] = field(default_factory=dict)
    keys: dict[str, datetime] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    looks: list[Request] = field(default_factory=list)
    reads: list[Answer] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settings(self) -> dict[str, str]:
        """What the portal is told to send by it."""
        address = f"http://127.0.0.1:{self.port}/"
        return {**KEYS[self.provider], f"{self.provider.upper()}_API_URL": address}

    def receive(self, request: Request) -> Answer:
        """Take a mail, or don't."""
        with self.lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if self.answers else Answer()
            if answer.status != 200:
                return answer
            key, now = _key(request) or str(len(self.requests)), datetime.now(UTC)
            is_known = key in self.keys and now - self.keys[key] < REMEMBER[self.provider]
            if is_known and self.provider == "brevo":
                return Answer(400, {"code": "duplicate_parameter", "message": "Used before."})
            if not is_known:
                self.taken[key if key not in self.taken else f"{key} anew"] = request
                self.keys[key] = now
            body = YES[self.provider](key) if answer.body is None else answer.body
            return Answer(200, body, answer.headers, answer.lost, answer.meanwhile)


def _key(request: Request) -> str:
    inside = request.body.get("headers") if isinstance(request.body, dict) else None
    of_brevo = inside.get("idempotencyKey", "") if isinstance(inside, dict) else ""
    return of_brevo or request.headers.get("Idempotency-Key", "")


@contextmanager
def serving(provider: str) -> Iterator[Api]:
    """Run a provider's server until the end of the block."""
    api = Api(provider)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            api.connections += 1
            super().setup()

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_form = "form" in self.headers.get("Content-Type", "")
            body = parse_qs(content.decode()) if is_form else json.loads(content)
            self.give(api.receive(Request(self.path, dict(self.headers), body)))

        def do_GET(self) -> None:
            api.looks.append(Request(self.path, dict(self.headers), None))
            self.give(api.reads.pop(0) if api.reads else Answer(404, {}))

        def give(self, answer: Answer) -> None:
            """Answer, or hang up."""
            if answer.meanwhile:
                answer.meanwhile()
            if answer.lost:
                self.close_connection = True
                return
            written = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written.encode())))
            self.end_headers()
            self.wfile.write(written.encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    api.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def provider_api(settings: Settings, provider: str) -> Iterator[Api]:
    """Play a provider that the portal sends by."""
    with serving(provider) as api:
        settings.EMAIL_PROVIDER = provider
        settings.EMAIL_BACKEND = f"anymail.backends.{provider}.EmailBackend"
        settings.ANYMAIL = {
            **api.settings,
            "WEBHOOK_SECRET": SECRET,
            "REQUESTS_TIMEOUT": 2,
        }
        yield api


def report(body: Any, secret: str = SECRET, **headers: str) -> tuple[int, str]:
    """Post a report as the provider does; return status and words of the answer."""
    proof = base64.b64encode(secret.encode()).decode()
    answer = Client().post(
        "/email/events/",
        body if isinstance(body, (str, bytes)) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Basic {proof}", **headers},
    )
    return answer.status_code, answer.content.decode()


def signed_by_mailgun(event: dict[str, Any], key: str = SIGNING_KEY) -> dict[str, Any]:
    """Return a report of Mailgun's with its signature."""
    timestamp, token = "1796000000", "0123456789abcdef"
    made = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    proof = {"timestamp": timestamp, "token": token, "signature": made}
    return {"signature": proof, "event-data": event}
