"""The one lock that guards what banks said.

Mails and files may come at once and tell of the same transfer, so they're stored one after the
other. Take it before any member's lock, and in a transaction.
"""

from __future__ import annotations

from django.db import connection

# The number of PostgreSQL's advisory lock: "zelle" in ASCII.
LOCK = int.from_bytes(b"zelle")


def bank_lock() -> None:
    """Wait until nothing else is changing what banks said, and keep it that way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
