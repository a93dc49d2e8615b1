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
    FRAUD,
    HELP,
    REFUNDS,
    HomeFacts,
    Integration,
)
from portal.backoffice.home.task import Task
from portal.backoffice.problem_facts import CHECK_UPS
from portal.backoffice.waiting import Disputes, FraudWarnings, Help, Queue, Refunds, Waiting

# A healthy portal empties its queues in seconds, and looks for missed events every hour.
WAITED_LONG = timedelta(minutes=5)
CHECK_OVERDUE = timedelta(hours=3)


def tasks(facts: HomeFacts) -> list[Task]:
    """List what this staff member may see of what needs somebody."""
    now, waiting = facts.now, facts.waiting
    listed = [
        *(_of_disputes(waiting.disputes) if facts.may(DISPUTES) else []),
        *(_of_fraud(waiting.fraud, now) if facts.may(FRAUD) else []),
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
        _("Nobody is a member. See what’s left to set up."),
        reverse("admin:portal_diagnosis_start"),
        _("Getting started"),
        "warning",
    )


def _of_disputes(disputes: Disputes) -> Iterable[Task]:
    if not disputes.to_answer:
        return
    url, count = show.list_of("billing.dispute", stage="answer"), disputes.to_answer
    text = (
        ngettext(
            "%(count)s dispute to answer: answer by %(day)s.",
            "%(count)s disputes to answer, the first: answer by %(day)s.",
            count,
        )
        if disputes.due_at
        else ngettext("%(count)s dispute to answer.", "%(count)s disputes to answer.", count)
    )
    facts = {"count": show.number(count), "day": show.day(disputes.due_at)}
    yield Task(text % facts, url, _("Answer the bank"))


