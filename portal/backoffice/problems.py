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
from django.utils import timezone, translation
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy
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
from members import languages
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
# Limits of texts: what reached one, and what raises it.
CAPS = {
    "person": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: a number reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: a number reached its limit. If that"
            " many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_PERSON_PER_DAY",
    ),
    "country": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: a country reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: a country reached its limit. If that"
            " many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_COUNTRY_PER_DAY",
    ),
    "total": (
        ngettext_lazy(
            "%(count)s text went unsent in the last 24 hours: the portal reached its limit. If that"
            " many are right, raise %(setting)s.",
            "%(count)s texts went unsent in the last 24 hours: the portal reached its limit. If"
            " that many are right, raise %(setting)s.",
            "number",
        ),
        "TEXTS_PER_DAY",
    ),
}
LONGEST_KEY = 200
NO_PORTAL = gettext_lazy(
    "Members can’t change their card: Stripe’s customer portal isn’t set up. In Stripe’s dashboard,"
    " open Settings → Billing → Customer portal and save it."
)


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
    facts = problem_facts.read(timezone.now())
    now = [one.key for one in described(facts)]
    with transaction.atomic():
        rows = Problem.objects.select_for_update().filter(solved_at=None)
        known = {row.key: row for row in rows}
        gone = [row.pk for key, row in known.items() if key not in now]
        Problem.objects.filter(pk__in=gone).update(solved_at=timezone.now())
        return [_tell(facts, key) for key in dict.fromkeys(now) if key not in known]


def _tell(facts: ProblemFacts, key: str) -> Problem:
    """Record a problem in the business's language, and mail it in each reader's."""
    with translation.override(languages.own()):
        row = Problem.objects.create(key=key, text=_of_key(facts, key).text)
    outbox.put_staff(
        lambda: _found(_of_key(facts, key)),
        cause=str(row.pk),
        happened_at=row.seen_at,
    )
    return row


def _of_key(facts: ProblemFacts, key: str) -> CurrentProblem:
    """Put one problem into words of the active language."""
    return next(one for one in described(facts) if one.key == key)


def _found(one: CurrentProblem) -> ProblemFound:
    url = f"{settings.PORTAL_URL}{one.url}"
    return ProblemFound(text=one.text, action=one.action, url=url)


def _counted(words: str, count: int) -> str:
    """Fill in a number as people write it."""
    return words % {"count": show.number(count)}


