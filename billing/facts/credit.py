"""A member's balance at Stripe in words: how much, what it pays next, what happens to it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from billing.facts import discounts
from billing.models import Subscription
from common.money import Money


def of(row: Subscription) -> Money | None:
    """Return a member's credit, or None if there is none."""
    return Money(-row.balance, row.currency) if row.balance < 0 else None


def in_next_charge(row: Subscription) -> str:
    """Return what the balance does to the next charge, in a sentence, or ""."""
    charge = discounts.next_charge(row)
    if charge is None:
        return ""
    if row.next_credit:
        words = (
            _("We’ll use %(amount)s of your credit first.")
            if charge
            else _("We’ll use %(amount)s of your credit instead.")
        )
        return words % {"amount": row.money_next_credit}
    if row.balance > 0 and charge:
        return _("It includes %(amount)s from before.") % {"amount": row.money_balance}
    return ""
