"""Asks DNS, with a limit on the time."""

from __future__ import annotations

import dns.exception
import dns.name
import dns.resolver

SECONDS = 5.0
NONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN)


class LookupFailedError(Exception):
    """DNS didn't answer; the sentence says so."""


def records(name: str, kind: str) -> list[str]:
    """Return a name's records of a kind, each TXT record with its strings joined.

    Raises:
        LookupFailedError: DNS didn't answer, or failed.
    """
    try:
        absolute = dns.name.from_text(name)
        answer = dns.resolver.resolve(absolute, kind, lifetime=SECONDS)
    except NONE:
        return []
    except (dns.exception.DNSException, OSError, UnicodeError) as error:
        raise LookupFailedError(f"DNS can’t tell {name}: {error}") from error
    if kind == "TXT":
        return [b"".join(one.strings).decode(errors="replace") for one in answer]
    return [one.to_text() for one in answer]
