"""The staff site's home page: tasks first, then the business, then the integration.

Staff see the cards whose rows they may open. It takes at most thirteen queries besides the session,
the user, their profile, and their permissions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone

from billing.core.statuses import EventState, PaymentStatus, SubscriptionStatus
from common.money import Money, decimals
from common.staff import show
from emails.models import MessageState
from portal.backoffice import overview, problems
from portal.backoffice.navigation import health
from portal.backoffice.overview import Business, Failures, Health, Integration, MonthOfIncome, Queue

# A healthy portal empties its queues in seconds, and looks for missed events every hour.
WAITED_LONG = timedelta(minutes=5)
CHECK_OVERDUE = timedelta(hours=3)
CLOCKS_DIFFER = timedelta(hours=1)
SUMMARY = 120
DISPUTES = "billing.view_dispute"
REFUNDS = "billing.view_refund"
MONEY, INTEGRATION = "billing.view_subscription", "billing.view_stripeevent"


@dataclass(frozen=True)
class Number:
    """A number, what it counts, and where its rows are. Tones are Unfold's variants, or none."""

    label: str
    value: str
    url: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Task:
    """Something that needs a person, and where to do it."""

    text: str
    url: str
    action: str
    tone: str = "danger"


@dataclass(frozen=True)
class Line:
    """A row in a list of failures."""

    title: str
    detail: str
    age: str
    url: str


@dataclass(frozen=True)
class Trouble:
    """Recent failures of one kind, and the address of the full list."""

    title: str
    url: str
    lines: list[Line]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page's data to its context (Unfold's dashboard callback)."""
    now = health(request)
    state = overview.integration()
    business = overview.business()
    sees_money = request.user.has_perm(MONEY)
    sees_integration = request.user.has_perm(INTEGRATION)
    context |= {
        "title": "Home",
        "tasks": [
            *(_tasks_of_disputes(now) if request.user.has_perm(DISPUTES) else []),
            *(_tasks_of_refunds(now) if request.user.has_perm(REFUNDS) else []),
            *_tasks_of_problems(request),
            *(_tasks_of_business(business) if sees_money else []),
            *(_tasks_of_unassigned(now.refunds.unassigned) if sees_money else []),
            *(_tasks_of_integration(now, state) if sees_integration else []),
        ],
        "is_quiet": sees_money and sees_integration,
    }
    if sees_money:
        at = overview.business_now(state.last_event)
        came_in = overview.income(at)
        context |= {
            "business": _business(business, came_in.recent, at),
            "income": _chart(came_in.months, came_in.others),
            "clock_note": _clock_note(at),
        }
    if sees_integration:
        context |= {"integration": _integration(now, state)}
    found = overview.failures(now, business)
    context["troubles"] = [
        *(_troubles_of_business(found) if sees_money else []),
        *(_troubles_of_integration(found) if sees_integration else []),
    ]
    return context


def _tasks_of_disputes(now: Health) -> Iterable[Task]:
    found = now.disputes
    if not found.to_answer:
        return
    url = show.list_of("billing.dispute", stage="answer")
    due = f": answer by {show.day(found.due_at)}" if found.due_at else ""
    first = ", the first" if found.to_answer > 1 and due else ""
    yield Task(
        f"{_count(found.to_answer, 'dispute')} to answer{first}{due}.", url, "See the evidence"
    )


def _tasks_of_refunds(now: Health) -> Iterable[Task]:
    found = now.refunds
    if found.waiting:
        waits = "waits" if found.waiting == 1 else "wait"
        since = "since" if found.waiting == 1 else "the oldest since"
        text = f"{_count(found.waiting, 'refund request')} {waits}, {since}"
        yield Task(
            f"{text} {show.day(found.oldest)} ({show.age(found.oldest)}).",
            show.list_of("billing.refund", needs="decision"),
            "Decide",
            "warning",
        )
    if found.failed:
        yield Task(
            f"{_count(found.failed, 'refund')} failed: the money is back with us.",
            show.list_of("billing.refund", needs="failed"),
            "See why",
        )
    if found.not_sent:
        verb = "is" if found.not_sent == 1 else "are"
        yield Task(
            f"{_count(found.not_sent, 'approved refund')} {verb} not sent to Stripe.",
            show.list_of("billing.refund", needs="not_sent"),
            "See why",
        )
    if found.held:
        verb = "is" if found.held == 1 else "are"
        yield Task(
            f"{_count(found.held, 'refund')} {verb} held back by Stripe: its balance is too low, or"
            " it takes too long.",
            show.list_of("billing.refund", needs="held"),
            "See why",
        )


def _tasks_of_problems(request: HttpRequest) -> Iterable[Task]:
    """List the portal's own problems that this staff member may see."""
    for one in problems.found():
        if request.user.has_perm(one.permission):
            yield Task(one.text, one.url, one.action, one.tone)


