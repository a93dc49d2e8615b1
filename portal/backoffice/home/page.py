"""The staff site's home page: tasks first, then the business, then the integration.

Staff see the cards whose rows they may open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest

from billing.facts.windows import Window
from members.access import current_user
from portal.backoffice.home import facts as home_facts
from portal.backoffice.home import figures, numbers
from portal.backoffice.home.facts import HomeFacts, Wanted
from portal.backoffice.home.figures import Figures
from portal.backoffice.home.numbers import Number
from portal.backoffice.home.task import Task
from portal.backoffice.home.tasks import tasks
from portal.backoffice.home.troubles import Trouble, troubles
from portal.backoffice.navigation import waiting

EARLIEST, LATEST = date(2000, 1, 1), date(9998, 12, 31)


@dataclass(frozen=True)
class Home:
    """What home says. Empty numbers: this staff member may not see them."""

    tasks: Sequence[Task]
    sees_everything: bool
    business: Sequence[Number]
    clock_note: str
    figures: Figures | None
    by_email: bool
    day_by_email: bool
    failures_by_email: bool
    integration: Sequence[Number]
    troubles: Sequence[Trouble]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page to its context (Unfold's dashboard callback)."""
    permissions = frozenset(filter(request.user.has_perm, home_facts.PERMISSIONS))
    facts = home_facts.home(permissions, waiting(request), _wanted(request), current_user(request))
    return context | {"title": "Home", "home": home(facts)}


def _wanted(request: HttpRequest) -> Wanted:
    """Return what the address asks for. A month or days that are none are ignored."""
    currency = request.GET.get("currency", "").lower()
    if month := _day(request, "month", "-01"):
        return Wanted(currency, month)
    first, last = _day(request, "from"), _day(request, "to")
    if first is None and last is None:
        return Wanted(currency)
    # One day alone begins or ends the days; two in the wrong order are clear enough.
    one, other = first or EARLIEST, last or LATEST
    return Wanted(currency, days=Window(min(one, other), max(one, other)))


def _day(request: HttpRequest, name: str, rest: str = "") -> date | None:
    try:
        day = date.fromisoformat(f"{request.GET.get(name, '')}{rest}")
    except ValueError:
        return None
    # The days that it's compared with must be dates, too.
    return max(day, EARLIEST)


def home(facts: HomeFacts) -> Home:
    """Say what the facts come to."""
    money, state = facts.money, facts.integration
    return Home(
        tasks=tasks(facts),
        sees_everything=bool(money and state),
        business=numbers.of_members(money.members) if money else [],
        clock_note=numbers.clock_note(money.at, facts.now) if money else "",
        figures=figures.figures(money.numbers) if money else None,
        by_email=facts.by_email,
        day_by_email=facts.day_by_email,
        failures_by_email=facts.failures_by_email,
        integration=numbers.of_integration(state, facts.waiting, facts.now) if state else [],
        troubles=troubles(facts),
    )
