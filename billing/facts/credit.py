"""A member's balance at Stripe in words: how much, what it pays next, what happens to it."""

from __future__ import annotations

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
        is_rest = bool(charge)
        return (
            f"{row.money_next_credit} of credit will be used {'first' if is_rest else 'instead'}."
        )
    if row.balance > 0 and charge:
        return f"It includes {row.money_balance} that was still open."
    return ""
