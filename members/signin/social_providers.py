"""Google and Apple as allauth's providers: what's taken from their answers, and what isn't.

allauth vouches for every address that a provider calls verified. A provider has checked such an
address at some time, but only the mailbox's own host knows who reads it today: so ours count as
verified only where the provider is that host (Google's documentation: "Verify the Google ID token
on your server side", on `hd` and gmail.com). Elsewhere, our own code decides.
"""

from __future__ import annotations

import json
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount import app_settings
from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.apple.provider import AppleProvider
from allauth.socialaccount.providers.apple.views import AppleOAuth2Adapter
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.http import HttpRequest

from common import addresses
from members.signin.allauth_internals import jwtkit

Claims = dict[str, Any]
GMAIL = frozenset(["gmail.com", "googlemail.com"])
# Apple's own mailboxes, and the addresses that hide a member's.
ICLOUD = frozenset(["icloud.com", "me.com", "mac.com"])
RELAY = "privaterelay.appleid.com"
APPLE = "https://appleid.apple.com"


class GoogleAdapter(GoogleOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """Google's addresses, from the settings."""

    @property
    def authorize_url(self) -> str:
        """Return where the browser is sent."""
        return str(settings.SIGN_IN_WITH["google"]["authorize_url"])

    @property
    def access_token_url(self) -> str:
        """Return where we exchange the code that the browser brings back."""
        return str(settings.SIGN_IN_WITH["google"]["token_url"])


class Google(GoogleProvider):  # type: ignore[misc]  # allauth has no types
    """Signing in with a Google account."""

    oauth2_adapter_class = GoogleAdapter

    def extract_uid(self, data: Claims) -> str:
        """Return Google's number for the account, which never changes."""
        return _number(data)

    def extract_extra_data(self, data: Claims) -> Claims:
        """Keep the address, and whether Google has checked it; nothing else."""
        return _kept(data)

    def extract_email_addresses(self, data: Claims) -> list[EmailAddress]:
        """Return the account's address; it's verified if Google runs its mailbox."""
        is_host = _domain(data) in GMAIL or bool(data.get("hd"))
        return _addresses(data, is_host=is_host)


class AppleAdapter(AppleOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """Apple's addresses, from the settings, and only what Apple has signed."""

    login_cancelled_error = "user_cancelled_authorize"

    @property
    def authorize_url(self) -> str:
        """Return where the browser is sent."""
        return f"{settings.SIGN_IN_WITH['apple']['base']}/auth/authorize"

    @property
    def access_token_url(self) -> str:
        """Return where we exchange the code that the browser brings back."""
        return f"{settings.SIGN_IN_WITH['apple']['base']}/auth/token"

    def get_user_scope_data(self, request: HttpRequest) -> Claims:
        """Return the name that the browser brings with the first sign-in.

        Anyone can write there what they like, so nothing else in it is looked at: allauth would
        take an email address from it.
        """
        try:
            data = json.loads(request.apple_login_session.get("user") or "{}")  # type: ignore[attr-defined]  # set by allauth
        except ValueError:
            return {}
        return {"name": data["name"]} if isinstance(data, dict) and "name" in data else {}

    def parse_token(self, data: Claims) -> SocialToken:
        """Return the token with what Apple signed about the account, and the name."""
        if not data.get("id_token"):
            raise OAuth2Error("There's no ID token in Apple's answer.")
        token = SocialToken(token=data["access_token"])
        token.user_data = {**self._signed(data["id_token"]), "name": data.get("name")}
        return token

    def _signed(self, id_token: str) -> Claims:
        """Return an ID token's claims. Raises OAuth2Error if they aren't Apple's, and for us."""
        claims: Claims = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=f"{settings.SIGN_IN_WITH['apple']['base']}/auth/keys",
            issuer=APPLE,
            audience=settings.SIGN_IN_WITH["apple"]["client_id"],
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        return claims


class Apple(AppleProvider):  # type: ignore[misc]  # allauth has no types
    """Signing in with an Apple account."""

    oauth2_adapter_class = AppleAdapter

    def extract_extra_data(self, data: Claims) -> Claims:
        """Keep the address, and whether Apple has checked it; nothing else."""
        return _kept(data)

    def extract_uid(self, data: Claims) -> str:
        """Return Apple's number for the account, which is the same for all our services."""
        return _number(data)

    def extract_common_fields(self, data: Claims) -> Claims:
        """Return the address and, if it's there, the name."""
        name = data.get("name")
        parts = name if isinstance(name, dict) else {}
        return {
            "email": data.get("email"),
            "first_name": str(parts.get("firstName") or ""),
            "last_name": str(parts.get("lastName") or ""),
        }

    def extract_email_addresses(self, data: Claims) -> list[EmailAddress]:
        """Return the account's address; it's verified if Apple runs its mailbox."""
        return _addresses(data, is_host=_domain(data) in ICLOUD or _domain(data) == RELAY)


def is_relay(email: str) -> bool:
    """Whether an address forwards to someone's own, until they stop using Apple here."""
    return addresses.canonical(email).endswith(f"@{RELAY}")


def _number(data: Claims) -> str:
    """Return an account's number. Raises ValueError if no column can hold it."""
    number = str(data["sub"])
    if not 0 < len(number) <= app_settings.UID_MAX_LENGTH:
        raise ValueError("An account's number is too long, or empty.")
    return number


def _is_checked(data: Claims) -> bool:
    """Whether the provider has ever checked the address. Apple may say so in a string."""
    return str(data.get("email_verified")).lower() == "true"


def _domain(data: Claims) -> str:
    return addresses.canonical(str(data.get("email") or "")).rpartition("@")[2]


def _kept(data: Claims) -> Claims:
    return {"email": str(data.get("email") or ""), "is_checked": _is_checked(data)}


def _addresses(data: Claims, *, is_host: bool) -> list[EmailAddress]:
    if not (email := data.get("email")):
        return []
    is_verified = is_host and _is_checked(data)
    return [EmailAddress(email=addresses.canonical(email), verified=is_verified, primary=True)]
