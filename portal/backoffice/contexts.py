"""What messages about the portal itself, and about leaving it, may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emails.catalog import Kind
from emails.contexts import MessageContext, NamedAmount


@dataclass(frozen=True, kw_only=True)
class ProblemFound(MessageContext):
    """For staff: something is wrong with the portal. `action` is the button's label."""

    kind = Kind.PROBLEM_FOUND
    text: str
    action: str
    url: str


@dataclass(frozen=True, kw_only=True)
class WeeklyNumbers(MessageContext):
    """For staff who want it: the business's numbers in `days`, and what needs somebody."""

    kind = Kind.NUMBERS
    mrr: str
    days: str
    lines: Sequence[NamedAmount]
    tasks: Sequence[str]
    more_tasks: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Yesterday(MessageContext):
    """For staff who want it: what happened on a day. Each line is about one person or kind."""

    kind = Kind.YESTERDAY
    headline: str
    day: datetime
    joined: Sequence[str]
    lost: Sequence[str]
    failed_payments: Sequence[str]
    failed_messages: Sequence[str]
    url: str


@dataclass(frozen=True, kw_only=True)
class AccountClosed(MessageContext):
    """The last words to someone who leaves."""

    kind = Kind.ACCOUNT_CLOSED
    name: str
    at: datetime
    had_membership: bool
    was_charged: bool
    has_books: bool


@dataclass(frozen=True, kw_only=True)
class StaffInvited(MessageContext):
    """An invitation to the team: as what, by whom, and until when the link works."""

    kind = Kind.STAFF_INVITED
    actor: str
    role: str
    summary: str
    until: datetime
    url: str
