"""The facts for the staff's home page, for what this staff member may see.

One statement each for what waits, problems, how members stand, and the integration, four for the
business's numbers, and one for each kind of failure if there is any. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker

from billing.core.statuses import UNPAID_SUBSCRIPTION, EventState
from billing.facts import daily, numbers
from billing.facts.numbers import Numbers
from billing.facts.windows import Window
from billing.models import (
    DayMail,
    FailureMail,
    NumbersMail,
    Reconciliation,
    StripeEvent,
    Subscription,
)
from common.reads import Param, Part, Reading, totals
from emails.models import Message, MessageState
from portal.backoffice import problem_facts
from portal.backoffice.home import business
from portal.backoffice.home.business import Business
from portal.backoffice.problem_facts import ProblemFacts
from portal.backoffice.waiting import Waiting

# What home's parts take to be seen. A problem names its own.
DISPUTES, REFUNDS = "billing.view_dispute", "billing.view_refund"
FRAUD = "billing.view_fraudwarning"
MONEY, INTEGRATION = "billing.view_subscription", "billing.view_stripeevent"
BANK, HELP = "billing.view_bank_money", "portal.view_supportmessage"
ADDRESSES = "emails.view_suppression"
PERMISSIONS = frozenset(
    {
        DISPUTES,
        FRAUD,
        REFUNDS,
        MONEY,
        INTEGRATION,
        BANK,
        HELP,
        ADDRESSES,
        *problem_facts.PERMISSIONS,
    }
)
SHOWN = 5
NOW = Param("now", "timestamptz")


@dataclass(frozen=True)
class Wanted:
    """Which numbers somebody asked for: a currency's, and a month's or those of some days.

    By default it's the current month.
    """

    currency: str = ""
    month: date | None = None
    days: Window | None = None


@dataclass(frozen=True)
class MoneyFacts:
    """How members stand, and the business's numbers, as of the time that money is dated by."""

    members: Business
    numbers: Numbers
    at: datetime


@dataclass(frozen=True)
class Jobs:
    """The queue's rows. `waiting` are due now; `later` are retries and schedules."""

    waiting: int
    later: int
    running: int
    failed: int


@dataclass(frozen=True)
class Integration:
    """Whether Stripe's news reaches us, and ours reaches members."""

    takes_webhooks: bool  # else all are refused, for lack of a secret
    last_event: StripeEvent | None
    last_good_check: Reconciliation | None
    last_comparison: Reconciliation | None
    jobs: Jobs
    worker_seen_at: datetime | None
    worker_is_alive: bool  # its heartbeat is recent enough for it to keep its jobs


@dataclass(frozen=True)
class Failures:
    """The newest failures of each kind."""

    subscriptions: Sequence[Subscription] = ()
    events: Sequence[StripeEvent] = ()
    messages: Sequence[Message] = ()


@dataclass(frozen=True)
class HomeFacts:
    """Everything that home shows to a staff member with these permissions, as of `now`.

    A part that they may not see is None.
    """

    now: datetime
    permissions: frozenset[str]
    waiting: Waiting
    problems: ProblemFacts | None = None
    money: MoneyFacts | None = None
    by_email: bool = False
    day_by_email: bool = False
    failures_by_email: bool = False
    integration: Integration | None = None
    failures: Failures = field(default_factory=Failures)

    def may(self, permission: str) -> bool:
        """Whether they may see what takes this permission."""
        return permission in self.permissions


def _mails(user: User) -> dict[str, bool]:
    """Return which emails somebody turned on, in one statement."""
    own = {"user": OuterRef("pk")}
    rows = User.objects.filter(pk=user.pk).values(
        by_email=Exists(NumbersMail.objects.filter(**own)),
        day_by_email=Exists(DayMail.objects.filter(**own)),
        failures_by_email=Exists(FailureMail.objects.filter(**own)),
    )
    return {name: bool(value) for name, value in rows.get().items()}


