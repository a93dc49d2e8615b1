"""Problems of the portal itself: looked up every time, announced to staff once.

The staff's home page shows each problem for as long as it lasts. `watch` runs every few minutes,
mails new ones to STAFF_EMAIL, and closes those that are gone; one that comes back is news again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import IgnoredBecause, InvoiceStatus
from billing.models import BankMailbox, LedgerCheck, Reconciliation, Subscription
from billing.reconcile.comparison import ORPHAN
from common.money import Money
from common.staff import show
from emails import outbox
from emails.catalog import Kind
from emails.left_out import Why
from emails.models import Channel, Message
from portal.backoffice import message_words, problem_facts
from portal.backoffice.contexts import ProblemFound
from portal.backoffice.problem_facts import (
    BOOKS,
    BOUNCES,
    CHECK_UPS,
    INTEGRATION,
    LEDGER,
    MAILBOX,
    MONEY,
    ProblemFacts,
)
from portal.models import Problem

DANGER, WARNING = "danger", "warning"
TWO, SECOND_TRIAL = "two memberships", "second trial"
# Both run every night.
OVERDUE = timedelta(days=2)
# The bank's mailbox is read every minute.
UNREAD = timedelta(hours=1)
# A check reads the ledger and then asks Stripe: last night's run may still be running.
CHECK_TAKES = timedelta(hours=1)
# Checks of what other problems, or home's own tasks, say already.
SAID_ELSEWHERE = frozenset(
    {
        *("portal.problems", "portal.ledger", "portal.books", "portal.worker", "portal.backlog"),
        *("bank.mailbox", "mail.bounces"),
    }
)
MOST_NAMED = 4
# Limits of texts: whose they are, and what raises them.
CAPS = {
    "person": ("a number", "TEXTS_PER_PERSON_PER_DAY"),
    "country": ("a country", "TEXTS_PER_COUNTRY_PER_DAY"),
    "total": ("the portal", "TEXTS_PER_DAY"),
}
LONGEST_KEY = 200
NO_PORTAL = (
    "Members can’t change their card: Stripe’s customer portal isn’t set up. In Stripe’s dashboard,"
    " open Settings → Billing → Customer portal and save it."
)
WHAT_IS_WRONG = {
    IgnoredBecause.THIN: (
        "without their object (“thin”), which were ignored: let the endpoint at Stripe send"
        " snapshot payloads."
    ),
    IgnoredBecause.OTHER_MODE: (
        "of its other mode (live or test), which were ignored: remove this portal’s address from"
        " the endpoints of that mode."
    ),
    IgnoredBecause.CONNECTED: (
        "of connected accounts, which were ignored: let the endpoint at Stripe listen to your"
        " account only."
    ),
}


@dataclass(frozen=True)
class CurrentProblem:
    """A current problem, and where to fix it.

    `permission` is needed to see it. `key` stays the same for as long as the problem lasts.
    """

    key: str
    text: str
    url: str
    action: str
    permission: str = INTEGRATION
    tone: str = DANGER


def current() -> list[CurrentProblem]:
    """Return all current problems, in one statement."""
    return described(problem_facts.read(timezone.now()))


def described(facts: ProblemFacts) -> list[CurrentProblem]:
    """Put the problems among these facts into words."""
    return [
        *_at_stripe(facts),
        *_drift(facts),
        *_failed_jobs(facts),
        *_ledger(facts),
        *_books(facts),
        *_closings(facts),
        *_refused_mail(facts),
        *_tax(facts),
        *_memberships(facts),
        *_mailbox(facts),
        *_bounces(facts),
        *_check_up(facts),
        *_edited_texts(facts),
        *_over_caps(facts),
    ]


def watch() -> list[Problem]:
    """Record and mail new problems, close those that are gone; return the new ones."""
    now = {one.key: one for one in current()}
    with transaction.atomic():
        rows = Problem.objects.select_for_update().filter(solved_at=None)
        known = {row.key: row for row in rows}
        gone = [row.pk for key, row in known.items() if key not in now]
        Problem.objects.filter(pk__in=gone).update(solved_at=timezone.now())
        return [_tell(one) for key, one in now.items() if key not in known]


def _tell(one: CurrentProblem) -> Problem:
    row = Problem.objects.create(key=one.key, text=one.text)
    outbox.put_staff(
        lambda: ProblemFound(
            text=one.text, action=one.action, url=f"{settings.PORTAL_URL}{one.url}"
        ),
        cause=str(row.pk),
        happened_at=row.seen_at,
    )
    return row


def _edited_texts(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what staff wrote that can't be filled in any more, so the original is sent."""
    for row in facts.edited_texts:
        if wrong := message_words.broken(row):
            yield CurrentProblem(
                f"edited text:{row.kind}:{row.language}:{row.pk}",
                f"The words of {message_words.title(row)} can’t be used, so the original is sent."
                f" {wrong[0]}",
                message_words.address(Kind(row.kind), row.language),
                "Edit the words",
                permission="emails.view_message",
                tone=WARNING,
            )


