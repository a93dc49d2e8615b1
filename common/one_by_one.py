"""Many objects, one after the other: a bad one is logged and reported, and the rest go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError

from common.queue import Known

logger = logging.getLogger(__name__)

# Without a database nothing goes on: whatever came next would fail, too.
DATABASE_AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError)
MOST_NAMED = 20


class SomeFailed(Known):
    """Some of many objects could not be processed; `failures` has a sentence for each."""

    def __init__(self, failures: list[str]) -> None:
        more = len(failures) - MOST_NAMED
        named = [*failures[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("; ".join(named))
        self.failures = failures


@dataclass
class OneByOne:
    """What became of a run over many objects.

    What is raised by one of them is kept in `failures`, except where it ends all: the database is
    away, or one of the errors that `ended_by` names.
    """

    ended_by: tuple[type[Exception], ...] = ()
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def each(self, what: str) -> Iterator[None]:
        """Do one: `with run.each("invoice in_1"): …`. Its error does not get out."""
        try:
            yield
        except (*DATABASE_AWAY, *self.ended_by):
            raise
        except SomeFailed as error:
            # Each of them is in the log already.
            self.failures += [f"{what}: {failure}" for failure in error.failures]
        except Exception as error:
            logger.exception("%s failed. The others go on.", what)
            self.failures.append(f"{what}: {type(error).__name__}: {error}")

    def finish(self) -> None:
        """Say that some failed, once all others are done.

        Raises:
            SomeFailed: at least one did.
        """
        if self.failures:
            raise SomeFailed(self.failures)
