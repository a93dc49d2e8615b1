"""The jobs of billing. Each is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from billing import events, reconcile, reminders, sync
from billing.models import StripeEvent
from billing.states import OPEN_EVENT
from portal.queue import Backoff, enqueue_once

EVENT_BACKOFF = Backoff(max_attempts=30)
OVERDUE = timedelta(minutes=2)


@app.task(retry=EVENT_BACKOFF, pass_context=True)
def process_event(context: JobContext, event_id: int, again: bool = False) -> None:
    """Process one stored event."""
    is_last = EVENT_BACKOFF.is_last(context.job.attempts)
    events.process(event_id, is_last_attempt=is_last, again=again)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_inbox")
def sweep_inbox(timestamp: int) -> None:
    """Enqueue again whatever event is overdue without a job that waits."""
    overdue = StripeEvent.objects.filter(
        state__in=OPEN_EVENT, received_at__lt=timezone.now() - OVERDUE
    )
    for pk in overdue.order_by("pk").values_list("pk", flat=True)[:1000]:
        enqueue_once(process_event, f"event:{pk}", event_id=pk)


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="find_missed_events", retry=Backoff(max_attempts=5, first=60))
def find_missed_events(timestamp: int = 0) -> None:
    """Ask Stripe for the events that never reached us."""
    reconcile.find_missed_events()


@app.periodic(cron="47 * * * *")
@app.task(queueing_lock="refresh_plan", retry=Backoff(max_attempts=10))
def refresh_plan(timestamp: int = 0) -> None:
    """Read the plan's price again, in case it was changed in Stripe's dashboard."""
    sync.sync_current_plan()


@app.periodic(cron="23 14 * * *")
@app.task(queueing_lock="remind_members", retry=Backoff(max_attempts=10))
def remind_members(timestamp: int) -> None:
    """Tell members of trials that end, years that are renewed and cards that expire."""
    reminders.remind_all()
