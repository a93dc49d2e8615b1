"""Processes many objects in a row: a bad one is logged and reported, and the rest continue."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError

from common.queue import Known

logger = logging.getLogger(__name__)

# Without a database, everything after this would fail too.
DATABASE_AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError)
MOST_NAMED = 20


class SomeFailed(Known):
    """Some objects couldn't be processed; `failures` has a sentence for each."""

    def __init__(self, failures: list[str]) -> None:
        more = len(failures) - MOST_NAMED
        named = [*failures[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("; ".join(named))
        self.failures = failures


@dataclass
class OneByOne:
    """The outcome of a run over many objects.

    An object's error is kept in `failures`, unless it ends the whole run: the database is down, or
    it's one of the errors in `ended_by`.
    """

    ended_by: tuple[type[Exception], ...] = ()
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def each(self, what: str) -> Iterator[None]:
        """Process one: `with run.each("invoice in_1"): …`. Its error isn't raised."""
        try:
            yield
        except (*DATABASE_AWAY, *self.ended_by):
            raise
        except SomeFailed as error:
            # Each of them has already been logged.
            self.failures += [f"{what}: {failure}" for failure in error.failures]
        except Exception as error:
            logger.exception("%s failed. The others go on.", what)
            self.failures.append(f"{what}: {type(error).__name__}: {error}")

    def finish(self) -> None:
        """Report failures once all others are done.

        Raises:
            SomeFailed: at least one did.
        """
        if self.failures:
            raise SomeFailed(self.failures)
