"""What `problems` is told about the portal, in one statement. Times are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet, Sum
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import (
    IgnoredBecause,
    InvoiceStatus,
    PayoutStatus,
    SubscriptionStatus,
)
from billing.facts import memberships
from billing.models import (
    BalanceReading,
    BankMailbox,
    BankMailRetry,
    BookCheck,
    IgnoredEvents,
    Invoice,
    LedgerCheck,
    MissingSetup,
    Payout,
    Reconciliation,
    RefundEntry,
    Subscription,
    TaxAccount,
)
from billing.reconcile.comparison import LASTING
from billing.sync import taxing
from billing.zelle import mailbox
from common.reads import Param, Part, Reading, totals
from emails import bounce_mailbox, text_caps
from emails.models import BounceMailbox, Channel, EditedText, Message, MessageState
from portal.models import Diagnosis

INTEGRATION, LEDGER = "billing.view_stripeevent", "billing.audit_refund"
MONEY = "billing.view_subscription"
MAILBOX = "billing.view_bankmailbox"
BOUNCES = "emails.view_bouncemailbox"
BOOKS = "billing.view_balancetransaction"
CHECK_UPS = "portal.view_diagnosis"
# Somebody with none of these sees no problem.
PERMISSIONS = frozenset({INTEGRATION, LEDGER, MONEY, MAILBOX, BOUNCES, BOOKS, CHECK_UPS})
# How long after the last one events that aren't for us are a problem.
LATELY = timedelta(days=7)
# How long what the bank's mailbox has may be kept from us: mail servers have short failures.
HICCUP = timedelta(minutes=15)
# A payout that failed is a problem for so long, unless a later one reached the bank.
PAYOUTS_LATELY = timedelta(days=60)
# Refused messages all say the same, so a few are enough.
LOOKED_AT = 100


@dataclass(frozen=True)
class ProblemFacts:
    """What could be wrong with the portal, as of `now`.

    `ignored`: recent events that aren't for us, by reason. `comparison`, `ledger_check`: the last
    ones that finished; `checked_first_at` and `has_ledger` say whether there should be one.
    `failed_jobs`: scheduled jobs whose last run failed, by pk and name. `tax_account`: only if
    Stripe Tax is on. `paid_twice`: users by pk. `second_trials`: subscriptions by pk. `mailbox`:
    the one that the bank's mails are read from; `kept_out`: mails there that couldn't be taken in
    for a while, by whether they wait for keys. `bounces`: the one that our own mails come back to.
    `closings`: the last check of the closed months' chain. `payouts`: the last recent ones that
    reached the bank or came back, by currency. `balance`: the last reading, if the books have
    differed from it for a while. `check_up`: the doctor's last finished run. `over_caps`: texts of
    the last day that were left out, by cap.
    """

    now: datetime
    missing_setup: Sequence[MissingSetup] = ()
    ignored: Mapping[IgnoredBecause, int] = field(default_factory=dict)
    comparison: Reconciliation | None = None
    checked_first_at: datetime | None = None
    failed_jobs: Sequence[tuple[int, str]] = ()
    ledger_check: LedgerCheck | None = None
    has_ledger: bool = False
    refused: Sequence[Message] = ()
    tax_account: TaxAccount | None = None
    untaxed: int = 0
    unfinalized: int = 0
    paid_twice: Sequence[int] = ()
    second_trials: Sequence[int] = ()
    mailbox: BankMailbox | None = None
    kept_out: Mapping[bool, int] = field(default_factory=dict)
    bounces: BounceMailbox | None = None
    balance: BalanceReading | None = None
    closings: BookCheck | None = None
    payouts: Sequence[Payout] = ()
    check_up: Diagnosis | None = None
    edited_texts: Sequence[EditedText] = ()
    over_caps: Mapping[str, int] = field(default_factory=dict)


def _failed_jobs() -> QuerySet[Any, tuple[int, str]]:
    """Return the scheduled jobs whose last run failed for good.

    Successful jobs are deleted, which unlinks the schedule's last run from its job. So if the last
    run's job still exists and failed, there has been no success since.
    """
    of_schedule = ProcrastinateJob.objects.filter(procrastinateperiodicdefer__isnull=False)
    return of_schedule.filter(status="failed").order_by("task_name").values_list("pk", "task_name")


def _ignored() -> QuerySet[Any, Any]:
    lately = IgnoredEvents.objects.filter(last_at__gt=Param("lately", "timestamptz"))
    by_reason = lately.order_by("reason").values("reason").annotate(number=Sum("count"))
    return by_reason.values_list("reason", "number")


def _second_trials() -> QuerySet[Any, int]:
    again = Subscription.objects.memberships().filter(is_second_trial=True)
    trials = again.filter(status=SubscriptionStatus.TRIALING)
    return trials.order_by("pk").values_list("pk", flat=True)


def _unfinalized() -> QuerySet[Invoice]:
    return Invoice.objects.filter(status=InvoiceStatus.DRAFT).exclude(finalization_error="")


def _kept_out() -> QuerySet[Any, Any]:
    """Return how many mails couldn't be taken in for a while, by whether they wait for keys."""
    old = BankMailRetry.objects.filter(
        mailbox__mailbox=Param("mailbox", "text"), failed_at__lt=Param("hiccup", "timestamptz")
    )
    by_kind = old.order_by("waits_for_keys").values("waits_for_keys").annotate(count=Count("pk"))
    return by_kind.values_list("waits_for_keys", "count")


