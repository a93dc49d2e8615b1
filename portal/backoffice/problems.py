"""Problems of the portal itself: looked up every time, announced to staff once.

The staff's home page shows each problem for as long as it lasts. `watch` runs every few minutes,
mails new ones to STAFF_EMAIL, and closes those that are gone; one that comes back is news again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Min, Sum, Value
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import IgnoredBecause, InvoiceStatus, SubscriptionStatus
from billing.facts import memberships
from billing.models import (
    IgnoredEvents,
    Invoice,
    LedgerCheck,
    MissingSetup,
    Reconciliation,
    RefundEntry,
    Subscription,
    TaxAccount,
)
from billing.reconcile.comparison import ORPHAN
from billing.sync import taxing
from common.staff import show
from emails import outbox
from emails.models import Channel, Message, MessageState
from portal.backoffice.contexts import ProblemFound
from portal.models import Problem

DANGER, WARNING = "danger", "warning"
INTEGRATION, LEDGER = "billing.view_stripeevent", "billing.audit_refund"
MONEY = "billing.view_subscription"
TWO, SECOND_TRIAL = "two memberships", "second trial"
# Both run every night.
OVERDUE = timedelta(days=2)
# A check reads the ledger and then asks Stripe: last night's run may still be running.
CHECK_TAKES = timedelta(hours=1)
# Refused messages all say the same, so a few are enough.
LOOKED_AT = 100
NO_PORTAL = (
    "Members can’t change their card: Stripe’s customer portal isn’t set up. In Stripe’s dashboard,"
    " open Settings → Billing → Customer portal and save it."
)
# How long after the last one events that aren't for us are a problem.
LATELY = timedelta(days=7)
WHAT_IS_WRONG = {
    IgnoredBecause.THIN: (
        "without their object (“thin”), which were ignored: let the endpoint at Stripe send"
        " snapshot payloads."
    ),
    IgnoredBecause.OTHER_MODE: (
        "of its other mode (live or test), which were ignored: remove this portal’s address from"
        " the endpoints of that mode."
    ),
}
# Successful jobs are deleted, which unlinks the schedule's last run from its job. So if the last
# run's job still exists and failed, there has been no success since.
FAILED_AT_LAST = """
    SELECT job.id, job.task_name
    FROM procrastinate_jobs AS job
    JOIN procrastinate_periodic_defers AS run ON run.job_id = job.id
    WHERE job.status = 'failed'
    ORDER BY job.task_name
"""


@dataclass(frozen=True)
class Found:
    """A current problem, and where to fix it.

    `permission` is needed to see it. `key` stays the same for as long as the problem lasts.
    """

    key: str
    text: str
    url: str
    action: str
    permission: str = INTEGRATION
    tone: str = DANGER


def found() -> list[Found]:
    """Return all current problems: nine queries, or eleven if something was never checked."""
    return [
        *_at_stripe(),
        *_drift(),
        *_failed_jobs(),
        *_ledger(),
        *_refused_mail(),
        *_tax(),
        *_memberships(),
    ]


def watch() -> list[Problem]:
    """Record and mail new problems, close those that are gone; return the new ones."""
    now = {one.key: one for one in found()}
    with transaction.atomic():
        rows = Problem.objects.select_for_update().filter(solved_at=None)
        known = {row.key: row for row in rows}
        gone = [row.pk for key, row in known.items() if key not in now]
        Problem.objects.filter(pk__in=gone).update(solved_at=timezone.now())
        return [_tell(one) for key, one in now.items() if key not in known]


def _tell(one: Found) -> Problem:
    row = Problem.objects.create(key=one.key, text=one.text)
    outbox.put_staff(
        ProblemFound(text=one.text, action=one.action, url=f"{settings.PORTAL_URL}{one.url}"),
        cause=str(row.pk),
        happened_at=row.seen_at,
    )
    return row


def _memberships() -> Iterator[Found]:
    """Yield members who are charged twice, and trials that were given twice."""
    twice = memberships.paid_twice().values_list(Value(TWO), "customer__user")
    rows = Subscription.objects.memberships().filter(is_second_trial=True)
    again = rows.filter(status=SubscriptionStatus.TRIALING).order_by()
    for what, number in sorted(twice.union(again.values_list(Value(SECOND_TRIAL), "pk"))):
        yield _two_memberships(number) if what == TWO else _second_trial(number)


def _two_memberships(user_id: int) -> Found:
    return Found(
        f"{TWO}:{user_id}",
        "A member is charged for two memberships. End one, and refund it if that’s right.",
        reverse("admin:billing_subscription_two", args=[user_id]),
        "See both",
        MONEY,
    )


def _second_trial(subscription_pk: int) -> Found:
    return Found(
        f"{SECOND_TRIAL}:{subscription_pk}",
        "Somebody started a second free trial from another account with the same email address."
        " End it, or let it run.",
        show.page_of(Subscription(pk=subscription_pk)),
        "See the membership",
        MONEY,
        WARNING,
    )


def _at_stripe() -> Iterator[Found]:
    """Yield what isn't set up at Stripe, and recent events that aren't for us."""
    missing = MissingSetup.objects.order_by().annotate(what=F("name"), number=F("pk"))
    lately = IgnoredEvents.objects.filter(last_at__gt=timezone.now() - LATELY).order_by()
    ignored = lately.values(what=F("reason")).annotate(number=Sum("count"))
    for what, number in missing.values_list("what", "number").union(
        ignored.values_list("what", "number")
    ):
        if what in set(IgnoredBecause):
            yield _ignored(IgnoredBecause(what), number)
        else:
            yield Found(
                f"setup:{what}", NO_PORTAL, show.page_of(MissingSetup(pk=number)), "See how"
            )


def _ignored(reason: IgnoredBecause, count: int) -> Found:
    events = "1 event" if count == 1 else f"{count:,} events"
    return Found(
        f"ignored:{reason}",
        f"Stripe sent {events} {WHAT_IS_WRONG[reason]}",
        show.list_of("billing.ignoredevents", reason__exact=reason),
        "See which",
        tone=WARNING,
    )


def _drift() -> Iterator[Found]:
    """Yield the last comparison's remaining differences, or that there was no recent one."""
    last = Reconciliation.objects.exclude(compared_at=None).first()
    checks = show.list_of("billing.reconciliation")
    if last is None:
        begun = Reconciliation.objects.aggregate(at=Min("started_at"))["at"]
        if begun and timezone.now() - begun > OVERDUE:
            text = "Our records have never been compared with Stripe."
            yield Found("comparison", text, checks, "Compare now", tone=WARNING)
        return
    if last.differences_left:
        yield from _left(last)
    if last.compared_at and timezone.now() - last.compared_at > OVERDUE:
        since = show.how_long(last.compared_at)
        text = f"Our records haven’t been compared with Stripe for {since}."
        yield Found("comparison", text, checks, "Compare now", tone=WARNING)


