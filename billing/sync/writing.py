"""Saves what we read from Stripe. A later read is never overwritten by an earlier one.

The caller holds the member's lock.
"""

from __future__ import annotations

import logging
from copy import copy
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection

from billing.models.copy import StripeCopy

logger = logging.getLogger(__name__)
Copy = TypeVar("Copy", bound=StripeCopy)


class UnknownCustomer(Exception):
    """The object belongs to a Stripe customer who isn't a member of ours (yet)."""


class NotOurs(Exception):
    """The object has no customer, so it doesn't belong to a member."""


def database_now() -> datetime:
    """Return the time by the database's clock, which all our processes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def write(
    model: type[Copy], stripe_id: str, read_at: datetime, values: dict[str, Any]
) -> tuple[Copy | None, Copy]:
    """Save a row unless it already holds a later read. Return the row before and after."""
    values = values | {"read_at": read_at}
    rows = model._default_manager.select_for_update()
    old, made = rows.get_or_create(stripe_id=stripe_id, defaults=values)
    if made:
        return None, old
    if old.read_at > read_at:
        return old, old
    new = copy(old)
    for column, value in values.items():
        setattr(new, column, value)
    new.save()
    return old, new
