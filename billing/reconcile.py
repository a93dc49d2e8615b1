"""Find the events that Stripe made and we never received, and put them into the inbox."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from billing import gateway, inbox
from billing.models import Reconciliation

logger = logging.getLogger(__name__)

# Stripe documentation, "List all events": they are kept for 30 days.
KEPT = timedelta(days=30)
OVERLAP = timedelta(hours=1)


def find_missed_events() -> Reconciliation:
    """Store every event since the last good run that is not stored yet.

    Raises:
        gateway.StripeError: Stripe did not answer; the run is recorded as failed, and the next one
            starts where this one did.
    """
    now = timezone.now()
    last = Reconciliation.objects.filter(finished_at__isnull=False).first()
    start = last.started_at - OVERLAP if last else now - KEPT
    run = Reconciliation.objects.create(started_at=now)
    try:
        # Stripe lists the newest first: stored in the order in which they happened.
        found = list(gateway.events_since(max(start, now - KEPT)))
        for payload in reversed(found):
            run.events_seen += 1
            run.events_missed += _store(payload, run)
    except Exception as error:
        run.error = f"{type(error).__name__}: {error}"
        run.save()
        raise
    run.finished_at = timezone.now()
    run.save()
    return run


def _store(payload: Mapping[str, Any], run: Reconciliation) -> bool:
    """Store one event; one that can't be stored is noted and must not keep out the others."""
    try:
        text = json.dumps(payload)
        return inbox.store(inbox.parse(text), text)
    except inbox.MalformedEvent as error:
        logger.exception("Event %s could not be stored.", payload.get("id"))
        run.error += f"{payload.get('id')}: {error}\n"
        return False
