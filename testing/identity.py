"""Google and Apple that say what a test wants them to: forged, broken, or about anybody.

The sandbox has the real ones, whose pages ask who one is; this has their keys and rules, and none
of their manners.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.identity import keys
from sandbox.identity.providers import APPLE, GOOGLE, is_proven

CLIENT = "portal.example"
SECRET = "shh"  # noqa: S105
Claims = dict[str, Any]


@dataclass
class Identity:
    """Both providers, with who sits at the browser and what's broken.

    `claims` are an account's; `user` is what Apple's page posts besides. `cancels`: they press
    *Cancel*. `breaks`: what the token's address answers instead (a status), or "" for a body that
    isn't JSON.
    """

    url: str = ""
    claims: Claims = field(default_factory=dict)
    user: str = ""
    cancels: bool = False
    breaks: int | None = None
    forges: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _key: rsa.RSAPrivateKey = field(default_factory=keys.fresh)

    def settings(self) -> dict[str, dict[str, str]]:
        """Return the portal's `SIGN_IN_WITH` for these two."""
        return {
            "google": {
                "client_id": CLIENT,
                "secret": SECRET,
                "authorize_url": f"{self.url}/google/auth",
                "token_url": f"{self.url}/google/token",
            },
            "apple": {
                "client_id": CLIENT,
                "team": "TEAM",
                "secret": "KEY",
                "private_key": keys.client_key(),
                "base": self.url,
            },
        }

    def authorize(self, query: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Return where the browser is sent back, and with what."""
        self.asked.append(query)
        answer = {"state": query.get("state", "")}
        is_apple = query.get("response_mode") == "form_post"
        if self.cancels:
            answer["error"] = "user_cancelled_authorize" if is_apple else "access_denied"
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self._codes[answer["code"]] = query
        if is_apple and self.user:
            answer["user"] = self.user
        return query["redirect_uri"], answer

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        """Exchange a code, once, for tokens, if it's the client that asked."""
        self.tokens.append(form)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or not is_proven(asked, form):
            return 400, {"error": "invalid_grant"}
        is_apple = asked.get("response_mode") == "form_post"
        claims = {
            "iss": (APPLE if is_apple else GOOGLE).issuer,
            "aud": CLIENT,
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
            **self.claims,
        }
        return 200, {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": self._signed(claims),
        }

    def published(self) -> Claims:
        """Return the public key, as a JWK set."""
        return keys.published(self._key)

    def _signed(self, claims: Claims) -> str:
        return keys.signed(claims, keys.fresh() if self.forges else self._key)


def _handler(identity: Identity) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/auth/keys":
                self._answer(200, json.dumps(identity.published()), "application/json")
                return
            query = dict(parse_qsl(parts.query))
            target, answer = identity.authorize(query)
            if query.get("response_mode") == "form_post":
                fields = "".join(
                    f"<input type=hidden name='{name}' value='{value}'>"
                    for name, value in answer.items()
                )
                page = f"<form method=post action='{target}'>{fields}<button>Go</button></form>"
                self._answer(200, page, "text/html")
                return
            self.send_response(302)
            self.send_header("Location", f"{target}?{urlencode(answer)}")
            self.end_headers()

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            status, body = identity.token(form)
            if identity.breaks is not None:
                self._answer(identity.breaks or 200, "<h1>Sorry</h1>", "text/html")
            else:
                self._answer(status, json.dumps(body), "application/json")

        def _answer(self, status: int, body: str, kind: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running(host: str = "127.0.0.1") -> Iterator[Identity]:
    """Run both providers on a free port."""
    identity = Identity()
    server = ThreadingHTTPServer((host, 0), _handler(identity))
    identity.url = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield identity
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
