"""Our own DKIM signature on a mail (RFC 6376), for servers that don't sign.

Without DKIM_SELECTOR, nothing is signed here: most providers sign themselves.
"""

from __future__ import annotations

import dkim
from django.conf import settings

CANONICAL = (b"relaxed", b"relaxed")
# What readers and mail programs go by. One that's missing can't be added later, either.
HEADERS = (
    *(b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version"),
    *(b"content-type", b"auto-submitted", b"feedback-id"),
    *(b"list-unsubscribe", b"list-unsubscribe-post"),
)


def signed(content: bytes) -> bytes:
    """Return a mail with our signature on top, or as it is if we don't sign."""
    if not settings.DKIM_SELECTOR:
        return content
    signature: bytes = dkim.sign(
        content,
        settings.DKIM_SELECTOR.encode(),
        settings.DKIM_DOMAIN.encode(),
        settings.DKIM_PRIVATE_KEY.encode(),
        canonicalize=CANONICAL,
        include_headers=list(HEADERS),
    )
    return signature + content
