"""What messages about someone's account as a whole may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emails.catalog import Kind
from emails.contexts import MessageContext


@dataclass(frozen=True, kw_only=True)
class DataReady(MessageContext):
    """A copy of their data can be fetched. `by_staff`: our team made it for them."""

    kind = Kind.DATA_READY
    until: datetime
    by_staff: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class HelpAsked(MessageContext):
    """For staff: somebody wrote to us on the help page. An answer to the mail goes to them."""

    kind = Kind.HELP_ASKED
    sender: str
    reply_to: str
    is_member: bool
    first_words: str
    paragraphs: Sequence[str]
    page: str
    url: str
