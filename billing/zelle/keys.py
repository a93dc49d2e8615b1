"""Looks up the public keys that banks sign their mails with: TXT records in DNS (RFC 6376, 3.6.2).

BANK_MAIL_KEYS, if it's set, answers instead.
"""

from __future__ import annotations

import dns.exception
import dns.name
import dns.resolver
from django.conf import settings

from billing.bank.mails.trust import KeysUnavailableError

# For all servers and repetitions together.
SECONDS = 5.0
# DNS has no such name: it doesn't exist, has no TXT record, or is none at all.
NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN)


def keys(name: str) -> bytes | None:
    """Return the key's record at a name, or None if there's none.

    Raises:
        KeysUnavailableError: DNS didn't answer, or failed.
    """
    if settings.BANK_MAIL_KEYS:
        return _set(name)
    return _only_key(_records(name))


def _set(name: str) -> bytes | None:
    for known, record in settings.BANK_MAIL_KEYS.items():
        if known.rstrip(".").lower() == name.rstrip(".").lower():
            return str(record).encode()
    return None


def _records(name: str) -> list[bytes]:
    """Return a name's TXT records, each with its strings joined."""
    try:
        absolute = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return []
    try:
        answer = dns.resolver.resolve(absolute, "TXT", lifetime=SECONDS)
    except NONE:
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise KeysUnavailableError(f"DNS can't tell {name}: {error}") from error
    return [b"".join(record.strings) for record in answer]


def _only_key(records: list[bytes]) -> bytes | None:
    """Return the one record that's a key; what other records there are is somebody else's affair.

    Of two keys, the order in which DNS names them would decide, so neither counts.
    """
    found = [record for record in records if b"p=" in record]
    return found[0] if len(found) == 1 else None
