"""JSON Web Tokens and their keys: what a provider signs, and what clients sign with."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

KEY_ID = "sandbox-key"
Claims = dict[str, Any]


@cache
def own() -> rsa.RSAPrivateKey:
    """The provider's private key, for as long as the process runs: tokens are read at once."""
    return fresh()


def fresh() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(claims: Claims, key: rsa.RSAPrivateKey) -> str:
    """An ID token (RFC 7519, RS256)."""
    header = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
    parts = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{parts}.{encoded(signature)}"


def published(key: rsa.RSAPrivateKey) -> Claims:
    """The public half, as a JWK set (RFC 7517)."""
    public = key.public_key().public_numbers()
    known = {"kty": "RSA", "kid": KEY_ID, "use": "sig", "alg": "RS256"}
    return {"keys": [{**known, "n": _number(public.n), "e": _number(public.e)}]}


def claims_of(token: str) -> Claims:
    """What a token says, whoever signed it; nothing if it isn't one."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def challenge(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return encoded(hashlib.sha256(verifier.encode()).digest())


def client_key() -> str:
    """A private key in PEM as Apple gives one to each client: it signs the client's secret."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))
