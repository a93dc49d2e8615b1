"""How a mail's body was encoded for its way, where no signature says so (pure).

Banks sign the body as it travels, and often not the header that says how to decode it. Whoever
passes a mail on could change that header: letters that a payer wrote into the memo, such as "=3C",
would then become HTML. So an encoding that isn't signed counts only if no other one fits the body.
"""

from __future__ import annotations

import re

IDENTITY = frozenset([b"", b"7bit", b"8bit", b"binary"])
# RFC 2045, 6.7: "=" is followed by two digits or ends the line, and all else is printable. (Lines
# are a little longer than it allows in what Python writes.) HTML that wasn't encoded has an
# attribute, and so `="`, in nearly every line.
_ESCAPES = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|\Z))")
_PLAIN = re.compile(rb"[\t\r\n -<>-~]*")
# RFC 2045, 6.8, once its lines are joined.
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")


def is_certain(headers: dict[bytes, list[bytes]], body: bytes) -> bool:
    """Whether a body can only have been encoded as an unsigned header says.

    `headers` have lower-case names. Parts of a body have their own headers in it, which are signed
    with it.
    """
    kind = b"".join(headers.get(b"content-type", [])).strip().lower()
    if kind.startswith((b"multipart/", b"message/")):
        return True
    named = b"".join(headers.get(b"content-transfer-encoding", [])).strip().lower()
    looks_quoted = b"=" in body and _PLAIN.fullmatch(_ESCAPES.sub(b"", body)) is not None
    looks_base64 = _BASE64.fullmatch(b"".join(body.split())) is not None
    if named in IDENTITY:
        return not looks_quoted and not looks_base64
    if named == b"quoted-printable":
        return looks_quoted or b"=" not in body
    return named == b"base64" and looks_base64
