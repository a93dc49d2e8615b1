"""Say by the other channel what didn't arrive by one: a text for a mail, or a mail for a text.

Once only: if the other one was written already, whatever became of it, nothing is written.
"""

from __future__ import annotations

import logging

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from emails.jobs import JobName
from emails.models import Message

logger = logging.getLogger(__name__)


def try_later(message: Message) -> None:
    """Have a job decide on it, in the transaction that records the loss."""
    key = f"other_channel:{message.pk}"
    try:
        with transaction.atomic():
            job = app.configure_task(JobName.SAY_BY_THE_OTHER_CHANNEL, queueing_lock=key)
            job.defer(message_id=message.pk)
    except AlreadyEnqueued:
        logger.debug("Message %s waits for its other channel already.", message.pk)
