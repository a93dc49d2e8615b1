"""A separate database for tests that commit rows on several connections.

The refund ledger refuses DELETE and TRUNCATE, so such a test can't clean up after itself. It works
on a copy of the test database, which is dropped at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

Result = TypeVar("Result")


@contextmanager
def copy_of_the_test_database() -> Iterator[None]:
    """Make this process, with all of its threads, use a copy; drop the copy at the end."""
    settings = connection.settings_dict
    original = settings["NAME"]
    name = f"{original}_copy"
    _run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    connections.close_all()
    _run(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    settings["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = original
        _run(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(sql: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result | Exception]:
    """Run calls at the same time, each on its own connection. Return each result or error."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Result | Exception | None] = [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait(timeout=30)
        try:
            outcomes[place] = calls[place]()
        except Exception as error:  # noqa: BLE001  (the test looks at it)
            outcomes[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [outcome for outcome in outcomes if outcome is not None]
