"""What many tests start from is made once a process, and put back for each of them.

To walk somebody through Checkout takes some twenty events and as many requests to Stripe; to put
back the rows that this left, and Stripe's state, takes one statement and one request.
"""

from __future__ import annotations

import itertools
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import psycopg
from django.conf import settings
from django.db import connection

from conftest import Sandbox
from testing import rows

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")
Tables = dict[str, list[str]]
# Where the clock of this process stands, unless a test moves it.
STARTED = time.time() - time.monotonic()

_names = itertools.count()


@dataclass(frozen=True)
class Kept:
    """What was made, and what it left: a statement that makes the rows, and Stripe's state."""

    value: bytes
    statement: str
    bookmark: str
    tables: Tables


@dataclass(frozen=True)
class Place:
    """A state of the database and of Stripe which is known, as what was made once ended in it."""

    made: tuple[str, ...]
    tables: Tables
    writes: str
    mark: str


_kept: dict[tuple[str, ...], Kept] = {}
_last: Place | None = None


def made_once(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Let a function that makes rows (and objects at Stripe, if a sandbox is given) do it once.

    It is called again wherever what it finds might differ: after anything was written to the
    database or to Stripe except by such functions, at another time, under other settings.
    """

    @wraps(make)
    def made(*arguments: Arguments.args, **named: Arguments.kwargs) -> Made:
        global _last  # noqa: PLW0603  (there is one database)
        everything = [*arguments, *named.values()]
        sandbox = next((one for one in everything if isinstance(one, Sandbox)), None)
        start = _place(sandbox)
        if start is None:
            return make(*arguments, **named)
        others = [one for one in everything if one is not sandbox]
        this = f"{make.__module__}.{make.__qualname__} {others!r} {[*named]} {_settings()}"
        key = (*start.made, this)
        if key in _kept:
            _put_back(_kept[key], sandbox)
            value: Made = pickle.loads(_kept[key].value)  # noqa: S301  (our own)
        else:
            value = make(*arguments, **named)
            _kept[key] = _keep(value, start, sandbox)
        mark = sandbox.look("mark")["mark"] if sandbox else start.mark
        _last = Place(key, _kept[key].tables, _writes(), mark)
        return value

    return made


def _place(sandbox: Sandbox | None) -> Place | None:
    """Where this test is: at its start, where something made once left it, or anywhere else."""
    if not connection.in_atomic_block or abs(time.time() - time.monotonic() - STARTED) > 1:
        return None
    writes = _writes()
    state = sandbox.look("mark") if sandbox else {"is_empty": True, "mark": ""}
    if not writes and state["is_empty"]:
        return Place((), {}, "", "")
    if _last and _last.writes == writes:
        is_as_left = state["mark"] == _last.mark if _last.mark else state["is_empty"]
        return _last if is_as_left or not sandbox else None
    return None


def _writes() -> str:
    """What differs as soon as this test's transaction writes; empty until it does."""
    with connection.cursor() as cursor:
        # PostgreSQL numbers a transaction when it first writes.
        cursor.execute(
            "SELECT pg_current_xact_id_if_assigned()::text, (SELECT"
            " sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables)"
        )
        number, written = cursor.fetchone()
    return f"{number} {written}" if number else ""


def _settings() -> str:
    names = (name for name in dir(settings) if name.isupper())
    return repr([(name, getattr(settings, name)) for name in names])


def _keep(value: Any, start: Place, sandbox: Sandbox | None) -> Kept:
    bookmark = ""
    if sandbox:
        bookmark = f"made-{os.getpid()}-{next(_names)}"
        sandbox.control(f"bookmarks/{bookmark}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname"
        )
        names = [name for (name,) in cursor.fetchall()]
    tables = {name: rows.rows_of(connection.connection, name) for name in names}
    return Kept(pickle.dumps(value), _statement(start, tables), bookmark, tables)


def _statement(start: Place, tables: Tables) -> str:
    """SQL that makes of the rows at the start those that are now."""
    parts = [rows.UNCHECKED]
    # Another connection sees what is committed.
    with psycopg.connect(**connection.get_connection_params()) as other:
        for name, now in tables.items():
            is_known = name in start.tables
            before = start.tables[name] if is_known else rows.rows_of(other, name)
            if gone := [row for row in before if row not in set(now)]:
                parts.append(rows.deleting(other, name, gone))
            if new := [row for row in now if row not in set(before)]:
                parts.append(rows.inserting(other, name, new))
    return "; ".join([*parts, rows.CHECKED])


def _put_back(kept: Kept, sandbox: Sandbox | None) -> None:
    if sandbox:
        sandbox.control(f"bookmarks/{kept.bookmark}/restore")
    with connection.cursor() as cursor:
        # Psycopg takes a % of the rows for a placeholder only where there are parameters.
        cursor.cursor.execute(kept.statement)