def _jobs() -> QuerySet[Any, Any]:
    is_due = Q(scheduled_at__isnull=True) | Q(scheduled_at__lte=NOW)
    return totals(
        ProcrastinateJob.objects.all(),
        waiting=Count("pk", filter=Q(status="todo") & is_due),
        later=Count("pk", filter=Q(status="todo") & ~is_due),
        running=Count("pk", filter=Q(status="doing")),
        failed=Count("pk", filter=Q(status="failed")),
    )


NEWEST_EVENT_AT = Part(lambda: StripeEvent.objects.values_list("created_at", flat=True)[:1])
LAST_EVENT = Part(lambda: StripeEvent.objects.defer("payload")[:1])
LAST_GOOD_CHECK = Part(lambda: Reconciliation.objects.filter(finished_at__isnull=False)[:1])
LAST_COMPARISON = Part(lambda: Reconciliation.objects.exclude(compared_at=None)[:1])
JOBS = Part(_jobs)
WORKER = Part(lambda: totals(ProcrastinateWorker.objects.all(), at=Max("last_heartbeat")))
MONEY_READING = Reading(business.SHARES, NEWEST_EVENT_AT)
INTEGRATION_READING = Reading(LAST_EVENT, LAST_GOOD_CHECK, LAST_COMPARISON, JOBS, WORKER)


def home(
    permissions: frozenset[str],
    waiting: Waiting,
    wanted: Wanted = Wanted(),
    user: User | None = None,
) -> HomeFacts:
    """Read what the page shows to somebody with these permissions, besides what waits."""
    now = timezone.now()
    sees_integration = INTEGRATION in permissions
    money = _money(now, wanted) if MONEY in permissions else None
    sees_problems = not permissions.isdisjoint(problem_facts.PERMISSIONS)
    return HomeFacts(
        now=now,
        permissions=permissions,
        waiting=waiting,
        problems=problem_facts.read(now) if sees_problems else None,
        money=money,
        **(_mails(user) if money and user else {}),
        integration=integration(now) if sees_integration else None,
        failures=_failures(
            money.members if money else None, waiting if sees_integration else Waiting()
        ),
    )


def integration(now: datetime) -> Integration:
    """Read the signs of life of webhooks, checks, and workers."""
    results = INTEGRATION_READING(now=now)
    [[seen_at]] = results[WORKER]
    silence = timedelta(seconds=settings.STALLED_WORKER_SECONDS)
    return Integration(
        takes_webhooks=bool(settings.STRIPE_WEBHOOK_SECRETS),
        last_event=results.first(LAST_EVENT),
        last_good_check=results.first(LAST_GOOD_CHECK),
        last_comparison=results.first(LAST_COMPARISON),
        jobs=Jobs(*(results.first(JOBS) or (0, 0, 0, 0))),
        worker_seen_at=seen_at,
        worker_is_alive=seen_at is not None and now - seen_at < silence,
    )


def _money(now: datetime, wanted: Wanted) -> MoneyFacts:
    results = MONEY_READING()
    at = _money_at(now, results.first(NEWEST_EVENT_AT))
    found = numbers.read(daily.day_of(at), wanted.currency, wanted.month, wanted.days)
    return MoneyFacts(business.of(results[business.SHARES]), found, at)


def _money_at(now: datetime, newest_event_at: datetime | None) -> datetime:
    """Return the time that money is dated by: now, with the real Stripe.

    A stand-in server's clock may be ahead; the newest event tells.
    """
    if not settings.STRIPE_API_BASE or newest_event_at is None:
        return now
    return max(now, newest_event_at)


def _failures(members: Business | None, waiting: Waiting) -> Failures:
    """Read the newest failures: one statement for each kind that has any."""
    unpaid = Subscription.objects.memberships().filter(status__in=UNPAID_SUBSCRIPTION)
    events = StripeEvent.objects.filter(state=EventState.FAILED).defer("payload")
    messages = Message.objects.filter(state=MessageState.FAILED).select_related("user")
    has_unpaid = members and (members.payment_failed or members.overdue)
    return Failures(
        subscriptions=list(unpaid.select_related("customer__user")[:SHOWN]) if has_unpaid else [],
        events=list(events[:SHOWN]) if waiting.events.failed else [],
        messages=list(messages[:SHOWN]) if waiting.messages.failed else [],
    )