def _tasks_of_unassigned(count: int) -> Iterable[Task]:
    """List customers at Stripe that belong to nobody: their money isn't copied."""
    if not count:
        return
    verb = "belongs" if count == 1 else "belong"
    yield Task(
        f"{_count(count, 'customer')} of Stripe’s {verb} to nobody here: what came from there"
        " is not counted.",
        show.list_of("billing.unassignedcustomer"),
        "Assign",
        "warning",
    )


def _tasks_of_business(now: Business) -> Iterable[Task]:
    if now.payment_failed:
        yield Task(
            f"The last payment of {_count(now.payment_failed, 'member')} failed.",
            _subscriptions(status__in="past_due,unpaid"),
            "See whose",
        )
    if now.overdue:
        yield Task(
            f"{_count(now.overdue, 'member')} {_has(now.overdue)} an overdue invoice.",
            show.list_of("billing.invoice", to_pay="overdue"),
            "See whose",
        )


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _tasks_of_integration(now: Health, state: Integration) -> Iterable[Task]:
    if not settings.STRIPE_WEBHOOK_SECRETS:
        yield Task(
            "Webhooks are refused: STRIPE_WEBHOOK_SECRETS is not set.", _events(), "Webhook events"
        )
    if not state.worker_is_alive:
        seen = f" for {show.how_long(state.worker_seen_at)}" if state.worker_seen_at else ""
        yield Task(f"No worker has been heard of{seen}: start one.", _jobs(), "See what waits")
    if now.events.failed:
        yield Task(
            f"{_count(now.events.failed, 'webhook event')} could not be processed.",
            _events(state__exact=EventState.FAILED),
            "See why and replay",
        )
    if now.messages.failed:
        yield Task(
            f"{_count(now.messages.failed, 'message')} could not be delivered.",
            _messages(state__exact=MessageState.FAILED),
            "See why and resend",
        )
    yield from _tasks_that_take_long(now, state)


def _tasks_that_take_long(now: Health, state: Integration) -> Iterable[Task]:
    if _waited_long(now.events):
        yield Task(
            f"A webhook event has been waiting for {show.how_long(now.events.oldest)}.",
            _events(state__in="pending,retrying"),
            "See which",
            "warning",
        )
    if _waited_long(now.messages):
        yield Task(
            f"A message has been waiting for {show.how_long(now.messages.oldest)}.",
            _messages(state__in="queued,sending"),
            "See which",
            "warning",
        )
    good = state.last_good_check
    if good is None or timezone.now() - good.started_at > CHECK_OVERDUE:
        last = f" for {show.how_long(good.started_at)}" if good else " yet"
        text = f"Missed events have not been looked for{last}."
        yield Task(text, _checks(), "Look now", "warning")


def _clock_note(at: datetime) -> str:
    """Say which clock the figures use if it isn't ours."""
    if at - timezone.now() < CLOCKS_DIFFER:
        return ""
    return f"The clock of the sandbox is ahead: these figures are as of {show.day(at)}."


def _business(now: Business, received: list[Money], at: datetime) -> list[Number]:
    since = (timezone.localtime(at).date() - overview.RECENT).isoformat()
    return [
        Number(
            "Active memberships",
            _number(now.active),
            _subscriptions(status__exact="active"),
            f"{_number(now.active_paused)} of them paused" if now.active_paused else "",
        ),
        Number("Free trials", _number(now.trials), _subscriptions(status__exact="trialing")),
        Number("Ending", _number(now.ending), _subscriptions(ending="yes"), "will not renew"),
        Number(
            "Payment failed",
            _number(now.payment_failed),
            _subscriptions(status__in=f"{SubscriptionStatus.PAST_DUE},{SubscriptionStatus.UNPAID}"),
            tone="danger" if now.payment_failed else "",
        ),
        *_uncollected(now),
        Number(
            "A month’s memberships",
            _amounts(now.monthly),
            _subscriptions(status__in=f"{SubscriptionStatus.ACTIVE},{SubscriptionStatus.PAST_DUE}"),
            f"before discounts and added tax{', without paused ones' if now.paused else ''}",
        ),
        Number(
            "Received in 30 days",
            _amounts(received),
            show.list_of(
                "billing.payment", status__exact=PaymentStatus.SUCCEEDED, paid_at_from=since
            ),
            "net of refunds and lost disputes",
        ),
    ]


def _uncollected(now: Business) -> Iterable[Number]:
    """Return how many members are paused, and how many have overdue invoices, if any."""
    if now.paused:
        yield Number(
            "Payments paused", _number(now.paused), _subscriptions(paused="yes"), "still members"
        )
    if now.overdue:
        yield Number(
            "Invoices overdue",
            _number(now.overdue),
            show.list_of("billing.invoice", to_pay="overdue"),
            "sent, and not paid in time",
            "danger",
        )


