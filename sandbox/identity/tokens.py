"""The addresses that the portal calls: a code for tokens, and the keys that they're signed with."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.identity import keys, providers
from sandbox.identity.providers import Account, Provider
from sandbox.rendering import Visit, endpoint

VALID_SECONDS = 600


@dataclass(frozen=True)
class Grant:
    """A code, what was asked for it, and whose account it's for."""

    provider: Provider
    account: Account
    asked: dict[str, str]
    at: float = field(default_factory=time.monotonic)


_grants: dict[str, Grant] = {}
_introduced: set[tuple[str, str]] = set()


def is_first(client: str, account: Account) -> bool:
    """Whether it's an account's first time at a client: Apple tells the name only then."""
    pair = (client, account.email)
    is_new = pair not in _introduced
    _introduced.add(pair)
    return is_new


def grant(provider: Provider, account: Account, asked: dict[str, str]) -> str:
    """A code that can be exchanged once, for a few minutes."""
    code = secrets.token_urlsafe(16)
    _grants[code] = Grant(provider, account, asked)
    return code


def exchange(visit: Visit) -> Response:
    found = _grants.pop(visit.form.get("code", ""), None)
    is_late = found is not None and time.monotonic() - found.at > VALID_SECONDS
    if found is None or is_late or found.provider.key != _provider(visit).key:
        return _refused("invalid_grant")
    if not providers.is_proven(found.asked, visit.form):
        return _refused("invalid_client")
    now = int(time.time())
    claims = {
        "iss": found.provider.issuer,
        "aud": visit.form["client_id"],
        "iat": now,
        "exp": now + VALID_SECONDS,
        **found.provider.claims(found.account, found.asked.get("nonce", "")),
    }
    return JSONResponse(
        {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "expires_in": 3600,
            "id_token": keys.signed(claims, keys.own()),
        }
    )


def publish(_visit: Visit) -> Response:
    return JSONResponse(keys.published(keys.own()))


def _provider(visit: Visit) -> Provider:
    return providers.PROVIDERS[visit.path.split("/")[1]]


def _refused(error: str) -> Response:
    return JSONResponse({"error": error}, status_code=400)


routes = [
    Route("/google/token", endpoint(exchange), methods=["POST"]),
    Route("/apple/auth/token", endpoint(exchange), methods=["POST"]),
    Route("/google/keys", endpoint(publish)),
    Route("/apple/auth/keys", endpoint(publish)),
]
