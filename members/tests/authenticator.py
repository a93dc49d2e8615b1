"""An authenticator app for tests: RFC 6238 codes, computed independently of the checks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

PERIOD = 30


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code of now, or of so many steps of thirty seconds later."""
    counter = int(time.time()) // PERIOD + steps
    key = base64.b32decode(secret)
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
