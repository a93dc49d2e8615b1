"""The jobs that come after a message was sent: reports about it, and another way to say it."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from emails import bounce_mailbox, pacing, stand_ins
from emails.models import Message


@app.task
def say_by_the_other_channel(message_id: int) -> None:
    """Write a text for a mail that didn't arrive, or a mail for a text, unless it's there."""
    message = Message.objects.select_related("user__member").filter(pk=message_id).first()
    if message is not None:
        stand_ins.put(message)


@app.periodic(cron="47 * * * *")
@app.task(queueing_lock="forget_paces")
def forget_paces(timestamp: int = 0) -> None:
    """Forget the turns of mail domains that nobody was written to lately."""
    pacing.forget_idle(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="read_bounces", lock="read_bounces")
def read_bounces(timestamp: int = 0) -> None:
    """Read the mailbox that mails come back to, if one is set."""
    if settings.BOUNCE_MAIL_URL:
        bounce_mailbox.read()