def _over_caps(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that texts were left out: the business has grown, or something sends too many."""
    rows = show.list_of("emails.message", channel__exact=Channel.SMS, why=Why.HELD)
    for name, (what, variable) in CAPS.items():
        if count := facts.over_caps.get(name):
            yield CurrentProblem(
                f"text cap:{name}",
                f"{show.count(count, 'text')} went unsent in the last 24 hours: {what} reached its"
                f" limit. If that many are right, raise {variable}.",
                rows,
                "See what was held back",
                permission="emails.view_message",
                tone=WARNING if name == "person" else DANGER,
            )


def _memberships(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield trials that were given twice, and members who are charged twice."""
    yield from map(_second_trial, facts.second_trials)
    yield from map(_two_memberships, facts.paid_twice)


def _two_memberships(user_id: int) -> CurrentProblem:
    return CurrentProblem(
        f"{TWO}:{user_id}",
        "A member is charged for two memberships. End one, and refund it if that’s right.",
        reverse("admin:billing_subscription_two", args=[user_id]),
        "See both",
        MONEY,
    )


def _second_trial(subscription_pk: int) -> CurrentProblem:
    return CurrentProblem(
        f"{SECOND_TRIAL}:{subscription_pk}",
        "Somebody started a second free trial from another account with the same email address."
        " End it, or let it run.",
        show.page_of(Subscription(pk=subscription_pk)),
        "See the membership",
        MONEY,
        WARNING,
    )


def _at_stripe(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what isn't set up at Stripe, and recent events that aren't for us."""
    for row in facts.missing_setup:
        yield CurrentProblem(f"setup:{row.name}", NO_PORTAL, show.page_of(row), "See how")
    for reason, count in facts.ignored.items():
        yield _ignored(reason, count)


def _ignored(reason: IgnoredBecause, count: int) -> CurrentProblem:
    return CurrentProblem(
        f"ignored:{reason}",
        f"Stripe sent {show.count(count, 'event')} {WHAT_IS_WRONG[reason]}",
        show.list_of("billing.ignoredevents", reason__exact=reason),
        "See which",
        tone=WARNING,
    )


def _drift(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the last comparison's remaining differences, or that there was no recent one."""
    last, now = facts.comparison, facts.now
    if last is None:
        first = facts.checked_first_at
        if first and now - first > OVERDUE:
            yield _not_compared("Our records have never been compared with Stripe.")
        return
    if last.differences_left:
        yield from _left(last)
    if last.compared_at and now - last.compared_at > OVERDUE:
        since = show.how_long(last.compared_at, now)
        yield _not_compared(f"Our records haven’t been compared with Stripe for {since}.")


def _not_compared(text: str) -> CurrentProblem:
    checks = show.all_of("billing.reconciliation")
    return CurrentProblem("comparison", text, checks, "Compare now", tone=WARNING)


def _left(run: Reconciliation) -> Iterator[CurrentProblem]:
    """Yield what differs, and what the portal made at Stripe but has no record of."""
    orphans = sum(one["ours"] == ORPHAN for one in run.differences)
    on, page = show.day(run.compared_at), show.page_of(run)
    if count := run.differences_left - orphans:
        differ = show.count(count, "difference")
        text = f"Our records differ from Stripe: {differ} found on {on}."
        yield CurrentProblem("drift", text, page, "See the differences")
    if orphans:
        made = show.count(orphans, "object")
        text = f"The portal made {made} at Stripe that no record here knows, found on {on}."
        yield CurrentProblem("orphans", text, page, "See which")


def _failed_jobs(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the scheduled jobs whose last run failed for good."""
    for pk, task_name in facts.failed_jobs:
        name = title_of(task_name)
        text = f"The scheduled job “{name}” failed, and no later run succeeded."
        yield CurrentProblem(
            f"job:{task_name}", text, show.page_of(ProcrastinateJob(pk=pk)), "See what happened"
        )


def title_of(task_name: str) -> str:
    """Return a task's readable name: "verify ledger" for `billing.tasks.verify_ledger`."""
    return task_name.rpartition(".")[2].replace("_", " ")


def _ledger(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield problems of the refund ledger, or of its checks."""
    last = facts.ledger_check
    if last:
        yield from _ledger_check(last, facts.now)
    elif facts.has_ledger:
        yield _not_verified("The refund ledger has never been verified.")


def _ledger_check(last: LedgerCheck, now: datetime) -> Iterator[CurrentProblem]:
    page = show.page_of(last)
    if last.problems:
        text = f"The refund ledger has {show.count(len(last.problems), 'problem')}."
        yield CurrentProblem("ledger", text, page, "See the problems", LEDGER)
    age = now - last.started_at
    if age > OVERDUE:
        since = show.how_long(last.started_at, now)
        yield _not_verified(f"The refund ledger hasn’t been verified for {since}.")
    if not last.compared_with_stripe and age > CHECK_TAKES:
        text = "The last check of the refund ledger was not compared with Stripe."
        yield CurrentProblem("ledger comparison", text, page, "See the check", LEDGER)


def _books(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that the books have differed from Stripe's balance for a while."""
    if facts.balance is None:
        return
    amounts = [Money(amount, one) for one, amount in sorted(facts.balance.differences.items())]
    lacking = " and ".join(map(str, amounts))
    verb = "is" if len(amounts) == 1 else "are"
    text = f"The books differ from Stripe’s balance: {lacking} {verb} missing here."
    page = reverse("admin:billing_balancetransaction_months")
    yield CurrentProblem("books", text, page, "See the books", BOOKS)


def _closings(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that the chain of closed months is broken, or that nobody has looked lately."""
    if (check := facts.closings) is None:
        return
    page = reverse("admin:billing_balancetransaction_months")
    if check.problems:
        found = show.count(len(check.problems), "problem")
        text = f"The chain of closed months of the books has {found}: {check.problems[0]}"
        yield CurrentProblem("closings", text, page, "See the months", BOOKS)
    elif check.closings and facts.now - check.checked_at > OVERDUE:
        since = show.how_long(check.checked_at, facts.now)
        text = f"The closed months of the books haven’t been verified for {since}."
        yield CurrentProblem("closing checks", text, page, "See the months", BOOKS, WARNING)


def _not_verified(text: str) -> CurrentProblem:
    checks = show.all_of("billing.ledgercheck")
    return CurrentProblem("ledger checks", text, checks, "Verify now", LEDGER, WARNING)


def _tax(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what keeps Stripe Tax from calculating tax."""
    account = facts.tax_account
    if account and account.status != "active":
        text = (
            "STRIPE_TAX is on, but Stripe Tax isn’t set up: nobody can pay. Activate it in "
            "Stripe’s dashboard, or turn the setting off."
        )
        yield CurrentProblem("tax account", text, show.all_of("billing.plan"), "See the prices")
    if facts.untaxed:
        text = (
            f"Stripe charges {show.count(facts.untaxed, 'membership')} without tax: it can’t tell"
            " where the member is. Tax is added again once the billing address is there."
        )
        url = show.list_of("billing.subscription", untaxed="yes")
        yield CurrentProblem("untaxed", text, url, "See whose", MONEY)
    if facts.unfinalized:
        which = show.count(facts.unfinalized, "invoice")
        text = f"Stripe can’t finalize {which}. Mostly a customer’s address is missing."
        url = show.list_of("billing.invoice", status__exact=InvoiceStatus.DRAFT)
        yield CurrentProblem("unfinalized", text, url, "See which", MONEY)


def _refused_mail(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that our mail or texts are refused because of us: nothing gets through."""
    newest: dict[str, Message] = {row.channel: row for row in facts.refused}
    for channel, row in newest.items():
        what = "text messages" if channel == Channel.SMS else "email"
        waiting = show.list_of("emails.message", state__in="queued,sending")
        text = f"Our {what} can’t be sent until this is fixed. {row.error}"
        yield CurrentProblem(f"refused {channel}", text, waiting, "See what waits")


def _mailbox(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what keeps the bank's emails from us."""
    if (row := facts.mailbox) is None:
        return
    page = show.page_of(row)
    if text := _unread(row, facts.now):
        yield CurrentProblem("bank mailbox", text, page, "See the mailbox", MAILBOX)
    if count := facts.kept_out.get(True):
        text = (
            f"{show.count(count, 'email')} in the bank’s mailbox can’t be checked, because DNS"
            " doesn’t give us the bank’s key. After a day, such an email is kept as unverified."
        )
        yield CurrentProblem("bank keys", text, page, "See the mailbox", MAILBOX)
    if count := facts.kept_out.get(False):
        text = (
            f"{show.count(count, 'email')} in the bank’s mailbox can’t be processed. The log says"
            " why. We keep trying until it works, or the email is moved to another folder."
        )
        yield CurrentProblem("bank emails", text, page, "See the mailbox", MAILBOX, WARNING)


def _bounces(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that we don't learn which of our emails come back."""
    row = facts.bounces
    failing_since = row.failing_since if row else None
    if row and failing_since and facts.now - failing_since > problem_facts.HICCUP:
        since = show.how_long(failing_since, facts.now)
        text = (
            f"We haven’t been able to read the mailbox for bounces for {since}, so we don’t learn"
            f" which emails come back. {row.problem}"
        )
        page = show.page_of(row)
        yield CurrentProblem("bounce mailbox", text, page, "See the mailbox", BOUNCES, WARNING)


def _check_up(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what the doctor's last run found that no other problem says."""
    if (row := facts.check_up) is None:
        return
    failures = [one for one in row.failures if one["key"] not in SAID_ELSEWHERE]
    if not failures:
        return
    named = ", ".join(one["title"] for one in failures[:MOST_NAMED])
    more = f", and {len(failures) - MOST_NAMED} more" if len(failures) > MOST_NAMED else ""
    yield CurrentProblem(
        # Another failure is news.
        f"check-up:{','.join(sorted(one['key'] for one in failures))}"[:LONGEST_KEY],
        f"The last check-up found what doesn’t work: {named}{more}.",
        show.page_of(row),
        "See what to do",
        CHECK_UPS,
    )


def _unread(row: BankMailbox, now: datetime) -> str:
    """Say that a mailbox can't be read, or just isn't."""
    failing_since = row.failing_since
    if failing_since and now - failing_since > problem_facts.HICCUP:
        since = show.how_long(failing_since, now)
        return f"We haven’t been able to read the bank’s mailbox for {since}. {row.problem}"
    if row.read_at and now - row.read_at > UNREAD:
        since = show.how_long(row.read_at, now)
        return f"The bank’s mailbox hasn’t been read for {since}. Check that the worker is running."
    return ""
