"""The owner's terms: which are in force, and who agreed to them when."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User

from members.models import AgreedWhere, TermsAcceptance


@dataclass(frozen=True)
class Terms:
    """The terms in force. If the owner names no version, the address is used instead."""

    url: str
    version: str


def current() -> Terms | None:
    """Return the terms in force, or None if TERMS_URL isn't set: then there are none."""
    url: str = settings.TERMS_URL
    return Terms(url, settings.TERMS_VERSION or url[:100]) if url else None


def accept(user: User, where: AgreedWhere, ip: str | None) -> None:
    """Record that a member agreed to the terms in force, once per version."""
    if terms := current():
        TermsAcceptance.objects.get_or_create(
            user=user,
            version=terms.version,
            defaults={"url": terms.url, "where": where, "ip": ip},
        )
