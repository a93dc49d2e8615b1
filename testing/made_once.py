"""Makes what many tests start from once per process, and restores it for each test.

Walking a member through Checkout takes about twenty events and as many requests to Stripe.
Restoring the rows and Stripe's state afterward takes one statement and one request.
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
# The wall clock when this process's monotonic clock was zero. It differs if a test moves time.
STARTED = time.time() - time.monotonic()

_names = itertools.count()


@dataclass(frozen=True)
class Kept:
    """A result, and how to restore it: a statement for the rows, a bookmark for Stripe."""

    value: bytes
    statement: str
    bookmark: str
    tables: Tables


@dataclass(frozen=True)
class Place:
    """A known state of the database and of Stripe: the one a `made_once` function left."""

    made: tuple[str, ...]
    tables: Tables
    writes: str
    mark: str


_kept: dict[tuple[str, ...], Kept] = {}
_last: Place | None = None


def made_once(make: Callable[Arguments, Made]) -> Callable[Arguments, Made]:
    """Run a function that makes rows only once, then restore its result.

    If it's given a sandbox, this includes objects at Stripe. It runs again if it could find
    something else: after other writes to the database or to Stripe, at another time, or with other
    settings.
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
    """Return the known state this test is in: its start, or what a `made_once` function left.

    None for any other state.
    """
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
    """Return a value that changes with each write of this test's transaction; at first ""."""
    with connection.cursor() as cursor:
        # PostgreSQL gives a transaction its number at the first write.
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
    """Return SQL that turns the rows at the start into the present ones."""
    parts = [rows.UNCHECKED]
    # Another connection sees only committed rows: those at the start.
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
        # Without parameters, psycopg doesn't take a % in the rows for a placeholder.
        cursor.cursor.execute(kept.statement)
