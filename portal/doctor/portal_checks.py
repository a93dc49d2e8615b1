"""Checks of the portal's own work: settings, worker, backlog, ledger, known problems."""

from __future__ import annotations

import os
from datetime import timedelta

from django.conf import settings
from django.db.models import Max, Min
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from billing.core.statuses import EventState
from billing.models import BookClosing, StripeEvent
from billing.reconcile import closing_books
from business.admin.group import overridden
from common.staff import show
from emails.models import Message, MessageState
from portal import start_checks
from portal.backoffice import current_problems, problems
from portal.doctor.results import Check, Result, fail, ok, warn

LEDGER = "ledger"
MOST_NAMED = 3
WAITS = timedelta(minutes=10)
WAITING = (EventState.PENDING, EventState.RETRYING)
UNSENT = (MessageState.QUEUED, MessageState.SENDING)


def complete() -> Result:
    """Whether the settings are those of a portal that's open."""
    left = start_checks.remarks(os.environ)
    if not left:
        return ok("All settings are complete.")
    text = " ".join(one.sentence for one in left)
    remedy = "Complete them in .env (.env.example explains each), and restart."
    return ok(f"Before you open: {text}") if settings.DEVELOPMENT else warn(text, remedy)


def rules() -> Result:
    """Which of the environment's settings don't count, since owners saved others."""
    saved = overridden()
    if not saved:
        return ok("The environment’s settings hold: owners saved no others.")
    return ok(f"Saved on the staff site, so the environment’s don’t count: {', '.join(saved)}.")


def worker() -> Result:
    """Whether a worker is alive."""
    seen = ProcrastinateWorker.objects.aggregate(at=Max("last_heartbeat"))["at"]
    now, remedy = timezone.now(), "Start it: manage.py worker"
    if seen is None:
        return fail("No worker runs: no event is processed, and nothing is sent.", remedy)
    if (now - seen).total_seconds() > settings.STALLED_WORKER_SECONDS:
        since = show.how_long(seen, now)
        return fail(f"The worker has been silent for {since}: nothing is processed.", remedy)
    return ok("The worker is alive.")


def backlog() -> Result:
    """Whether events and messages are handled in time."""
    now = timezone.now()
    event = StripeEvent.objects.filter(state__in=WAITING).aggregate(at=Min("received_at"))["at"]
    unsent = Message.objects.filter(state__in=UNSENT).exclude(waits_until__gt=now)
    message = unsent.aggregate(at=Min("created_at"))["at"]
    late = [
        f"{what} has waited for {show.how_long(since, now)}"
        for what, since in (("An event", event), ("A message", message))
        if since and now - since > WAITS
    ]
    failed = StripeEvent.objects.filter(state=EventState.FAILED).count()
    if failed:
        late.append(f"{show.count(failed, 'event')} failed for good")
    if not late:
        return ok("Nothing waits for long.")
    remedy = "See Webhook events, Messages, and Jobs on the staff site."
    return warn(f"{'. '.join(late)}.", remedy)


def ledger() -> Result:
    """Whether the refund ledger's chain was verified lately, and holds."""
    found = [one for one in problems.current() if one.key.startswith(LEDGER)]
    if not found:
        return ok("The refund ledger holds.")
    text = " ".join(one.text for one in found)
    remedy = "See Ledger checks on the staff site, or run manage.py verify_ledger."
    is_bad = any(one.tone == current_problems.DANGER for one in found)
    return fail(text, remedy) if is_bad else warn(text, remedy)


def closings() -> Result:
    """Whether the chain of closed months of the books holds."""
    found = list(closing_books.problems())
    if not found:
        count = show.count(BookClosing.objects.count(), "closed month")
        return ok(f"The books have {count}, and their chain holds.")
    remedy = (
        "Find out who changed the database past the portal, and compare with a backup and with the"
        " exported heads: see “Closing a month” in docs/operations.md."
    )
    return fail(" ".join(found[:MOST_NAMED]), remedy)


def known() -> Result:
    """Whether the portal knows of problems of its own; the home page shows the same."""
    found = [one for one in problems.current() if not one.key.startswith(LEDGER)]
    if not found:
        return ok("The portal knows of no problem.")
    text = " ".join(dict.fromkeys(one.text for one in found))
    return warn(text, "See the staff site’s home page.")


CHECKS = (
    Check("portal.settings", complete),
    Check("portal.rules", rules),
    Check("portal.worker", worker),
    Check("portal.backlog", backlog),
    Check("portal.ledger", ledger),
    Check("portal.books", closings),
    Check("portal.problems", known),
)