def _integration(now: Health, state: Integration) -> list[Number]:
    good, jobs = state.last_good_check, state.jobs
    last = state.last_event
    return [
        Number(
            "Last webhook",
            show.age(last.received_at) if last else "None yet",
            show.page_of(last) if last else _events(),
            last.type if last else "",
        ),
        _queue("Webhook events", now.events, _events, "pending,retrying", EventState.FAILED),
        _queue("Messages", now.messages, _messages, "queued,sending", MessageState.FAILED),
        Number(
            "Last good missed-event check",
            show.age(good.started_at) if good else "None yet",
            _checks(),
            f"{good.events_missed} missed" if good else "",
        ),
        _comparison(state),
        Number(
            "Jobs waiting",
            _number(jobs.waiting),
            show.list_of("procrastinate.procrastinatejob", status__exact="todo"),
            f"{jobs.running} running, {jobs.later} later, {jobs.failed} failed",
        ),
        Number(
            "Worker",
            "Alive" if state.worker_is_alive else "Silent",
            _jobs(),
            f"heard of {show.age(state.worker_seen_at)}" if state.worker_seen_at else "never seen",
            "" if state.worker_is_alive else "danger",
        ),
    ]


def _comparison(state: Integration) -> Number:
    """Say whether our records agreed with Stripe at the last comparison."""
    label, last = "Records compared with Stripe", state.last_comparison
    if last is None:
        return Number(label, "Not yet", _checks())
    if not last.differences_left:
        return Number(label, show.age(last.compared_at), show.page_of(last), last.summary)
    differ = _count(last.differences_left, "difference")
    return Number(label, differ, show.page_of(last), show.age(last.compared_at), "danger")


def _queue(label: str, queue: Queue, address: Any, waiting: str, failed: str) -> Number:
    if queue.failed:
        note = f"{_number(queue.waiting)} waiting"
        return Number(
            f"{label} failed", _number(queue.failed), address(state__exact=failed), note, "danger"
        )
    note = f"the oldest {show.age(queue.oldest)}" if queue.oldest else "none failed"
    return Number(f"{label} waiting", _number(queue.waiting), address(state__in=waiting), note)


def _troubles_of_business(found: Failures) -> list[Trouble]:
    lines = [
        Line(
            show.name_of(row.customer.user),
            str(row.money),
            "invoice overdue" if row.is_sent else f"since {show.day(row.current_period_start)}",
            show.page_of(row),
        )
        for row in found.subscriptions
    ]
    url = _subscriptions(status__in="past_due,unpaid")
    is_any_sent = any(row.is_sent for row in found.subscriptions)
    title = "Unpaid memberships" if is_any_sent else "Members whose payment failed"
    return [Trouble(title, url, lines)] if lines else []


def _troubles_of_integration(found: Failures) -> list[Trouble]:
    """Return the lists of recent failures; empty ones are left out."""
    events = [
        Line(row.type, row.error[:SUMMARY], show.age(row.received_at), show.page_of(row))
        for row in found.events
    ]
    messages = [
        Line(
            f"{row.kind.replace('_', ' ').capitalize()} to {show.name_of(row.user)}",
            row.error[:SUMMARY],
            show.age(row.created_at),
            show.page_of(row),
        )
        for row in found.messages
    ]
    lists = [
        Trouble("Webhook events that failed", _events(state__exact=EventState.FAILED), events),
        Trouble("Messages that failed", _messages(state__exact=MessageState.FAILED), messages),
    ]
    return [one for one in lists if one.lines]


def _chart(months: list[MonthOfIncome], others: list[str]) -> dict[str, str]:
    """Return the chart's data as JSON, and in words for people who can't see it."""
    if not months:
        return {}
    currency = months[-1].income.currency
    major = 10 ** decimals(currency)
    bars = {
        "label": f"Received, {currency}",
        "data": [month.income.amount / major for month in months],
        "backgroundColor": "var(--color-primary-600)",
        "displayYAxis": True,
        "suffixYAxis": currency,
        "maxBarThickness": 40,
        "borderRadius": 4,
    }
    labels = [formats.date_format(month.start, "M Y") for month in months]
    words = (f"{label} {month.income}" for label, month in zip(labels, months, strict=True))
    return {
        "data": json.dumps({"labels": labels, "datasets": [bars]}),
        "text": f"Received a month: {', '.join(words)}.",
        "this_month": str(months[-1].income),
        "last_month": str(months[-2].income),
        "only": f"In {currency.upper()} only: {' and '.join(others)} is not in it."
        if others
        else "",
    }


def _waited_long(queue: Queue) -> bool:
    return queue.oldest is not None and timezone.now() - queue.oldest > WAITED_LONG


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _number(value: int) -> str:
    return f"{value:,}"


def _amounts(found: list[Money]) -> str:
    return " + ".join(map(str, found)) or show.NOTHING


def _subscriptions(**filters: str) -> str:
    return show.list_of("billing.subscription", kind="membership", **filters)


def _events(**filters: str) -> str:
    return show.list_of("billing.stripeevent", **filters)


def _messages(**filters: str) -> str:
    return show.list_of("emails.message", **filters)


def _checks() -> str:
    return reverse("admin:billing_reconciliation_changelist")


def _jobs() -> str:
    return reverse("admin:procrastinate_procrastinatejob_changelist")
