"""What needs a person, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.core.statuses import EventState
from common.staff import show
from emails.models import MessageState
from portal.backoffice import problems
from portal.backoffice.home import links
from portal.backoffice.home.bank_tasks import of_bank
from portal.backoffice.home.business import Business
from portal.backoffice.home.facts import (
    ADDRESSES,
    BANK,
    DISPUTES,
    HELP,
    REFUNDS,
    HomeFacts,
    Integration,
)
from portal.backoffice.home.task import Task
from portal.backoffice.problem_facts import CHECK_UPS
from portal.backoffice.waiting import Disputes, Help, Queue, Refunds, Waiting

# A healthy portal empties its queues in seconds, and looks for missed events every hour.
WAITED_LONG = timedelta(minutes=5)
CHECK_OVERDUE = timedelta(hours=3)


def tasks(facts: HomeFacts) -> list[Task]:
    """List what this staff member may see of what needs somebody."""
    now, waiting = facts.now, facts.waiting
    listed = [
        *(_of_disputes(waiting.disputes) if facts.may(DISPUTES) else []),
        *(_of_help(waiting.help, now) if facts.may(HELP) else []),
        *(_of_refunds(waiting.refunds, now) if facts.may(REFUNDS) else []),
        *(of_bank(waiting.bank, now) if facts.may(BANK) else []),
        *(_of_addresses(waiting.suppressed) if facts.may(ADDRESSES) else []),
        *_of_problems(facts),
    ]
    if facts.money and facts.may(CHECK_UPS) and not _has_members(facts.money.members):
        listed.append(_first_steps())
    if facts.money:
        listed += [*_of_business(facts.money.members), *_of_unassigned(waiting.unassigned)]
    if facts.integration:
        listed += _of_integration(facts.integration, waiting, now)
    return listed


def _has_members(members: Business) -> bool:
    return any((members.active, members.trials, members.payment_failed, members.overdue))


def _first_steps() -> Task:
    return Task(
        "Nobody is a member. See what’s left to set up.",
        reverse("admin:portal_diagnosis_start"),
        "Getting started",
        "warning",
    )


def _of_disputes(disputes: Disputes) -> Iterable[Task]:
    if not disputes.to_answer:
        return
    url = show.list_of("billing.dispute", stage="answer")
    due = f": answer by {show.day(disputes.due_at)}" if disputes.due_at else ""
    first = ", the first" if disputes.to_answer > 1 and due else ""
    yield Task(
        f"{show.count(disputes.to_answer, 'dispute')} to answer{first}{due}.",
        url,
        "Answer the bank",
    )


def _of_addresses(count: int) -> Iterable[Task]:
    if not count:
        return
    text = ngettext(
        "Emails to %(count)s member bounce, or were marked as spam. Only needed ones are sent.",
        "Emails to %(count)s members bounce, or were marked as spam. Only needed ones are sent.",
        count,
    )
    url = show.list_of("emails.suppression", released_at__isnull="True")
    yield Task(text % {"count": show.number(count)}, url, _("See whose"), "warning")


def _of_help(asked: Help, now: datetime) -> Iterable[Task]:
    if not asked.open:
        return
    text = ngettext(
        "%(count)s message from the help page waits for an answer (%(age)s).",
        "%(count)s messages from the help page wait for an answer (oldest: %(age)s).",
        asked.open,
    )
    yield Task(
        text % {"count": asked.open, "age": show.age(asked.oldest, now)},
        show.list_of("portal.supportmessage", answered="no"),
        _("Answer"),
        "warning",
    )


def _of_refunds(refunds: Refunds, now: datetime) -> Iterable[Task]:
    if refunds.waiting:
        waits = "waits" if refunds.waiting == 1 else "wait"
        since = "since" if refunds.waiting == 1 else "the oldest since"
        text = f"{show.count(refunds.waiting, 'refund request')} {waits}, {since}"
        yield Task(
            f"{text} {show.day(refunds.oldest)} ({show.age(refunds.oldest, now)}).",
            show.list_of("billing.refund", needs="decision"),
            "Decide",
            "warning",
        )
    if refunds.by_zelle:
        has = "has" if refunds.by_zelle == 1 else "have"
        yield Task(
            f"{show.count(refunds.by_zelle, 'approved refund')} {has} to be sent by Zelle, from"
            " your bank’s app.",
            show.list_of("billing.refund", needs="by_zelle"),
            "Send it" if refunds.by_zelle == 1 else "Send them",
            "warning",
        )
    yield from _of_stuck_refunds(refunds)


def _of_stuck_refunds(refunds: Refunds) -> Iterable[Task]:
    if refunds.failed:
        yield Task(
            f"{show.count(refunds.failed, 'refund')} failed: the money is back with us.",
            show.list_of("billing.refund", needs="failed"),
            "See why",
        )
    if refunds.not_sent:
        yield Task(
            f"{_are(refunds.not_sent, 'approved refund')} not sent to Stripe.",
            show.list_of("billing.refund", needs="not_sent"),
            "See why",
        )
    if refunds.held:
        yield Task(
            f"{_are(refunds.held, 'refund')} held back by Stripe: its balance is too low, or it"
            " takes too long.",
            show.list_of("billing.refund", needs="held"),
            "See why",
        )


def _of_problems(facts: HomeFacts) -> Iterable[Task]:
    """List the portal's own problems that this staff member may see."""
    for one in problems.described(facts.problems) if facts.problems else []:
        if facts.may(one.permission):
            yield Task(one.text, one.url, one.action, one.tone)