def _edited_texts(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what staff wrote that can't be filled in any more, so the original is sent."""
    for row in facts.edited_texts:
        if wrong := message_words.broken(row):
            yield CurrentProblem(
                f"edited text:{row.kind}:{row.language}:{row.pk}",
                _("The words of %(message)s can’t be used, so the original is sent. %(reason)s")
                % {"message": message_words.title(row), "reason": wrong[0]},
                message_words.address(Kind(row.kind), row.language),
                _("Edit the words"),
                permission="emails.view_message",
                tone=WARNING,
            )


def _over_caps(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that texts were left out: the business has grown, or something sends too many."""
    rows = show.list_of("emails.message", channel__exact=Channel.SMS, why=Why.HELD)
    for name, (words, variable) in CAPS.items():
        if count := facts.over_caps.get(name):
            numbers = {"number": count, "count": show.number(count), "setting": variable}
            yield CurrentProblem(
                f"text cap:{name}",
                words % numbers,
                rows,
                _("See what was held back"),
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
        _("A member is charged for two memberships. End one, and refund it if that’s right."),
        reverse("admin:billing_subscription_two", args=[user_id]),
        _("See both"),
        MONEY,
    )


def _second_trial(subscription_pk: int) -> CurrentProblem:
    return CurrentProblem(
        f"{SECOND_TRIAL}:{subscription_pk}",
        _(
            "Somebody started a second free trial from another account with the same email"
            " address. End it, or let it run."
        ),
        show.page_of(Subscription(pk=subscription_pk)),
        _("See the membership"),
        MONEY,
        WARNING,
    )


def _at_stripe(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what isn't set up at Stripe, and recent events that aren't for us."""
    for row in facts.missing_setup:
        yield CurrentProblem(f"setup:{row.name}", str(NO_PORTAL), show.page_of(row), _("See how"))
    for reason, count in facts.ignored.items():
        yield _ignored(reason, count)


def _why_ignored(reason: IgnoredBecause, count: int) -> str:
    if reason is IgnoredBecause.THIN:
        return ngettext(
            "Stripe sent %(count)s event without its object (“thin”), which was ignored: let"
            " the endpoint at Stripe send snapshot payloads.",
            "Stripe sent %(count)s events without their object (“thin”), which were ignored:"
            " let the endpoint at Stripe send snapshot payloads.",
            count,
        )
    if reason is IgnoredBecause.CONNECTED:
        return ngettext(
            "Stripe sent %(count)s event of connected accounts, which was ignored: let the"
            " endpoint at Stripe listen to your account only.",
            "Stripe sent %(count)s events of connected accounts, which were ignored: let the"
            " endpoint at Stripe listen to your account only.",
            count,
        )
    return ngettext(
        "Stripe sent %(count)s event of its other mode (live or test), which was ignored:"
        " remove this portal’s address from the endpoints of that mode.",
        "Stripe sent %(count)s events of its other mode (live or test), which were"
        " ignored: remove this portal’s address from the endpoints of that mode.",
        count,
    )


def _ignored(reason: IgnoredBecause, count: int) -> CurrentProblem:
    return CurrentProblem(
        f"ignored:{reason}",
        _counted(_why_ignored(reason, count), count),
        show.list_of("billing.ignoredevents", reason__exact=reason),
        _("See which"),
        tone=WARNING,
    )


def _drift(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the last comparison's remaining differences, or that there was no recent one."""
    last, now = facts.comparison, facts.now
    if last is None:
        first = facts.checked_first_at
        if first and now - first > OVERDUE:
            yield _not_compared(_("Our records have never been compared with Stripe."))
        return
    if last.differences_left:
        yield from _left(last)
    if last.compared_at and now - last.compared_at > OVERDUE:
        since = show.how_long(last.compared_at, now)
        text = _("Our records haven’t been compared with Stripe for %(time)s.")
        yield _not_compared(text % {"time": since})


def _not_compared(text: str) -> CurrentProblem:
    checks = show.all_of("billing.reconciliation")
    return CurrentProblem("comparison", text, checks, _("Compare now"), tone=WARNING)


def _left(run: Reconciliation) -> Iterator[CurrentProblem]:
    """Yield what differs, and what the portal made at Stripe but has no record of."""
    orphans = sum(one["ours"] == ORPHAN for one in run.differences)
    on, page = show.day(run.compared_at), show.page_of(run)
    if count := run.differences_left - orphans:
        words = ngettext(
            "Our records differ from Stripe: %(count)s difference found on %(day)s.",
            "Our records differ from Stripe: %(count)s differences found on %(day)s.",
            count,
        )
        text = words % {"count": show.number(count), "day": on}
        yield CurrentProblem("drift", text, page, _("See the differences"))
    if orphans:
        words = ngettext(
            "The portal made %(count)s object at Stripe that no record here knows, found on"
            " %(day)s.",
            "The portal made %(count)s objects at Stripe that no record here knows, found on"
            " %(day)s.",
            orphans,
        )
        text = words % {"count": show.number(orphans), "day": on}
        yield CurrentProblem("orphans", text, page, _("See which"))


def _failed_jobs(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the scheduled jobs whose last run failed for good."""
    for pk, task_name in facts.failed_jobs:
        name = title_of(task_name)
        text = _("The scheduled job “%(name)s” failed, and no later run succeeded.")
        yield CurrentProblem(
            f"job:{task_name}",
            text % {"name": name},
            show.page_of(ProcrastinateJob(pk=pk)),
            _("See what happened"),
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
        yield _not_verified(_("The refund ledger has never been verified."))


def _ledger_check(last: LedgerCheck, now: datetime) -> Iterator[CurrentProblem]:
    page = show.page_of(last)
    if last.problems:
        words = ngettext(
            "The refund ledger has %(count)s problem.",
            "The refund ledger has %(count)s problems.",
            len(last.problems),
        )
        text = _counted(words, len(last.problems))
        yield CurrentProblem("ledger", text, page, _("See the problems"), LEDGER)
    age = now - last.started_at
    if age > OVERDUE:
        since = show.how_long(last.started_at, now)
        text = _("The refund ledger hasn’t been verified for %(time)s.")
        yield _not_verified(text % {"time": since})
    if not last.compared_with_stripe and age > CHECK_TAKES:
        text = _("The last check of the refund ledger was not compared with Stripe.")
        yield CurrentProblem("ledger comparison", text, page, _("See the check"), LEDGER)


def _books(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that the books have differed from Stripe's balance for a while."""
    if facts.balance is None:
        return
    amounts = [Money(amount, one) for one, amount in sorted(facts.balance.differences.items())]
    lacking = get_text_list([str(one) for one in amounts], _("and"))
    words = ngettext(
        "The books differ from Stripe’s balance: %(amounts)s is missing here.",
        "The books differ from Stripe’s balance: %(amounts)s are missing here.",
        len(amounts),
    )
    text = words % {"amounts": lacking}
    page = reverse("admin:billing_balancetransaction_months")
    yield CurrentProblem("books", text, page, _("See the books"), BOOKS)


def _closings(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that the chain of closed months is broken, or that nobody has looked lately."""
    if (check := facts.closings) is None:
        return
    page = reverse("admin:billing_balancetransaction_months")
    if check.problems:
        words = ngettext(
            "The chain of closed months of the books has %(count)s problem: %(first)s",
            "The chain of closed months of the books has %(count)s problems: %(first)s",
            len(check.problems),
        )
        text = words % {"count": show.number(len(check.problems)), "first": check.problems[0]}
        yield CurrentProblem("closings", text, page, _("See the months"), BOOKS)
    elif check.closings and facts.now - check.checked_at > OVERDUE:
        since = show.how_long(check.checked_at, facts.now)
        words = _("The closed months of the books haven’t been verified for %(time)s.")
        text = words % {"time": since}
        yield CurrentProblem("closing checks", text, page, _("See the months"), BOOKS, WARNING)


def _not_verified(text: str) -> CurrentProblem:
    checks = show.all_of("billing.ledgercheck")
    return CurrentProblem("ledger checks", text, checks, _("Verify now"), LEDGER, WARNING)


def _tax(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what keeps Stripe Tax from calculating tax."""
    account = facts.tax_account
    if account and account.status != "active":
        text = _(
            "STRIPE_TAX is on, but Stripe Tax isn’t set up: nobody can pay. Activate it in "
            "Stripe’s dashboard, or turn the setting off."
        )
        yield CurrentProblem("tax account", text, show.all_of("billing.plan"), _("See the prices"))
    if facts.untaxed:
        words = ngettext(
            "Stripe charges %(count)s membership without tax: it can’t tell where the member is."
            " Tax is added again once the billing address is there.",
            "Stripe charges %(count)s memberships without tax: it can’t tell where the member is."
            " Tax is added again once the billing address is there.",
            facts.untaxed,
        )
        text = _counted(words, facts.untaxed)
        url = show.list_of("billing.subscription", untaxed="yes")
        yield CurrentProblem("untaxed", text, url, _("See whose"), MONEY)
    if facts.unfinalized:
        words = ngettext(
            "Stripe can’t finalize %(count)s invoice. Mostly a customer’s address is missing.",
            "Stripe can’t finalize %(count)s invoices. Mostly a customer’s address is missing.",
            facts.unfinalized,
        )
        text = _counted(words, facts.unfinalized)
        url = show.list_of("billing.invoice", status__exact=InvoiceStatus.DRAFT)
        yield CurrentProblem("unfinalized", text, url, _("See which"), MONEY)


def _refused_mail(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that our mail or texts are refused because of us: nothing gets through."""
    newest: dict[str, Message] = {row.channel: row for row in facts.refused}
    for channel, row in newest.items():
        words = (
            _("Our text messages can’t be sent until this is fixed. %(error)s")
            if channel == Channel.SMS
            else _("Our email can’t be sent until this is fixed. %(error)s")
        )
        waiting = show.list_of("emails.message", state__in="queued,sending")
        text = words % {"error": row.error}
        yield CurrentProblem(f"refused {channel}", text, waiting, _("See what waits"))


def _mailbox(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what keeps the bank's emails from us."""
    if (row := facts.mailbox) is None:
        return
    page = show.page_of(row)
    if text := _unread(row, facts.now):
        yield CurrentProblem("bank mailbox", text, page, _("See the mailbox"), MAILBOX)
    if count := facts.kept_out.get(True):
        words = ngettext(
            "%(count)s email in the bank’s mailbox can’t be checked, because DNS doesn’t give us"
            " the bank’s key. After a day, such an email is kept as unverified.",
            "%(count)s emails in the bank’s mailbox can’t be checked, because DNS doesn’t give us"
            " the bank’s key. After a day, such an email is kept as unverified.",
            count,
        )
        text = _counted(words, count)
        yield CurrentProblem("bank keys", text, page, _("See the mailbox"), MAILBOX)
    if count := facts.kept_out.get(False):
        words = ngettext(
            "%(count)s email in the bank’s mailbox can’t be processed. The log says why. We keep"
            " trying until it works, or the email is moved to another folder.",
            "%(count)s emails in the bank’s mailbox can’t be processed. The log says why. We keep"
            " trying until it works, or the email is moved to another folder.",
            count,
        )
        text = _counted(words, count)
        yield CurrentProblem("bank emails", text, page, _("See the mailbox"), MAILBOX, WARNING)


def _bounces(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield that we don't learn which of our emails come back."""
    row = facts.bounces
    failing_since = row.failing_since if row else None
    if row and failing_since and facts.now - failing_since > problem_facts.HICCUP:
        since = show.how_long(failing_since, facts.now)
        words = _(
            "We haven’t been able to read the mailbox for bounces for %(time)s, so we don’t learn"
            " which emails come back. %(problem)s"
        )
        text = words % {"time": since, "problem": row.problem}
        page = show.page_of(row)
        yield CurrentProblem("bounce mailbox", text, page, _("See the mailbox"), BOUNCES, WARNING)


def _check_up(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield what the doctor's last run found that no other problem says."""
    if (row := facts.check_up) is None:
        return
    failures = [one for one in row.failures if one["key"] not in SAID_ELSEWHERE]
    if not failures:
        return
    names = {
        "names": ", ".join(one["title"] for one in failures[:MOST_NAMED]),
        "count": len(failures) - MOST_NAMED,
    }
    words = (
        _("The last check-up found what doesn’t work: %(names)s, and %(count)s more.")
        if len(failures) > MOST_NAMED
        else _("The last check-up found what doesn’t work: %(names)s.")
    )
    yield CurrentProblem(
        # Another failure is news.
        f"check-up:{','.join(sorted(one['key'] for one in failures))}"[:LONGEST_KEY],
        words % names,
        show.page_of(row),
        _("See what to do"),
        CHECK_UPS,
    )


def _unread(row: BankMailbox, now: datetime) -> str:
    """Say that a mailbox can't be read, or just isn't."""
    failing_since = row.failing_since
    if failing_since and now - failing_since > problem_facts.HICCUP:
        since = show.how_long(failing_since, now)
        words = _("We haven’t been able to read the bank’s mailbox for %(time)s. %(problem)s")
        return words % {"time": since, "problem": row.problem}
    if row.read_at and now - row.read_at > UNREAD:
        since = show.how_long(row.read_at, now)
        words = _(
            "The bank’s mailbox hasn’t been read for %(time)s. Check that the worker is running."
        )
        return words % {"time": since}
    return ""
