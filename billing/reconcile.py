"""Find the events that Stripe made and we never received, and put them into the inbox."""

from __future__ import annotations

import json
from datetime import timedelta

from django.utils import timezone

from billing import gateway, inbox
from billing.models import Reconciliation

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
            run.events_missed += inbox.store(payload, json.dumps(payload))
    except gateway.StripeError as error:
        run.error = str(error)
        run.save()
        raise
    run.finished_at = timezone.now()
    run.save()
    return run
