"""Which kind of picture a file is, by its content: what its name says doesn't count (pure)."""

from __future__ import annotations

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"


def type_of(content: bytes) -> str | None:
    """Return the media type of a whole PNG, JPEG, or WebP picture; None for anything else.

    Where a picture's format says how it ends, a part of one counts as none.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return PNG if b"IEND" in content[-12:] else None
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG if b"\xff\xd9" in content[-64:] else None
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        promised = int.from_bytes(content[4:8], "little")
        return WEBP if len(content) >= promised + 8 else None
    return None
