"""Start checks of the settings for an email provider's API, for `portal.start_checks` (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from common.mail_providers import PROVIDERS, Provider

# Of what the provider proves itself with.
SHORTEST_SECRET = 20
HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def refusals(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield what keeps the portal from starting."""
    name = settings.get("EMAIL_PROVIDER", "").strip().lower()
    if not name:
        for other in ("EMAIL_PROVIDER_SETTINGS", "EMAIL_WEBHOOK_SECRET"):
            if settings.get(other, "").strip():
                yield f"Set EMAIL_PROVIDER, too: {other} alone does nothing."
        return
    if name not in PROVIDERS:
        yield f"EMAIL_PROVIDER must be one of {', '.join(PROVIDERS)}. For others, use EMAIL_URL."
        return
    yield from _secret(settings.get("EMAIL_WEBHOOK_SECRET", "").strip())
    yield from _fields(name, PROVIDERS[name], settings.get("EMAIL_PROVIDER_SETTINGS", "").strip())


def _secret(secret: str) -> Iterator[str]:
    user, _, password = secret.partition(":")
    if not (user and password) or len(secret) < SHORTEST_SECRET or not secret.isascii():
        yield (
            "EMAIL_WEBHOOK_SECRET must be a user and a password with a colon between, "
            f"{SHORTEST_SECRET} characters or more: only your provider may report bounces."
        )


def _fields(name: str, provider: Provider, written: str) -> Iterator[str]:
    try:
        fields = json.loads(written or "{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(isinstance(one, str) for one in fields.values()):
        yield 'EMAIL_PROVIDER_SETTINGS must be like {"POSTMARK_SERVER_TOKEN": "of-your-own"}.'
        return
    if missing := [one for one in provider.settings if not fields.get(one)]:
        yield f"EMAIL_PROVIDER_SETTINGS must have {' and '.join(missing)} for {provider.name}."
    prefix = f"{name.upper()}_"
    if strangers := [one for one in fields if not one.startswith(prefix)]:
        yield f"EMAIL_PROVIDER_SETTINGS has {strangers[0]}, but only {prefix}… counts."
    address = urlsplit(fields.get(f"{prefix}API_URL", "https://"))
    if address.scheme != "https" and address.hostname not in HERE:
        yield f"EMAIL_PROVIDER_SETTINGS must have an https:// address in {prefix}API_URL."
