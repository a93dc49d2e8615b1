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
    """For staff: somebody wrote to us on the help page. An answer to the mail goes to them.

    `phone`: they texted. Somebody whom we don't know has no address to answer to then.
    """

    kind = Kind.HELP_ASKED
    sender: str
    reply_to: str
    is_member: bool
    phone: str = ""
    first_words: str
    paragraphs: Sequence[str]
    page: str
    url: str


@dataclass(frozen=True, kw_only=True)
class ClosingPlanned(MessageContext):
    """Their account closes soon. `renews`: something stops renewing. `url` keeps the account.

    `by_staff`: our team closes it.
    """

    kind = Kind.CLOSING_PLANNED
    closes_on: datetime
    renews: bool
    by_staff: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class ClosingUndone(MessageContext):
    """Their account stays open. `renews`: what had stopped renewing renews again."""

    kind = Kind.CLOSING_UNDONE
    by_staff: bool
    renews: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class ClosingHeld(MessageContext):
    """Something has to be settled before their account can be closed."""

    kind = Kind.CLOSING_HELD
    reasons: Sequence[str]
    url: str
