"""Idempotency keys, by Stripe's rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from sandbox.stripe.errors import ApiError, invalid
from sandbox.world import Json, World

_KIND = "sandbox_idempotency"
_KEPT_SECONDS = 86400
_LONGEST = 255


@dataclass(frozen=True)
class Answer:
    """An answer as it's sent over the wire."""

    status: int
    body: bytes
    request_id: str


class Keys:
    """An account's answers by key, kept for a day. All methods need the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[tuple[str, str]] = set()

    def begin(self, key: str, request: str) -> Answer | None:
        """Claim a key, or return its earlier answer. Raises ApiError if Stripe would refuse."""
        if not 1 <= len(key) <= _LONGEST:
            raise invalid(
                f"Idempotent key length is {len(key)}, which is outside accepted lengths. "
                f"Idempotent Keys must be 1-{_LONGEST} characters long. If you're looking for a "
                "decent generator, try using a UUID defined by IETF RFC 4122."
            )
        kept = self._kept(key)
        if kept and kept["request"] != _digest(request):
            raise ApiError(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters "
                f"they were first used with. Try using a key other than '{key}' if you meant to "
                "execute a different request.",
            )
        if kept:
            return Answer(kept["status"], kept["body"].encode(), kept["request_id"])
        if (self._world.account, key) in self._running:
            raise ApiError(
                409,
                "idempotency_error",
                "There is currently another in-progress request using this Idempotent Key "
                "(that probably means you submitted twice, and the other request is still going "
                f"through): {key}",
                code="idempotency_key_in_use",
            )
        self._running.add((self._world.account, key))
        return None

    def keep(self, key: str, request: str, answer: Answer) -> None:
        self._world.objects.put(
            {
                "id": f"idempotency_{key}",
                "object": _KIND,
                "request": _digest(request),
                "status": answer.status,
                "body": answer.body.decode(),
                "request_id": answer.request_id,
                "created": self._world.now(),
            }
        )

    def release(self, key: str) -> None:
        self._running.discard((self._world.account, key))

    def _kept(self, key: str) -> Json | None:
        kept = self._world.objects.get(f"idempotency_{key}")
        if kept and self._world.now() - kept["created"] < _KEPT_SECONDS:
            return kept
        return None


def _digest(request: str) -> str:
    return sha256(request.encode()).hexdigest()


def description(method: str, path: str, params: Json) -> str:
    """What must stay the same when a key is reused."""
    return f"{method} {path} {json.dumps(params, sort_keys=True)}"
