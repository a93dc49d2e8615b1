"""A member's free trial for staff: used, or why none was offered."""

from __future__ import annotations

from django.contrib.auth.models import User

from billing.facts import trials
from common.staff import show


def of_member(user: User) -> str:
    """Return one line for the member's page."""
    earlier = trials.before(user)
    if earlier is None:
        return "Not used"
    on = show.day(earlier.began_at)
    if earlier.is_own:
        return f"Used on {on}" if earlier.had_trial else f"Not offered: a member since {on}"
    account = "another account with this email address"
    if earlier.had_trial:
        return f"Used on {on} in {account}"
    return f"Not offered: {account} was a member from {on}"
