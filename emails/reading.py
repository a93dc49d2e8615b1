"""What a message says, for people who read it later."""

from __future__ import annotations

from django.db.models import QuerySet
from django.template.exceptions import TemplateDoesNotExist

from emails import rendering
from emails.catalog import Kind, spec_of
from emails.models import Channel, Message


def with_texts(rows: QuerySet[Message]) -> QuerySet[Message]:
    """Return messages with their copies, in one statement."""
    return rows.select_related("sent_copy").defer("sent_copy__html")


def text_of(message: Message) -> str:
    """Return a message's text as it was read, or "" if that isn't kept.

    What was sent before copies were kept is rendered anew, and so is what waits. Codes are gone
    once they're sent, and old messages are emptied. The templates of a message that an earlier
    version of the portal sent may be gone, too.
    """
    if message.emptied_at or message.kind not in set(Kind) or spec_of(message.kind).sensitive:
        return ""
    if copy := getattr(message, "sent_copy", None):
        return f"{copy.text.rstrip()}\n"
    try:
        if message.channel == Channel.SMS:
            return f"{rendering.render_sms(message)}\n"
        return rendering.render_text(message)
    except TemplateDoesNotExist:
        return ""
