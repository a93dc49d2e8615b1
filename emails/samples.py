"""A mail with made-up facts, for the colleague who wants to see it in their own mail program."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from emails import rendering
from emails.contexts import MessageContext
from emails.drafts import Draft, write
from emails.models import Channel, Message

# How the keys of samples begin, and how many a colleague may send themselves.
SAMPLE, SAMPLES_AN_HOUR = "sample", 20


def condition() -> Q:
    """Return what the rows of samples, sent by whoever, have in common."""
    return Q(dedupe_key__startswith=f"{SAMPLE}:")


@transaction.atomic
def put(user: User, context: MessageContext) -> Message | None:
    """Write a mail with made-up facts to the colleague who asks for it; None if it's too many.

    It's no member's: nothing in it is checked against them, and they can't turn it off.
    """
    # Simultaneous clicks wait for each other here.
    User.objects.select_for_update().get(pk=user.pk)
    key = f"{SAMPLE}:{user.pk}:"
    since = timezone.now() - timedelta(hours=1)
    lately = Message.objects.filter(dedupe_key__startswith=key, created_at__gte=since)
    if lately.count() >= SAMPLES_AN_HOUR:
        return None
    kind, facts = context.kind, context.as_json()
    subject = rendering.render_subject(Message(kind=kind, context=facts))
    return write(
        Draft(
            kind=kind,
            channel=Channel.EMAIL,
            recipient=user.email,
            context=facts,
            dedupe_key=f"{key}{uuid.uuid4()}",
            user=None,
            subject=f"[Sample] {subject}"[: rendering.SUBJECT_LENGTH],
        )
    )
