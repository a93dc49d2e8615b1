"""Keeps what's in force in memory for seconds, so pages don't ask the database for it.

The process that saves forgets right away; others see the change within `MAX_AGE`. If the database
doesn't answer, what was known stays: settings must not take a page down.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import DatabaseError, connection, transaction

logger = logging.getLogger(__name__)

MAX_AGE = 10.0  # seconds

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Known(Generic[Value]):
    value: Value | None
    read_at: float


class Kept(Generic[Value]):
    """What a reader returned lately; None if there's nothing to read."""

    def __init__(self, read: Callable[[], Value | None]) -> None:
        self._read = read
        self._known: _Known[Value] | None = None

    def get(self) -> Value | None:
        """Return the value, read again if it's too old."""
        known = self._known
        if known is None or time.monotonic() - known.read_at > MAX_AGE:
            known = self._known = _Known(self._read_or(known), time.monotonic())
        return known.value

    def _read_or(self, known: _Known[Value] | None) -> Value | None:
        try:
            # A statement that fails would spoil the transaction around it.
            with transaction.atomic() if connection.in_atomic_block else nullcontext():
                return self._read()
        except DatabaseError as error:
            logger.warning("Settings can't be read; earlier ones hold: %s", error)
            return known.value if known else None

    def forget(self) -> None:
        """Read again next time, and once more after the current transaction."""
        self._known = None
        transaction.on_commit(self._forget_now)

    def _forget_now(self) -> None:
        self._known = None

    def assume(self, value: Value | None) -> None:
        """Take a value for read, and never too old. For tests, some of which take long."""
        self._known = _Known(value, math.inf)
