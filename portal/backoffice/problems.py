"""Problems of the portal itself: looked up every time, announced to staff once.

The staff's home page shows each problem for as long as it lasts. `watch` runs every few minutes,
mails new ones to STAFF_EMAIL, and closes those that are gone; one that comes back is news again.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from emails import outbox
from members import languages
from portal.backoffice import machine_problems, money_problems, problem_facts
from portal.backoffice.contexts import ProblemFound
from portal.backoffice.current_problems import CurrentProblem
from portal.backoffice.problem_facts import ProblemFacts
from portal.models import Problem


def current() -> list[CurrentProblem]:
    """Return all current problems, in one statement."""
    return described(problem_facts.read(timezone.now()))


def described(facts: ProblemFacts) -> list[CurrentProblem]:
    """Put the problems among these facts into words."""
    return [*machine_problems.found(facts), *money_problems.found(facts)]


def watch() -> list[Problem]:
    """Record and mail new problems, close those that are gone; return the new ones."""
    facts = problem_facts.read(timezone.now())
    now = [one.key for one in described(facts)]
    with transaction.atomic():
        rows = Problem.objects.select_for_update().filter(solved_at=None)
        known = {row.key: row for row in rows}
        gone = [row.pk for key, row in known.items() if key not in now]
        Problem.objects.filter(pk__in=gone).update(solved_at=timezone.now())
        return [_tell(facts, key) for key in dict.fromkeys(now) if key not in known]


def _tell(facts: ProblemFacts, key: str) -> Problem:
    """Record a problem in the business's language, and mail it in each reader's."""
    with translation.override(languages.own()):
        row = Problem.objects.create(key=key, text=_of_key(facts, key).text)
    outbox.put_staff(
        lambda: _found(_of_key(facts, key)),
        cause=str(row.pk),
        happened_at=row.seen_at,
    )
    return row


def _of_key(facts: ProblemFacts, key: str) -> CurrentProblem:
    """Put one problem into words of the active language."""
    return next(one for one in described(facts) if one.key == key)


def _found(one: CurrentProblem) -> ProblemFound:
    url = f"{settings.PORTAL_URL}{one.url}"
    return ProblemFound(text=one.text, action=one.action, url=url)