def _left(run: Reconciliation) -> Iterator[Found]:
    """Yield what differs, and what the portal made at Stripe but has no record of."""
    orphans = sum(one["ours"] == ORPHAN for one in run.differences)
    on, page = show.day(run.compared_at), show.page_of(run)
    if count := run.differences_left - orphans:
        differ = "1 difference" if count == 1 else f"{count:,} differences"
        text = f"Our records differ from Stripe: {differ} found on {on}."
        yield Found("drift", text, page, "See the differences")
    if orphans:
        made = "1 object" if orphans == 1 else f"{orphans:,} objects"
        text = f"The portal made {made} at Stripe that no record here knows, found on {on}."
        yield Found("orphans", text, page, "See which")


def _failed_jobs() -> Iterator[Found]:
    """Yield the scheduled jobs whose last run failed for good."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED_AT_LAST)
        failed = cursor.fetchall()
    for pk, task_name in failed:
        name = title_of(task_name)
        text = f"The scheduled job “{name}” failed, and no later run succeeded."
        yield Found(
            f"job:{task_name}", text, show.page_of(ProcrastinateJob(pk=pk)), "See what happened"
        )


def title_of(task_name: str) -> str:
    """Return a task's readable name: "verify ledger" for `billing.tasks.verify_ledger`."""
    return task_name.rpartition(".")[2].replace("_", " ")


def _ledger() -> Iterator[Found]:
    """Yield problems of the refund ledger, or of its checks."""
    last = LedgerCheck.objects.exclude(finished_at=None).first()
    checks = show.list_of("billing.ledgercheck")
    if last is None:
        if RefundEntry.objects.exists():
            text = "The refund ledger has never been verified."
            yield Found("ledger checks", text, checks, "Verify now", LEDGER, WARNING)
        return
    if last.problems:
        count = len(last.problems)
        has = "1 problem" if count == 1 else f"{count:,} problems"
        yield Found(
            "ledger",
            f"The refund ledger has {has}.",
            show.page_of(last),
            "See the problems",
            LEDGER,
        )
    age = timezone.now() - last.started_at
    if age > OVERDUE:
        text = f"The refund ledger hasn’t been verified for {show.how_long(last.started_at)}."
        yield Found("ledger checks", text, checks, "Verify now", LEDGER, WARNING)
    if not last.compared_with_stripe and age > CHECK_TAKES:
        text = "The last check of the refund ledger was not compared with Stripe."
        yield Found("ledger comparison", text, show.page_of(last), "See the check", LEDGER)


def _tax() -> Iterator[Found]:
    """Yield what keeps Stripe Tax from calculating tax."""
    account = TaxAccount.objects.first() if settings.STRIPE_TAX else None
    if account and account.status != "active":
        text = (
            "STRIPE_TAX is on, but Stripe Tax isn’t set up: nobody can pay. Activate it in "
            "Stripe’s dashboard, or turn the setting off."
        )
        yield Found("tax account", text, show.list_of("billing.plan"), "See the prices")
    if count := taxing.untaxed().count():
        whose = "1 membership" if count == 1 else f"{count:,} memberships"
        text = (
            f"Stripe charges {whose} without tax: it can’t tell where the member is. Tax is added "
            "again once the billing address is there."
        )
        url = show.list_of("billing.subscription", untaxed="yes")
        yield Found("untaxed", text, url, "See whose", MONEY)
    drafts = Invoice.objects.filter(status=InvoiceStatus.DRAFT).exclude(finalization_error="")
    if count := drafts.count():
        which = "1 invoice" if count == 1 else f"{count:,} invoices"
        text = f"Stripe can’t finalize {which}. Mostly a customer’s address is missing."
        url = show.list_of("billing.invoice", status__exact=InvoiceStatus.DRAFT)
        yield Found("unfinalized", text, url, "See which", MONEY)


def _refused_mail() -> Iterator[Found]:
    """Yield that our mail or texts are refused because of us: nothing gets through."""
    refused = Message.objects.filter(state=MessageState.QUEUED, is_our_fault=True)
    newest: dict[str, Message] = {}
    for row in refused.order_by("pk")[:LOOKED_AT]:
        newest[row.channel] = row
    for channel, row in newest.items():
        what = "text messages" if channel == Channel.SMS else "email"
        waiting = show.list_of("emails.message", state__in="queued,sending")
        text = f"Our {what} can’t be sent until this is fixed. {row.error}"
        yield Found(f"refused {channel}", text, waiting, "See what waits")