def _payouts() -> QuerySet[Payout]:
    """Return the last ones whose end is known, of each currency."""
    ended = Payout.objects.filter(
        status__in=[PayoutStatus.PAID, PayoutStatus.FAILED],
        created_at__gt=Param("payouts_lately", "timestamptz"),
    )
    return ended.order_by("currency", "-created_at", "-pk").distinct("currency")


def _over_caps() -> QuerySet[Any, Any]:
    """Return how many texts were left out in the last day, by which cap they're over."""
    lately = Message.objects.filter(
        channel=Channel.SMS,
        state=MessageState.SKIPPED,
        sending_at__gt=Param("yesterday", "timestamptz"),
    )
    caps = {name: Count("pk", filter=text_caps.condition(name)) for name in text_caps.REASONS}
    return totals(lately, **caps)


MISSING_SETUP = Part(lambda: MissingSetup.objects.order_by("name"))
IGNORED = Part(_ignored)
COMPARISON = Part(lambda: Reconciliation.objects.exclude(compared_at=None)[:1])
CHECKED_FIRST = Part(
    lambda: Reconciliation.objects.order_by("pk").values_list("started_at", flat=True)[:1]
)
FAILED_JOBS = Part(_failed_jobs)
LEDGER_CHECK = Part(lambda: LedgerCheck.objects.exclude(finished_at=None)[:1])
LEDGER_ENTRY = Part(lambda: RefundEntry.objects.order_by().values_list("pk", flat=True)[:1])
REFUSED = Part(
    lambda: (
        Message.objects.filter(state=MessageState.QUEUED, is_our_fault=True)
        .order_by("pk")
        .defer("context", "price")[:LOOKED_AT]
    )
)
TAX_ACCOUNT = Part(lambda: TaxAccount.objects.all()[:1])
UNTAXED = Part(lambda: totals(taxing.untaxed(), count=Count("pk")))
UNFINALIZED = Part(lambda: totals(_unfinalized(), count=Count("pk")))
PAID_TWICE = Part(lambda: memberships.paid_twice().values_list("customer__user", flat=True))
SECOND_TRIALS = Part(_second_trials)
MAILBOXES = Part(lambda: BankMailbox.objects.filter(mailbox=Param("mailbox", "text")))
KEPT_OUT = Part(_kept_out)
BOUNCE_MAILBOXES = Part(lambda: BounceMailbox.objects.filter(mailbox=Param("bounces", "text")))
BALANCE = Part(
    lambda: BalanceReading.objects.filter(differs_since__lt=Param("lasting", "timestamptz"))[:1]
)
PAYOUTS = Part(_payouts)
BOOK_CHECK = Part(lambda: BookCheck.objects.all()[:1])
CHECK_UP = Part(lambda: Diagnosis.objects.exclude(finished_at=None)[:1])
OVER_CAPS = Part(_over_caps)
EDITED_TEXTS = Part(
    lambda: EditedText.objects.order_by("kind", "language", "-version").distinct("kind", "language")
)
PROBLEMS = Reading(
    *(MISSING_SETUP, IGNORED, COMPARISON, CHECKED_FIRST, FAILED_JOBS, LEDGER_CHECK, LEDGER_ENTRY),
    *(REFUSED, TAX_ACCOUNT, UNTAXED, UNFINALIZED, PAID_TWICE, SECOND_TRIALS),
    *(MAILBOXES, KEPT_OUT, BOUNCE_MAILBOXES, BALANCE, BOOK_CHECK, CHECK_UP, EDITED_TEXTS),
    *(OVER_CAPS, PAYOUTS),
)


def read(now: datetime) -> ProblemFacts:
    """Read all of it."""
    results = PROBLEMS(
        lately=now - LATELY,
        yesterday=now - text_caps.WINDOW,
        mailbox=mailbox.name(),
        bounces=bounce_mailbox.name(),
        hiccup=now - HICCUP,
        lasting=now - LASTING,
        payouts_lately=now - PAYOUTS_LATELY,
    )
    [[untaxed]], [[unfinalized]] = results[UNTAXED], results[UNFINALIZED]
    return ProblemFacts(
        now=now,
        missing_setup=results[MISSING_SETUP],
        ignored={IgnoredBecause(reason): count for reason, count in results[IGNORED]},
        comparison=results.first(COMPARISON),
        checked_first_at=results.first(CHECKED_FIRST),
        failed_jobs=results[FAILED_JOBS],
        ledger_check=results.first(LEDGER_CHECK),
        has_ledger=bool(results[LEDGER_ENTRY]),
        refused=results[REFUSED],
        tax_account=results.first(TAX_ACCOUNT) if settings.STRIPE_TAX else None,
        untaxed=untaxed,
        unfinalized=unfinalized,
        paid_twice=sorted(results[PAID_TWICE]),
        second_trials=results[SECOND_TRIALS],
        balance=results.first(BALANCE),
        closings=results.first(BOOK_CHECK),
        payouts=results[PAYOUTS],
        mailbox=results.first(MAILBOXES),
        kept_out=dict(results[KEPT_OUT]),
        bounces=results.first(BOUNCE_MAILBOXES),
        check_up=results.first(CHECK_UP),
        edited_texts=results[EDITED_TEXTS],
        over_caps=dict(zip(text_caps.REASONS, *results[OVER_CAPS], strict=True)),
    )
