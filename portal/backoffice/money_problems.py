"""Problems with money: books, payouts, the ledger, tax, memberships, and the bank's mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.core.statuses import InvoiceStatus, PayoutStatus
from billing.models import BankMailbox, LedgerCheck, Payout, Subscription
from common.money import Money
from common.staff import show
from portal.backoffice import problem_facts
from portal.backoffice.current_problems import OVERDUE, WARNING, CurrentProblem, counted
from portal.backoffice.problem_facts import (
    BOOKS,
    LEDGER,
    MAILBOX,
    MONEY,
    ProblemFacts,
)

TWO, SECOND_TRIAL = "two memberships", "second trial"
# The bank's mailbox is read every minute.
UNREAD = timedelta(hours=1)
# A check reads the ledger and then asks Stripe: last night's run may still be running.
CHECK_TAKES = timedelta(hours=1)


def found(facts: ProblemFacts) -> Iterator[CurrentProblem]:
    """Yield the problems of the books, payouts, the ledger, tax, memberships, and the bank."""
    yield from _ledger(facts)
    yield from _books(facts)
    yield from _closings(facts)
    failed = (one for one in facts.payouts if one.status == PayoutStatus.FAILED)
    yield from map(_payout, failed)
    yield from _tax(facts)
    yield from _memberships(facts)
    yield from _mailbox(facts)


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
        text = counted(words, len(last.problems))
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


def _payout(row: Payout) -> CurrentProblem:
    text = _(
        "Stripe’s payout of %(amount)s didn’t reach the bank. %(reason)s Check the bank account in"
        " Stripe’s dashboard."
    )
    reason = row.failure_message or row.failure_code.replace("_", " ").capitalize()
    reason = f"{reason.rstrip('.')}." if reason else ""
    said = " ".join((text % {"amount": row.money, "reason": reason}).split())
    return CurrentProblem(f"payout:{row.pk}", said, show.page_of(row), _("See the payout"), BOOKS)


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
        text = counted(words, facts.untaxed)
        url = show.list_of("billing.subscription", untaxed="yes")
        yield CurrentProblem("untaxed", text, url, _("See whose"), MONEY)
    if facts.unfinalized:
        words = ngettext(
            "Stripe can’t finalize %(count)s invoice. Mostly a customer’s address is missing.",
            "Stripe can’t finalize %(count)s invoices. Mostly a customer’s address is missing.",
            facts.unfinalized,
        )
        text = counted(words, facts.unfinalized)
        url = show.list_of("billing.invoice", status__exact=InvoiceStatus.DRAFT)
        yield CurrentProblem("unfinalized", text, url, _("See which"), MONEY)


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
        text = counted(words, count)
        yield CurrentProblem("bank keys", text, page, _("See the mailbox"), MAILBOX)
    if count := facts.kept_out.get(False):
        words = ngettext(
            "%(count)s email in the bank’s mailbox can’t be processed. The log says why. We keep"
            " trying until it works, or the email is moved to another folder.",
            "%(count)s emails in the bank’s mailbox can’t be processed. The log says why. We keep"
            " trying until it works, or the email is moved to another folder.",
            count,
        )
        text = counted(words, count)
        yield CurrentProblem("bank emails", text, page, _("See the mailbox"), MAILBOX, WARNING)


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
