"""The jobs of the outbox. Each is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

from emails import delivery
from emails.models import Message, MessageState
from portal.queue import Backoff, enqueue_once

DELIVERY_BACKOFF = Backoff(max_attempts=12)
OVERDUE = timedelta(minutes=2)


@app.task(retry=DELIVERY_BACKOFF, pass_context=True)
def deliver(context: JobContext, message_id: int) -> None:
    """Deliver one message."""
    is_last = DELIVERY_BACKOFF.is_last(context.job.attempts)
    delivery.deliver(message_id, is_last_attempt=is_last)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_outbox")
def sweep_outbox(timestamp: int) -> None:
    """Enqueue again whatever message is overdue without a job that waits."""
    before = timezone.now() - OVERDUE
    waiting = Q(state=MessageState.QUEUED, created_at__lt=before)
    stuck = Q(state=MessageState.SENDING, sending_at__lt=before)
    overdue = Message.objects.filter(waiting | stuck).order_by("pk")
    for pk in overdue.values_list("pk", flat=True)[:1000]:
        enqueue_once(deliver, f"message:{pk}", message_id=pk)
