"""Say by the other channel what didn't arrive by one: a text for a mail, or a mail for a text.

Once only: if the other one was written already, whatever became of it, nothing is written.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from emails.catalog import Kind
from emails.jobs import JobName
from emails.models import Channel, Message

logger = logging.getLogger(__name__)

# A welcome and the first receipt are written within this, as one message or as two.
TOGETHER = timedelta(hours=1)
# What says both, and the receipt that's in it.
RECEIPTS = {Kind.JOINED: Kind.PAYMENT_RECEIVED, Kind.ZELLE_JOINED: Kind.ZELLE_RECEIVED}


def try_later(message: Message, *, after: timedelta | None = None) -> None:
    """Have a job decide on it, in the transaction that records the loss.

    It waits if a report may still say that the message has arrived.
    """
    key = f"other_channel:{message.pk}"
    try:
        with transaction.atomic():
            job = app.configure_task(
                JobName.SAY_BY_THE_OTHER_CHANNEL,
                queueing_lock=key,
                schedule_at=timezone.now() + after if after else None,
            )
            job.defer(message_id=message.pk)
    except AlreadyEnqueued:
        logger.debug("Message %s waits for its other channel already.", message.pk)


def of_the_same(message: Message, channel: Channel) -> QuerySet[Message]:
    """Return what a channel has for the member of a message's cause, whatever became of it.

    A channel may have said in two messages what another one said in one (`emails.combining`).
    """
    kind, cause = message.kind, message.cause
    same = Q(kind=kind, cause=cause)
    for whole, receipt in RECEIPTS.items():
        if kind in {whole, receipt}:
            same |= Q(kind__in=[whole, receipt], cause=cause)
    if kind in {*RECEIPTS, Kind.WELCOME}:
        # One is about the payment, and the other about the subscription.
        span = (message.created_at - TOGETHER, message.created_at + TOGETHER)
        same |= Q(kind__in=[*RECEIPTS, Kind.WELCOME], created_at__range=span)
    return Message.objects.filter(same, user=message.user_id, channel=channel)
