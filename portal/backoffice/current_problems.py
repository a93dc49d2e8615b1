"""A problem of the portal itself, put into words of the active language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from common.staff import show
from portal.backoffice.problem_facts import INTEGRATION

DANGER, WARNING = "danger", "warning"
# Comparisons and checks run every night.
OVERDUE = timedelta(days=2)


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


def counted(words: str, count: int) -> str:
    """Fill in a number as people write it."""
    return words % {"count": show.number(count)}
