"""The PDF that goes with a receipt, by setting.

Only billing can make it, so who does is named in the settings. An email never waits for its PDF: it
has a link to it, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from business import rules
from emails import rendering
from emails.models import Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attachment:
    """A PDF and its file name."""

    name: str
    content: bytes


def of(message: Message) -> Attachment | None:
    """Return the PDF that goes with a message, in its reader's language and time zone."""
    if not rules.receipts_attached():
        return None
    make: Callable[[Message], Attachment | None] = import_string(settings.ATTACHMENT_MAKER)
    try:
        with rendering.reader_of(message):
            return make(message)
    except Exception:
        # The email matters more, and says where the PDF is.
        logger.exception("Message %s goes without its PDF, which couldn't be made.", message.pk)
        return None
