"""A database of a test's own, for tests with several connections whose rows can't be removed.

The ledger of refunds refuses DELETE and TRUNCATE, so a test that commits entries can't tidy up.
It works on a copy of the test database, which is dropped as a whole.
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
    """Let this process, all of its threads included, work on a copy; drop it in the end."""
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
    """Make calls at the same moment, each on a connection of its own; return what came of each."""
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
