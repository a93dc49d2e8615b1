"""Idempotency keys for our requests to Stripe (pure).

Stripe documentation, "Idempotent requests": at most 255 characters. They're sent as a header, which
must be ASCII, so people's names and addresses are included only as a digest.
"""

from __future__ import annotations

import hashlib
import json

LONGEST = 255
DIGEST_LENGTH = 32


def key(what: str, *ids: int | str, about: tuple[str, ...] = ()) -> str:
    """Return a request's key: what it makes, for which IDs, and a digest of the rest.

    The same arguments give the same key. `what` and `ids` are ours and stay readable; anything
    chosen by people or settings belongs in `about`.

    Raises:
        ValueError: an ID isn't ASCII, or is too long.
    """
    parts = ["portal", what, *map(str, ids)]
    if about:
        text = json.dumps(about, ensure_ascii=True)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH])
    made = "-".join(parts)
    if not (made.isascii() and made.isprintable() and len(made) <= LONGEST):
        raise ValueError(f"This can't be an idempotency key: {made!r}")
    return made
