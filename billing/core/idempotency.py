"""Idempotency keys of what we ask of Stripe (pure).

Stripe documentation, "Idempotent requests": at most 255 characters. They travel as a header, whose
characters are ASCII, so names and addresses of people stand in them as a digest only.
"""

from __future__ import annotations

import hashlib
import json

LONGEST = 255
DIGEST_LENGTH = 32


def key(what: str, *ids: int | str, about: tuple[str, ...] = ()) -> str:
    """Return the key of one request: what it makes, for which ids, and a digest of the rest.

    The same arguments give the same key. `what` and `ids` are ours and are kept readable; whatever
    people or settings have a say in belongs to `about`.

    Raises:
        ValueError: an id is not ASCII, or too long to be one.
    """
    parts = ["portal", what, *map(str, ids)]
    if about:
        text = json.dumps(about, ensure_ascii=True)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH])
    made = "-".join(parts)
    if not (made.isascii() and made.isprintable() and len(made) <= LONGEST):
        raise ValueError(f"This can't be an idempotency key: {made!r}")
    return made
