"""The newest failures on home, each with a link to its row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from billing.core.statuses import EventState
from common.staff import show
from emails.models import MessageState
from emails.names import name_of
from portal.backoffice.home import links
from portal.backoffice.home.facts import Failures, HomeFacts

# How much of an error is shown.
SUMMARY = 120


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


def troubles(facts: HomeFacts) -> list[Trouble]:
    """Return the lists of recent failures; empty ones are left out."""
    failures = facts.failures
    lists = [
        _of_business(failures),
        _of_events(failures, facts.now),
        _of_messages(failures, facts.now),
    ]
    return [one for one in lists if one.lines]


def _of_business(failures: Failures) -> Trouble:
    lines = [
        Line(
            show.name_of(row.customer.user),
            str(row.money),
            _("invoice overdue")
            if row.is_sent
            else _("since %(day)s") % {"day": show.day(row.current_period_start)},
            show.page_of(row),
        )
        for row in failures.subscriptions
    ]
    url = links.subscriptions(status__in="past_due,unpaid")
    is_any_sent = any(row.is_sent for row in failures.subscriptions)
    title = _("Unpaid memberships") if is_any_sent else _("Members whose payment failed")
    return Trouble(title, url, lines)


def _of_events(failures: Failures, now: datetime) -> Trouble:
    lines = [
        Line(row.type, row.error[:SUMMARY], show.age(row.received_at, now), show.page_of(row))
        for row in failures.events
    ]
    url = links.events(state__exact=EventState.FAILED)
    return Trouble(_("Webhook events that failed"), url, lines)


def _of_messages(failures: Failures, now: datetime) -> Trouble:
    lines = [
        Line(
            _("%(message)s to %(name)s")
            % {"message": name_of(row.kind), "name": show.name_of(row.user)},
            row.error[:SUMMARY],
            show.age(row.created_at, now),
            show.page_of(row),
        )
        for row in failures.messages
    ]
    url = links.messages(state__exact=MessageState.FAILED)
    return Trouble(_("Messages that failed"), url, lines)
