"""What waits for somebody, or failed: the sidebar's badges and home's first tasks.

Every staff page shows it, so it's one statement, prepared once. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db.models import (
    Count,
    DateTimeField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
    Value,
)
from django.utils import timezone

from billing.core.bank_statuses import AllocationState, MailState
from billing.core.statuses import EventState
from billing.facts.unproved import unproved
from billing.models import (
    Allocation,
    BankMail,
    BankTransfer,
    Dispute,
    ExpectedTransfer,
    FraudWarning,
    Refund,
    StripeEvent,
    UnassignedCustomer,
)
from common.reads import Param, Part, Reading, totals
from emails.models import Message, MessageState, Suppression, WaitsFor
from portal.models import SupportMessage

EVENTS_OPEN = frozenset({EventState.PENDING, EventState.RETRYING})
MESSAGES_OPEN = frozenset({MessageState.QUEUED, MessageState.SENDING})
NOW = Param("now", "timestamptz")
# Booking a payment at Stripe takes seconds.
BOOKED_WITHIN = timedelta(hours=1)

# How many, and the earliest time of any.
Counted: TypeAlias = tuple[int, datetime | None]


@dataclass(frozen=True)
class Queue:
    """Waiting and failed rows; `oldest` is when the longest-waiting one arrived."""

    waiting: int = 0
    failed: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True)
class Disputes:
    """Disputes waiting for our evidence; `due_at` is the nearest deadline."""

    to_answer: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class FraudWarnings:
    """Payments that banks report as fraud, and that a refund could settle, since `oldest`."""

    open: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True)
class Refunds:
    """Refunds waiting for a decision since `oldest`, failed, unsent, or held back by Stripe.

    `by_zelle` are approved, and somebody has to send them from the bank's app.
    """

    waiting: int = 0
    oldest: datetime | None = None
    failed: int = 0
    not_sent: int = 0
    held: int = 0
    by_zelle: int = 0


@dataclass(frozen=True)
class Bank:
    """The bank's money that needs somebody.

    `unmatched` transfers wait since `oldest`; `proposed` matches wait for a person. `unproved`
    money was announced, and no file has had it in time. Nobody has seen `unverified` emails, and
    `unread` ones, which are the bank's and can't be read or repeat another.
    """

    unmatched: int = 0
    oldest: datetime | None = None
    proposed: int = 0
    unproved: int = 0
    unverified: int = 0
    unread: int = 0
    not_booked: int = 0

    @property
    def to_match(self) -> int:
        """How many rows the page has where money is matched."""
        return self.unmatched + self.proposed

    @property
    def unseen(self) -> int:
        """How many emails nobody has seen."""
        return self.unverified + self.unread


@dataclass(frozen=True)
class Help:
    """Messages from the help page that nobody has answered since `oldest`."""

    open: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True)
class Waiting:
    """Everything that waits, or failed.

    `unassigned` are customers at Stripe of nobody here, `suppressed` members' addresses that bounce
    or complained, `paced` messages that wait for their turn or for their provider.
    """

    events: Queue = Queue()
    messages: Queue = Queue()
    disputes: Disputes = Disputes()
    fraud: FraudWarnings = FraudWarnings()
    refunds: Refunds = Refunds()
    unassigned: int = 0
    bank: Bank = Bank()
    help: Help = Help()
    suppressed: int = 0
    paced: int = 0


def _not_booked() -> QuerySet[ExpectedTransfer]:
    before = ExpressionWrapper(NOW - Value(BOOKED_WITHIN), output_field=DateTimeField())
    return ExpectedTransfer.objects.to_book().filter(confirmed_at__lt=before)


def _unseen(*states: MailState) -> QuerySet[BankMail]:
    return BankMail.objects.filter(seen_at=None, state__in=states)


def _counted(rows: Callable[[], QuerySet[Any, Any]], at: str) -> Part[Counted]:
    return Part(lambda: totals(rows(), count=Count("pk"), first=Min(at)))


# Each by itself, because each has its part of an index.
EVENTS = _counted(lambda: StripeEvent.objects.filter(state__in=sorted(EVENTS_OPEN)), "received_at")
FAILED_EVENTS = _counted(lambda: StripeEvent.objects.filter(state=EventState.FAILED), "received_at")
MESSAGES = _counted(
    lambda: Message.objects.filter(
        # What waits for the end of the quiet hours, or for its turn, isn't late.
        Q(waits_until=None) | Q(waits_until__lte=NOW),
        state__in=sorted(MESSAGES_OPEN),
    ),
    "created_at",
)
PACED = _counted(
    lambda: Message.objects.filter(
        state=MessageState.QUEUED,
        waits_until__gt=NOW,
        waits_for__in=[WaitsFor.TURN, WaitsFor.PROVIDER],
    ),
    "waits_until",
)
FAILED_MESSAGES = _counted(lambda: Message.objects.filter(state=MessageState.FAILED), "created_at")
DISPUTES = _counted(Dispute.objects.to_answer, "evidence_due_at")
FRAUD = _counted(FraudWarning.objects.to_settle, "created_at")
UNDECIDED = _counted(Refund.objects.undecided, "created_at")
FAILED_REFUNDS = _counted(lambda: Refund.objects.failed_lately(NOW), "created_at")
NOT_SENT = _counted(lambda: Refund.objects.not_sent(NOW), "created_at")
HELD = _counted(lambda: Refund.objects.held(NOW), "created_at")
BY_ZELLE = _counted(Refund.objects.by_zelle, "created_at")
UNASSIGNED = _counted(UnassignedCustomer.objects.all, "created_at")
UNMATCHED = _counted(
    lambda: BankTransfer.objects.filter(
        pk__in=BankTransfer.objects.unmatched().order_by().values("pk")
    ),
    "created_at",
)
PROPOSED = _counted(lambda: Allocation.objects.filter(state=AllocationState.PROPOSED), "created_at")
UNPROVED = _counted(lambda: unproved(NOW), "created_at")
UNVERIFIED = _counted(lambda: _unseen(MailState.UNVERIFIED), "received_at")
UNREAD = _counted(lambda: _unseen(MailState.REPEATED, MailState.UNREADABLE), "received_at")
NOT_BOOKED = _counted(_not_booked, "confirmed_at")
ASKED = _counted(SupportMessage.objects.unanswered, "created_at")
SUPPRESSED = _counted(
    lambda: Suppression.objects.filter(released_at=None, address=F("user__email")), "happened_at"
)
WAITING = Reading(
    *(EVENTS, FAILED_EVENTS, MESSAGES, FAILED_MESSAGES, DISPUTES, FRAUD),
    *(UNDECIDED, FAILED_REFUNDS, NOT_SENT, HELD, BY_ZELLE, UNASSIGNED),
    *(UNMATCHED, PROPOSED, UNPROVED, UNVERIFIED, UNREAD, NOT_BOOKED),
    *(ASKED, SUPPRESSED, PACED),
)


def waiting() -> Waiting:
    """Count all of it, in one statement."""
    results = WAITING(now=timezone.now())

    def counted(part: Part[Counted]) -> Counted:
        return results.first(part) or (0, None)

    undecided, oldest = counted(UNDECIDED)
    return Waiting(
        events=_queue(counted(EVENTS), counted(FAILED_EVENTS)),
        messages=_queue(counted(MESSAGES), counted(FAILED_MESSAGES)),
        disputes=Disputes(*counted(DISPUTES)),
        fraud=FraudWarnings(*counted(FRAUD)),
        refunds=Refunds(
            waiting=undecided,
            oldest=oldest,
            failed=counted(FAILED_REFUNDS)[0],
            not_sent=counted(NOT_SENT)[0],
            held=counted(HELD)[0],
            by_zelle=counted(BY_ZELLE)[0],
        ),
        unassigned=counted(UNASSIGNED)[0],
        bank=_bank(counted),
        help=Help(*counted(ASKED)),
        suppressed=counted(SUPPRESSED)[0],
        paced=counted(PACED)[0],
    )


def _bank(counted: Callable[[Part[Counted]], Counted]) -> Bank:
    unmatched, oldest = counted(UNMATCHED)
    return Bank(
        unmatched=unmatched,
        oldest=oldest,
        proposed=counted(PROPOSED)[0],
        unproved=counted(UNPROVED)[0],
        unverified=counted(UNVERIFIED)[0],
        unread=counted(UNREAD)[0],
        not_booked=counted(NOT_BOOKED)[0],
    )


def _queue(waiting: Counted, failed: Counted) -> Queue:
    count, oldest = waiting
    return Queue(count, failed[0], oldest)
