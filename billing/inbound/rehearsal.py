"""Tries out what processing an event again would change, and changes nothing.

It runs the same code in a transaction that's rolled back. Stripe is asked outside of it: what the
code wants to read stops it, is read, and it starts over with the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from billing.core.statuses import EventState
from billing.inbound import attempts
from billing.inbound import events as processing
from billing.inbound.noted_changes import NotedChange, noted_changes
from billing.models import StripeEvent
from billing.stripe import gateway
from emails.models import Message

logger = logging.getLogger(__name__)

# An event's object, its customer, a hundred payments of an invoice: more is a mistake.
MOST_READS = 200
LONGEST_WAIT = "3s"
# Somebody is waiting for the page.
MOST_EVENTS = 20
LONGEST = 15
MESSAGES = Message._meta.db_table


class NotRehearsed(Exception):
    """It can't be tried out now; the text is a sentence for staff."""


@dataclass(frozen=True)
class Rehearsal:
    """What would become of the event: rows that would change, and messages that would be sent.

    `asks` is a change of something at Stripe at which the rehearsal had to end, if there's one.
    `problem` is the error that it would end with.
    """

    state: EventState | None
    note: str
    changes: list[NotedChange]
    messages: list[Message]
    asks: str = ""
    problem: str = ""


def rehearse(event: StripeEvent) -> Rehearsal:
    """Return what replaying an event would do, as things are now.

    Raises:
        NotRehearsed: someone else is changing the member's records, or it reads without end.
        gateway.StripeError: Stripe couldn't be asked.
    """
    [result] = _rehearsed([event], gateway.Answers())
    return result


def rehearse_all(events: Sequence[StripeEvent]) -> list[Rehearsal]:
    """Return what replaying these events one after the other would do, each after those before.

    There are fewer results than events if Stripe took too long to answer about the later ones.
    Raises what `rehearse` raises.
    """
    known, until = gateway.Answers(), time.monotonic() + LONGEST
    asked: list[StripeEvent] = []
    for event in events[:MOST_EVENTS]:
        if asked and time.monotonic() > until:
            break
        # Each alone first, so that few of Stripe's answers are missing once they're played as one.
        if len(events) > 1:
            _rehearsed([event], known)
        asked.append(event)
    return _rehearsed(asked, known)


def _rehearsed(events: Sequence[StripeEvent], known: gateway.Answers) -> list[Rehearsal]:
    for _read in range(MOST_READS):
        try:
            return _played(events, known)
        except gateway.NotReadYet as pending:
            gateway.answer(pending, known)
        except OperationalError as error:
            raise NotRehearsed(
                "These records are being changed right now. Try again in a moment."
            ) from error
    raise NotRehearsed("This event is about too much to try it out.")


def _played(events: Sequence[StripeEvent], known: gateway.Answers) -> list[Rehearsal]:
    with transaction.atomic(), gateway.rehearsing(known):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
        results = [_played_one(event) for event in events]
        transaction.set_rollback(True)
    return results


def _played_one(event: StripeEvent) -> Rehearsal:
    state, note, asks, problem = None, "", "", ""
    attempt = attempts.begin(event.pk, is_replay=True)
    try:
        with transaction.atomic():
            state, note = processing.read_again(event, again=True)
    except gateway.WouldChange as request:
        asks = str(request)
    except OperationalError:
        raise
    except Exception as error:
        logger.exception("Trying out event %s failed.", event.stripe_id)
        problem = f"{type(error).__name__}: {error}"
    changes = noted_changes(attempt.pk)
    added = [one.row for one in changes if one.table == MESSAGES and one.is_new]
    messages = list(Message.objects.filter(pk__in=added).order_by("pk"))
    return Rehearsal(state, note, changes, messages, asks, problem)
