"""Reads whole lists from Stripe, page by page, and waits if we ask too often."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe

from billing.stripe import snapshots
from billing.stripe.gateway.client import translated_errors
from billing.stripe.gateway.errors import StripeBusy, StripeFault

logger = logging.getLogger(__name__)

# How long a long run waits, in seconds, each time Stripe says we ask too often.
BUSY_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Unreadable:
    """An unreadable object in one of Stripe's lists, with the reason, which has been logged."""

    id: str
    customer_id: str
    reason: str


def patiently(call: Callable[[], Answer]) -> Answer:
    """Make a long run's call; if Stripe says we ask too often, wait and ask again.

    Jobs and pages don't need this: a job is retried anyway, and a page must not wait.

    Raises:
        StripeBusy: Stripe still says so after a minute.
    """
    for wait in BUSY_WAITS:
        try:
            return call()
        except StripeBusy:
            logger.warning("Stripe is asked too often: waiting %d seconds.", wait)
            time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311  (spreads load)
    return call()


def every(
    ask: Callable[[Any], stripe.ListObject[Any]], params: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of all pages of a list, a hundred at a time."""
    wanted = {"limit": 100, **params}

    def read() -> stripe.ListObject[Any]:
        with translated_errors():
            return ask(wanted)

    while True:
        page = patiently(read)
        for entry in page.data:
            yield entry.to_dict(for_json=True)
        if not page.has_more:
            return
        wanted["starting_after"] = page.data[-1].id


def each_read(
    read: Callable[[Mapping[str, Any]], Answer],
    entries: Iterable[Mapping[str, Any]],
    bad: list[Unreadable] | None,
) -> Iterator[Answer]:
    """Yield each entry as read; an unreadable one ends the run, or is added to `bad`."""
    for entry in entries:
        try:
            with translated_errors():
                snapshot = read(entry)
        except StripeFault as fault:
            if bad is None:
                raise
            customer = snapshots.object_id(entry.get("customer"))
            bad.append(Unreadable(snapshots.object_id(entry.get("id")), customer, str(fault)))
        else:
            yield snapshot


def of_customer(customer_id: str) -> dict[str, Any]:
    """Return the parameter that lists only one customer's objects, or none for everybody's."""
    return {"customer": customer_id} if customer_id else {}
