"""Web addresses as they leave the process: non-ASCII hosts as DNS has them (pure)."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit, urlunsplit

from common.addresses import domain_in_ascii

# Characters an address may contain as they are; the rest is percent-encoded UTF-8.
KEPT = "/:@!$&'()*+,;=%~?#[]-._"


def in_ascii(url: str) -> str:
    """Return an address with its host as DNS has it and the rest in ASCII (RFC 3987, 3.1)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return url
    if url.isascii() or not host:
        return url
    before, _at, _after = parts.netloc.rpartition("@")
    port = parts.netloc.rpartition("]")[2].rpartition(":")[2] if parts.port else ""
    netloc = f"{before}@" if before else ""
    netloc += domain_in_ascii(host) + (f":{port}" if port else "")
    others = (quote(part, safe=KEPT) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, netloc, *others))


def origin(url: str) -> str:
    """Return an address's scheme, host, and port as a browser names its pages' origin."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != usual else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def passkey_domain(url: str) -> str:
    """Return the domain that passkeys of this address belong to, or "" if browsers allow none.

    They allow domains only (Web Authentication, 5.1.2: "effective domain"), over HTTPS, or on this
    machine by the name localhost.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
    return host if is_safe and not _is_number(host) else ""


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
