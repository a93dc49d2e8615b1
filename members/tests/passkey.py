"""A passkey for tests: a device that answers as Web Authentication, level 2, says.

Made with cryptography and CBOR alone, so it shares no code with what checks it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

ORIGIN = "http://localhost:8000"
DOMAIN = "localhost"
PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def base64url(raw: bytes) -> str:
    """Return bytes as browsers write them in JSON."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of what a browser wrote."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """Encode numbers, bytes, texts, and maps (RFC 8949)."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def _head(kind: int, length: int) -> bytes:
    if length < 24:
        return bytes([kind << 5 | length])
    if length < 256:
        return bytes([kind << 5 | 24, length])
    return bytes([kind << 5 | 25]) + struct.pack(">H", length)


@dataclass
class Passkey:
    """One passkey of somebody's. `count` 0: it's synced, and doesn't count."""

    origin: str = ORIGIN
    domain: str = DOMAIN
    flags: int = PRESENT | VERIFIED
    count: int = 0
    algorithm: int = -7
    user: str = ""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a challenge for a new passkey."""
        asked = options["publicKey"]
        self.user = asked["user"]["id"]
        point = self.private.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        key = cbor({1: 2, 3: self.algorithm, -1: 1, -2: x, -3: y})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + key
        data = self._data(self.flags | ATTESTED) + attested
        return self._credential(
            {
                "clientDataJSON": base64url(self._client("webauthn.create", asked["challenge"])),
                "attestationObject": base64url(
                    cbor({"fmt": "none", "attStmt": {}, "authData": data})
                ),
                "transports": ["internal"],
            },
            {"credProps": {"rk": True}},
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a challenge for one of somebody's passkeys."""
        client = self._client("webauthn.get", options["publicKey"]["challenge"])
        if self.count:
            self.count += 1
        data = self._data(self.flags)
        signed = data + hashlib.sha256(client).digest()
        return self._credential(
            {
                "clientDataJSON": base64url(client),
                "authenticatorData": base64url(data),
                "signature": base64url(self.private.sign(signed, ec.ECDSA(hashes.SHA256()))),
                "userHandle": self.user,
            },
            {},
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        domain = hashlib.sha256(self.domain.encode()).digest()
        return domain + bytes([flags]) + struct.pack(">I", self.count)

    def _credential(self, response: dict[str, Any], extensions: dict[str, Any]) -> dict[str, Any]:
        name = base64url(self.id)
        return {
            "type": "public-key",
            "id": name,
            "rawId": name,
            "authenticatorAttachment": "platform",
            "response": response,
            "clientExtensionResults": extensions,
        }


def challenge(client: Client, path: str) -> dict[str, Any]:
    """Ask an address for a challenge, as the page's script does."""
    answer = client.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.headers
    options: dict[str, Any] = answer.json()
    return options


def send(client: Client, path: str, credential: Any, **fields: str) -> Any:
    """Send a passkey's answer in a form."""
    text = credential if isinstance(credential, str) else json.dumps(credential)
    return client.post(path, {"credential": text, **fields})
