"""The statements that PostgreSQL itself sees while something runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

# A multi-line statement continues in lines that begin with a tab.
LOGGED = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)")
SWITCH = ("ALTER SYSTEM", "pg_reload_conf")
NOTICE_SECONDS = 0.5


@contextmanager
def watched(database: psycopg.Connection[Any]) -> Iterator[list[str]]:
    """Fill the list with every statement of all connections, at the end of the block."""
    seen: list[str] = []
    log = _server_log(database)
    _switch(database, "all")
    start = log.stat().st_size
    yield seen
    _switch(database, "none")
    logged = LOGGED.findall(log.read_text(errors="replace")[start:])
    seen += [" ".join(text.split()) for text in logged if not any(word in text for word in SWITCH)]


def _server_log(database: psycopg.Connection[Any]) -> Path:
    """Return the throwaway server's log, which is next to its data."""
    row = database.execute("SELECT current_setting('data_directory')").fetchone()
    assert row  # noqa: S101  (it always has a row)
    return Path(row[0]).parent / "server.log"


def _switch(database: psycopg.Connection[Any], which: str) -> None:
    """Log all statements or none; open connections notice before their next statement."""
    database.execute(f"ALTER SYSTEM SET log_statement = '{which}'".encode())
    database.execute("SELECT pg_reload_conf()")
    time.sleep(NOTICE_SECONDS)
