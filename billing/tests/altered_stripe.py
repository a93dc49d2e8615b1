"""The sandbox behind a proxy that alters answers in ways that no request could cause."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from pytest_django import Settings

from conftest import Sandbox

Json = dict[str, Any]
# Called with each object that has an `object`, inner ones first; returns its replacement.
Alter = Callable[[Json], Json]
PASSED_ON = ("authorization", "content-type", "idempotency-key", "stripe-version")


@contextmanager
def altered(sandbox: Sandbox, settings: Settings, alter: Alter) -> Iterator[list[tuple[str, str]]]:
    """Let the portal speak with Stripe through `alter`; yield what it sends, path and body."""
    sent: list[tuple[str, str]] = []

    class Proxy(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if body:
                sent.append((self.path, body.decode()))
            headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
            answer = httpx.request(
                self.command,
                f"{sandbox.url}{self.path}",
                content=body,
                headers=headers,
                trust_env=False,
                timeout=60,
            )
            shown = json.dumps(_altered(answer.json(), alter)).encode()
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815  (names of the library)

        def log_message(self, *_arguments: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before, settings.STRIPE_API_BASE = (
        settings.STRIPE_API_BASE,
        f"http://127.0.0.1:{server.server_port}",
    )
    try:
        yield sent
    finally:
        settings.STRIPE_API_BASE = before
        server.shutdown()
        server.server_close()


def _altered(value: Any, alter: Alter) -> Any:
    if isinstance(value, list):
        return [_altered(item, alter) for item in value]
    if isinstance(value, dict):
        changed = {key: _altered(item, alter) for key, item in value.items()}
        return alter(changed) if isinstance(changed.get("object"), str) else changed
    return value
