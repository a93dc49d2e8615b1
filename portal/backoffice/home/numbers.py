"""The numbers on home that say how things stand now, each with its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.core.statuses import EventState, SubscriptionStatus
from common.staff import show
from emails.models import MessageState
from portal.backoffice.home import links
from portal.backoffice.home.business import Business
from portal.backoffice.home.facts import Integration
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


def clock_note(at: datetime, now: datetime) -> str:
    """Say which clock the figures use if it isn't ours."""
    if at - now < CLOCKS_DIFFER:
        return ""
    return f"The clock of the sandbox is ahead: these figures are as of {show.day(at)}."


def of_members(members: Business) -> list[Number]:
    """Return how members stand now, besides what's counted by day."""
    return [
        Number(
            "Free trials",
            show.number(members.trials),
            links.subscriptions(status__exact="trialing", has_free_time__exact="0"),
        ),
        Number(
            "Ending",
            show.number(members.ending),
            links.subscriptions(ending="yes"),
            "won’t renew",
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
        *_paced(waiting),
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


def _paced(waiting: Waiting) -> list[Number]:
    """Say how many messages wait for their turn, if any do."""
    if not waiting.paced:
        return []
    rows = links.messages(state__exact=MessageState.QUEUED)
    said = "only so many go out a minute"
    return [Number("Messages that take turns", show.number(waiting.paced), rows, said)]


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
