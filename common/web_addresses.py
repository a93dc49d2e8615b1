"""Web addresses as they leave the process: non-ASCII hosts as DNS has them (pure)."""

from __future__ import annotations

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
