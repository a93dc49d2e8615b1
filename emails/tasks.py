"""The outbox's jobs. Each is safe to run twice."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from common.queue import enqueue_once, hurry
from emails import delivery, text_costs
from emails.models import Message, MessageState

OVERDUE = timedelta(minutes=2)


@app.task(retry=delivery.BACKOFF)
def deliver(message_id: int) -> None:
    """Deliver one message, or come back when it may be sent."""
    if until := delivery.deliver(message_id):
        enqueue_once(deliver, delivery.job_key(message_id), at=until, message_id=message_id)


def try_now(message_ids: list[int]) -> int:
    """Send queued messages now instead of at their next retry; return how many."""
    rows = Message.objects.filter(pk__in=message_ids, state=MessageState.QUEUED).order_by("pk")
    waiting = list(rows.values_list("pk", flat=True))
    hurry([delivery.job_key(pk) for pk in waiting])
    for pk in waiting:
        enqueue_once(deliver, delivery.job_key(pk), message_id=pk)
    return len(waiting)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="sweep_outbox")
def sweep_outbox(timestamp: int) -> None:
    """Enqueue overdue messages that have no waiting or running job."""
    before = timezone.now() - OVERDUE
    waiting = Q(state=MessageState.QUEUED, created_at__lt=before)
    stuck = Q(state=MessageState.SENDING, sending_at__lt=before)
    key = Concat(Value("message:"), Cast(OuterRef("pk"), CharField()))
    job = ProcrastinateJob.objects.filter(queueing_lock=key, status__in=["todo", "doing"])
    overdue = Message.objects.filter(waiting | stuck).exclude(Exists(job)).order_by("pk")
    for pk in overdue.values_list("pk", flat=True)[:1000]:
        enqueue_once(deliver, delivery.job_key(pk), message_id=pk)


@app.periodic(cron="33 * * * *")
@app.task(queueing_lock="price_texts")
def price_texts(timestamp: int) -> None:
    """Ask Twilio what recent texts cost."""
    text_costs.update()
