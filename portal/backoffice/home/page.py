"""The staff site's home page: tasks first, then the business, then the integration.

Staff see the cards whose rows they may open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from portal.backoffice.home import facts as home_facts
from portal.backoffice.home import numbers
from portal.backoffice.home.facts import HomeFacts
from portal.backoffice.home.numbers import Chart, Number
from portal.backoffice.home.task import Task
from portal.backoffice.home.tasks import tasks
from portal.backoffice.home.troubles import Trouble, troubles
from portal.backoffice.navigation import waiting


@dataclass(frozen=True)
class Home:
    """What home says. Empty numbers: this staff member may not see them."""

    tasks: Sequence[Task]
    sees_everything: bool
    business: Sequence[Number]
    clock_note: str
    income: Chart | None
    integration: Sequence[Number]
    troubles: Sequence[Trouble]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the home page to its context (Unfold's dashboard callback)."""
    permissions = frozenset(filter(request.user.has_perm, home_facts.PERMISSIONS))
    facts = home_facts.home(permissions, waiting(request))
    return context | {"title": "Home", "home": home(facts)}


def home(facts: HomeFacts) -> Home:
    """Say what the facts come to."""
    money, state = facts.money, facts.integration
    return Home(
        tasks=tasks(facts),
        sees_everything=bool(money and state),
        business=numbers.of_money(money) if money else [],
        clock_note=numbers.clock_note(money.at, facts.now) if money else "",
        income=numbers.chart(money.income) if money else None,
        integration=numbers.of_integration(state, facts.waiting, facts.now) if state else [],
        troubles=troubles(facts),
    )
