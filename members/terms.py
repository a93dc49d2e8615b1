"""The owner's terms: which are in force, and who agreed to them when."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User

from members.models import AgreedWhere, TermsAcceptance


@dataclass(frozen=True)
class Terms:
    """The terms in force. Where the owner names no version, their address stands for it."""

    url: str
    version: str


def current() -> Terms | None:
    """Return the terms in force, or None where TERMS_URL is not set: then nobody agrees to any."""
    url: str = settings.TERMS_URL
    return Terms(url, settings.TERMS_VERSION or url[:100]) if url else None


def accept(user: User, where: AgreedWhere, ip: str | None) -> None:
    """Record that a member agreed to the terms in force, once a version: the first time counts."""
    if terms := current():
        TermsAcceptance.objects.get_or_create(
            user=user,
            version=terms.version,
            defaults={"url": terms.url, "where": where, "ip": ip},
        )
