"""The numbers on home, each with its rows, and the chart of income."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from billing.core.statuses import EventState, PaymentStatus, SubscriptionStatus
from common import days
from common.money import Money, decimals
from common.staff import show
from emails.models import MessageState
from portal.backoffice.home import links
from portal.backoffice.home.business import Business
from portal.backoffice.home.facts import Integration, MoneyFacts
from portal.backoffice.home.income import RECENT, Income
from portal.backoffice.waiting import Queue, Waiting

CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True)
class Number:
    """A number, what it counts, and where its rows are. Tones are Unfold's variants, or none."""

    label: str
    value: str
    url: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Chart:
    """Income by month: as JSON for the chart, and in words for people who can't see it."""

    data: str
    text: str
    this_month: str
    last_month: str
    only: str  # which currencies aren't in it


def clock_note(at: datetime, now: datetime) -> str:
    """Say which clock the figures use if it isn't ours."""
    if at - now < CLOCKS_DIFFER:
        return ""
    return f"The clock of the sandbox is ahead: these figures are as of {show.day(at)}."


def of_money(facts: MoneyFacts) -> list[Number]:
    """Return the numbers of members and money."""
    members = facts.members
    since = (timezone.localtime(facts.at).date() - RECENT).isoformat()
    return [
        Number(
            "Active memberships",
            show.number(members.active),
            links.subscriptions(status__exact="active"),
            f"{show.number(members.active_paused)} of them paused" if members.active_paused else "",
        ),
        Number(
            "Free trials",
            show.number(members.trials),
            links.subscriptions(status__exact="trialing"),
        ),
        Number(
            "Ending",
            show.number(members.ending),
            links.subscriptions(ending="yes"),
            "will not renew",
        ),
        Number(
            "Payment failed",
            show.number(members.payment_failed),
            links.subscriptions(
                status__in=f"{SubscriptionStatus.PAST_DUE},{SubscriptionStatus.UNPAID}"
            ),
            tone="danger" if members.payment_failed else "",
        ),
        *_uncollected(members),
        Number(
            "A month’s memberships",
            _amounts(members.monthly),
            links.subscriptions(
                status__in=f"{SubscriptionStatus.ACTIVE},{SubscriptionStatus.PAST_DUE}"
            ),
            f"before discounts and added tax{', without paused ones' if members.paused else ''}",
        ),
        Number(
            "Received in 30 days",
            _amounts(facts.income.recent),
            show.list_of(
                "billing.payment", status__exact=PaymentStatus.SUCCEEDED, paid_at_from=since
            ),
            "net of refunds and lost disputes",
        ),
    ]


def _uncollected(members: Business) -> Iterable[Number]:
    """Return how many members are paused, and how many have overdue invoices, if any."""
    if members.paused:
        yield Number(
            "Payments paused",
            show.number(members.paused),
            links.subscriptions(paused="yes"),
            "still members",
        )
    if members.overdue:
        yield Number(
            "Invoices overdue",
            show.number(members.overdue),
            links.overdue_invoices(),
            "sent, and not paid in time",
            "danger",
        )


def of_integration(state: Integration, waiting: Waiting, now: datetime) -> list[Number]:
    """Return the numbers that tell whether news travels."""
    good, jobs = state.last_good_check, state.jobs
    last = state.last_event
    return [
        Number(
            "Last webhook",
            show.age(last.received_at, now) if last else "None yet",
            show.page_of(last) if last else links.events(),
            last.type if last else "",
        ),
        _queue(
            "Webhook events",
            waiting.events,
            now,
            links.events,
            ("pending,retrying", EventState.FAILED),
        ),
        _queue(
            "Messages",
            waiting.messages,
            now,
            links.messages,
            ("queued,sending", MessageState.FAILED),
        ),
        Number(
            "Last good missed-event check",
            show.age(good.started_at, now) if good else "None yet",
            links.checks(),
            f"{good.events_missed} missed" if good else "",
        ),
        _comparison(state, now),
        Number(
            "Jobs waiting",
            show.number(jobs.waiting),
            links.jobs(status__exact="todo"),
            f"{jobs.running} running, {jobs.later} later, {jobs.failed} failed",
        ),
        Number(
            "Worker",
            "Alive" if state.worker_is_alive else "Silent",
            links.jobs(),
            f"heard of {show.age(state.worker_seen_at, now)}"
            if state.worker_seen_at
            else "never seen",
            "" if state.worker_is_alive else "danger",
        ),
    ]


def _comparison(state: Integration, now: datetime) -> Number:
    """Say whether our records agreed with Stripe at the last comparison."""
    label, last = "Records compared with Stripe", state.last_comparison
    if last is None:
        return Number(label, "Not yet", links.checks())
    if not last.differences_left:
        return Number(label, show.age(last.compared_at, now), show.page_of(last), last.summary)
    differ = show.count(last.differences_left, "difference")
    return Number(label, differ, show.page_of(last), show.age(last.compared_at, now), "danger")


def _queue(
    label: str,
    queue: Queue,
    now: datetime,
    address: Callable[..., str],
    states: tuple[str, str],
) -> Number:
    """Return what failed, or else what waits; `states` filter the list for what waits or failed."""
    waiting, failed = states
    if queue.failed:
        note = f"{show.number(queue.waiting)} waiting"
        return Number(
            f"{label} failed",
            show.number(queue.failed),
            address(state__exact=failed),
            note,
            "danger",
        )
    note = f"the oldest {show.age(queue.oldest, now)}" if queue.oldest else "none failed"
    return Number(f"{label} waiting", show.number(queue.waiting), address(state__in=waiting), note)


def chart(income: Income) -> Chart | None:
    """Return the chart of income; None if there has been none."""
    if not income.months:
        return None
    currency = income.months[-1].income.currency
    labels = [days.short_month_with_year(month.start) for month in income.months]
    words = (f"{label} {month.income}" for label, month in zip(labels, income.months, strict=True))
    others = " and ".join(income.others)
    return Chart(
        data=json.dumps({"labels": labels, "datasets": [_bars(income, currency)]}),
        text=f"Received a month: {', '.join(words)}.",
        this_month=str(income.months[-1].income),
        last_month=str(income.months[-2].income),
        only=f"In {currency.upper()} only: {others} is not in it." if others else "",
    )


def _bars(income: Income, currency: str) -> dict[str, object]:
    major = 10 ** decimals(currency)
    return {
        "label": f"Received, {currency}",
        "data": [month.income.amount / major for month in income.months],
        "backgroundColor": "var(--color-primary-600)",
        "displayYAxis": True,
        "suffixYAxis": currency,
        "maxBarThickness": 40,
        "borderRadius": 4,
    }


def _amounts(amounts: list[Money]) -> str:
    return " + ".join(map(str, amounts)) or show.NOTHING
