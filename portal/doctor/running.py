"""Runs the checks one after another; one that can't be run says so, and stops no other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from portal.doctor import (
    host_checks,
    mail_checks,
    portal_checks,
    provider_checks,
    stripe_checks,
)
from portal.doctor.results import Check, Finding
from portal.models import Outcome

logger = logging.getLogger(__name__)

GROUPS = {
    "stripe": "Stripe",
    "mail": "Email",
    "texts": "Text messages",
    "bank": "Bank",
    "host": "Server",
    "data": "Database and backup",
    "portal": "Portal",
}
ALL: tuple[Check, ...] = (
    *stripe_checks.CHECKS,
    *mail_checks.CHECKS,
    *provider_checks.CHECKS,
    *host_checks.CHECKS,
    *portal_checks.CHECKS,
)


def group_of(key: str) -> str:
    """Return the group of a check: "mail" of "mail.server"."""
    return key.partition(".")[0]


def chosen(only: Iterable[str]) -> list[Check]:
    """Return the checks with these keys or of these groups; all of them if none is named.

    Raises:
        ValueError: there's no such check.
    """
    wanted = set(only)
    known = {check.key for check in ALL} | set(GROUPS)
    if strangers := sorted(wanted - known):
        raise ValueError(f"There’s no check {', '.join(strangers)}.")
    found = [one for one in ALL if not wanted or {one.key, group_of(one.key)} & wanted]
    return sorted(found, key=lambda one: list(GROUPS).index(group_of(one.key)))


def run(checks: Iterable[Check]) -> Iterator[Finding]:
    """Yield what each check finds."""
    for check in checks:
        yield _found(check)


def _found(check: Check) -> Finding:
    try:
        result = check.run()
    except Exception as error:
        # An unexpected error may quote what's secret, so people only read its kind.
        logger.exception("The check %s couldn't be run.", check.key)
        text = f"This couldn’t be checked ({type(error).__name__})."
        return Finding(check.key, check.title, Outcome.UNKNOWN, text, "The log says why.")
    return Finding(check.key, check.title, result.outcome, result.text, result.remedy)