def _of_fraud(fraud: FraudWarnings, now: datetime) -> Iterable[Task]:
    if not fraud.open:
        return
    text = ngettext(
        "A bank reports %(count)s payment as fraud (%(age)s). A full refund now normally avoids a"
        " dispute.",
        "Banks report %(count)s payments as fraud (oldest: %(age)s). Full refunds now normally"
        " avoid disputes.",
        fraud.open,
    )
    yield Task(
        text % {"count": show.number(fraud.open), "age": show.age(fraud.oldest, now)},
        show.list_of("billing.fraudwarning", needs="look"),
        _("Look at it") if fraud.open == 1 else _("Look at them"),
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
        text = ngettext(
            "%(count)s refund request waits, since %(day)s (%(age)s).",
            "%(count)s refund requests wait, the oldest since %(day)s (%(age)s).",
            refunds.waiting,
        )
        age = {"day": show.day(refunds.oldest), "age": show.age(refunds.oldest, now)}
        yield Task(
            text % {"count": show.number(refunds.waiting), **age},
            show.list_of("billing.refund", needs="decision"),
            _("Decide"),
            "warning",
        )
    if refunds.by_zelle:
        text = ngettext(
            "%(count)s approved refund has to be sent by Zelle, from your bank’s app.",
            "%(count)s approved refunds have to be sent by Zelle, from your bank’s app.",
            refunds.by_zelle,
        )
        yield Task(
            text % {"count": show.number(refunds.by_zelle)},
            show.list_of("billing.refund", needs="by_zelle"),
            ngettext("Send it", "Send them", refunds.by_zelle),
            "warning",
        )
    yield from _of_stuck_refunds(refunds)


def _of_stuck_refunds(refunds: Refunds) -> Iterable[Task]:
    if refunds.failed:
        yield Task(
            ngettext(
                "%(count)s refund failed: the money is back with us.",
                "%(count)s refunds failed: the money is back with us.",
                refunds.failed,
            )
            % {"count": show.number(refunds.failed)},
            show.list_of("billing.refund", needs="failed"),
            _("See why"),
        )
    if refunds.not_sent:
        yield Task(
            ngettext(
                "%(count)s approved refund is not sent to Stripe.",
                "%(count)s approved refunds are not sent to Stripe.",
                refunds.not_sent,
            )
            % {"count": show.number(refunds.not_sent)},
            show.list_of("billing.refund", needs="not_sent"),
            _("See why"),
        )
    if refunds.held:
        yield Task(
            ngettext(
                "%(count)s refund is held back by Stripe: its balance is too low, or it takes too"
                " long.",
                "%(count)s refunds are held back by Stripe: its balance is too low, or it takes too"
                " long.",
                refunds.held,
            )
            % {"count": show.number(refunds.held)},
            show.list_of("billing.refund", needs="held"),
            _("See why"),
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
    text = ngettext(
        "%(count)s customer of Stripe’s belongs to nobody here: what came from there is not"
        " counted.",
        "%(count)s customers of Stripe’s belong to nobody here: what came from there is not"
        " counted.",
        count,
    )
    yield Task(
        text % {"count": show.number(count)},
        show.all_of("billing.unassignedcustomer"),
        _("Assign"),
        "warning",
    )


def _of_business(members: Business) -> Iterable[Task]:
    if members.payment_failed:
        yield Task(
            ngettext(
                "The last payment of %(count)s member failed.",
                "The last payment of %(count)s members failed.",
                members.payment_failed,
            )
            % {"count": show.number(members.payment_failed)},
            links.subscriptions(status__in="past_due,unpaid"),
            _("See whose"),
        )
    if members.overdue:
        yield Task(
            ngettext(
                "%(count)s member has an overdue invoice.",
                "%(count)s members have an overdue invoice.",
                members.overdue,
            )
            % {"count": show.number(members.overdue)},
            links.overdue_invoices(),
            _("See whose"),
        )


def _of_integration(state: Integration, waiting: Waiting, now: datetime) -> Iterable[Task]:
    if not state.takes_webhooks:
        yield Task(
            _("Webhooks are refused: STRIPE_WEBHOOK_SECRETS is not set."),
            links.events(),
            _("Webhook events"),
        )
    if not state.worker_is_alive:
        text = (
            _("No worker has been heard of for %(time)s: start one.")
            % {"time": show.how_long(state.worker_seen_at, now)}
            if state.worker_seen_at
            else _("No worker has been heard of: start one.")
        )
        yield Task(text, links.jobs(), _("See what waits"))
    if waiting.events.failed:
        yield Task(
            ngettext(
                "%(count)s webhook event could not be processed.",
                "%(count)s webhook events could not be processed.",
                waiting.events.failed,
            )
            % {"count": show.number(waiting.events.failed)},
            links.events(state__exact=EventState.FAILED),
            _("See why and replay"),
        )
    if waiting.messages.failed:
        yield Task(
            ngettext(
                "%(count)s message could not be delivered.",
                "%(count)s messages could not be delivered.",
                waiting.messages.failed,
            )
            % {"count": show.number(waiting.messages.failed)},
            links.messages(state__exact=MessageState.FAILED),
            _("See why and resend"),
        )
    yield from _of_delays(state, waiting, now)


def _of_delays(state: Integration, waiting: Waiting, now: datetime) -> Iterable[Task]:
    if _waited_long(waiting.events, now):
        yield Task(
            _("A webhook event has been waiting for %(time)s.")
            % {"time": show.how_long(waiting.events.oldest, now)},
            links.events(state__in="pending,retrying"),
            _("See which"),
            "warning",
        )
    if _waited_long(waiting.messages, now):
        yield Task(
            _("A message has been waiting for %(time)s.")
            % {"time": show.how_long(waiting.messages.oldest, now)},
            links.messages(state__in="queued,sending"),
            _("See which"),
            "warning",
        )
    good = state.last_good_check
    if good is None or now - good.started_at > CHECK_OVERDUE:
        text = (
            _("Missed events have not been looked for for %(time)s.")
            % {"time": show.how_long(good.started_at, now)}
            if good
            else _("Missed events have not been looked for yet.")
        )
        yield Task(text, links.checks(), _("Look now"), "warning")


def _waited_long(queue: Queue, now: datetime) -> bool:
    return queue.oldest is not None and now - queue.oldest > WAITED_LONG
