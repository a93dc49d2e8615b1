"""The copy of a message as it was sent: templates and brands change, and what someone read doesn't.

What's sensitive is never kept, nor what's to be emptied once it's sent. A copy goes when its
message is emptied.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet

from emails.catalog import Kind, spec_of
from emails.models import Message, SentCopy

# Unless somebody has left while it was being sent; a second try finds the first one's copy.
INSERT = """
    INSERT INTO emails_sentcopy (message_id, subject, html, text)
    SELECT id, %s, %s, %s FROM emails_message
    WHERE id = %s AND emptied_at IS NULL AND NOT empty_when_done
    ON CONFLICT (message_id) DO NOTHING
"""


def note(message: Message, *, text: str, subject: str = "", html: str = "") -> None:
    """Note what's about to be handed over."""
    message.as_sent = SentCopy(message=message, subject=subject, html=html, text=text)


def keep(message: Message) -> None:
    """Keep what was handed over, if it may be kept."""
    copy = message.as_sent
    if copy is None or spec_of(Kind(message.kind)).sensitive:
        return
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [copy.subject, copy.html, copy.text, message.pk])


def of(message: Message) -> SentCopy | None:
    """Return the copy of a message; None if there's none."""
    return SentCopy.objects.filter(message=message).first()


def forget(rows: QuerySet[Message]) -> None:
    """Delete the copies of messages that are about to be emptied."""
    SentCopy.objects.filter(message__in=rows).delete()