def _of_unassigned(count: int) -> Iterable[Task]:
    """List customers at Stripe that belong to nobody: their money isn't copied."""
    if not count:
        return
    verb = "belongs" if count == 1 else "belong"
    yield Task(
        f"{show.count(count, 'customer')} of Stripe’s {verb} to nobody here: what came from there"
        " is not counted.",
        show.all_of("billing.unassignedcustomer"),
        "Assign",
        "warning",
    )


def _of_business(members: Business) -> Iterable[Task]:
    if members.payment_failed:
        yield Task(
            f"The last payment of {show.count(members.payment_failed, 'member')} failed.",
            links.subscriptions(status__in="past_due,unpaid"),
            "See whose",
        )
    if members.overdue:
        yield Task(
            f"{show.count(members.overdue, 'member')} {_has(members.overdue)} an overdue invoice.",
            links.overdue_invoices(),
            "See whose",
        )


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _are(number: int, what: str) -> str:
    return f"{show.count(number, what)} {'is' if number == 1 else 'are'}"


def _of_integration(state: Integration, waiting: Waiting, now: datetime) -> Iterable[Task]:
    if not state.takes_webhooks:
        yield Task(
            "Webhooks are refused: STRIPE_WEBHOOK_SECRETS is not set.",
            links.events(),
            "Webhook events",
        )
    if not state.worker_is_alive:
        seen = f" for {show.how_long(state.worker_seen_at, now)}" if state.worker_seen_at else ""
        yield Task(f"No worker has been heard of{seen}: start one.", links.jobs(), "See what waits")
    if waiting.events.failed:
        yield Task(
            f"{show.count(waiting.events.failed, 'webhook event')} could not be processed.",
            links.events(state__exact=EventState.FAILED),
            "See why and replay",
        )
    if waiting.messages.failed:
        yield Task(
            f"{show.count(waiting.messages.failed, 'message')} could not be delivered.",
            links.messages(state__exact=MessageState.FAILED),
            "See why and resend",
        )
    yield from _of_delays(state, waiting, now)


def _of_delays(state: Integration, waiting: Waiting, now: datetime) -> Iterable[Task]:
    if _waited_long(waiting.events, now):
        yield Task(
            f"A webhook event has been waiting for {show.how_long(waiting.events.oldest, now)}.",
            links.events(state__in="pending,retrying"),
            "See which",
            "warning",
        )
    if _waited_long(waiting.messages, now):
        yield Task(
            f"A message has been waiting for {show.how_long(waiting.messages.oldest, now)}.",
            links.messages(state__in="queued,sending"),
            "See which",
            "warning",
        )
    good = state.last_good_check
    if good is None or now - good.started_at > CHECK_OVERDUE:
        last = f" for {show.how_long(good.started_at, now)}" if good else " yet"
        text = f"Missed events have not been looked for{last}."
        yield Task(text, links.checks(), "Look now", "warning")


def _waited_long(queue: Queue, now: datetime) -> bool:
    return queue.oldest is not None and now - queue.oldest > WAITED_LONG
