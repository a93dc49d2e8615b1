"""Both providers: what differs, who has an account there, and what a request has to prove (pure).

Addresses, parameters, errors, and claims are those of Google's "OpenID Connect" and "Using OAuth
2.0 for Web Server Applications", and of Apple's "Sign in with Apple REST API".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.identity import keys

FORM_POST = "form_post"
HIDDEN = "privaterelay.appleid.com"
NUMBERS = 10**21


@dataclass(frozen=True)
class Account:
    """Somebody's account at a provider. `is_workspace`: Google runs their own domain's mail."""

    name: str
    email: str
    is_workspace: bool = False

    @property
    def first(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def last(self) -> str:
        return self.name.partition(" ")[2]


@dataclass(frozen=True)
class Provider:
    """A provider: its name in addresses, who issues its tokens, and accounts to choose from."""

    key: str
    name: str
    issuer: str
    cancels: str
    accounts: tuple[Account, ...]

    def claims(self, account: Account, nonce: str) -> keys.Claims:
        """What's said about an account. Its number is the same each time."""
        seed = hashlib.sha256(f"{self.key}:{account.email.casefold()}".encode()).hexdigest()
        claims: dict[str, Any] = {
            "sub": str(int(seed, 16) % NUMBERS),
            "email": account.email,
            "email_verified": True,
        }
        if nonce:
            claims["nonce"] = nonce
        if self.key == "google":
            claims |= {"name": account.name, "given_name": account.first}
            claims |= {"family_name": account.last} if account.last else {}
            if account.is_workspace:
                claims["hd"] = account.email.rpartition("@")[2]
        elif account.email.endswith(f"@{HIDDEN}"):
            claims["is_private_email"] = True
        return claims


GOOGLE = Provider(
    "google",
    "Google",
    "https://accounts.google.com",
    "access_denied",
    (
        Account("Gina Guest", "gina.guest@gmail.com"),
        Account("Walter Works", "walter@works.example", is_workspace=True),
        Account("Olive Other", "olive@other.example"),
    ),
)
APPLE = Provider(
    "apple",
    "Apple",
    "https://appleid.apple.com",
    "user_cancelled_authorize",
    (
        Account("Ada Apple", "ada.apple@icloud.com"),
        Account("Henry Hidden", f"q1w2e3@{HIDDEN}"),
    ),
)
PROVIDERS = {one.key: one for one in (GOOGLE, APPLE)}


def is_proven(asked: Mapping[str, str], form: Mapping[str, str]) -> bool:
    """Whether a code is exchanged by who asked for it (RFC 6749 and, for PKCE, 7636)."""
    wanted = asked.get("code_challenge")
    if wanted and keys.challenge(form.get("code_verifier", "")) != wanted:
        return False
    is_same = all(form.get(name) == asked.get(name) for name in ("redirect_uri", "client_id"))
    return is_same and form.get("grant_type") == "authorization_code" and _has_secret(asked, form)


def _has_secret(asked: Mapping[str, str], form: Mapping[str, str]) -> bool:
    """Whether there's a secret; Apple's is a token that the client has signed for it."""
    secret = form.get("client_secret", "")
    if asked.get("response_mode") != FORM_POST:
        return bool(secret)
    claims = keys.claims_of(secret)
    return claims.get("sub") == form.get("client_id") and claims.get("aud") == APPLE.issuer
