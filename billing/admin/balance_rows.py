"""What a balance transaction's row leads to: its cause, and the member whose money it is."""

from __future__ import annotations

from typing import Any

from billing.models import BalanceTransaction

JOINED = [
    *("payment__customer__user", "refund__customer__user", "dispute__customer__user"),
    *("payout", "paid_out_in"),
]


def cause_of(row: BalanceTransaction) -> Any:
    """Return what moved the money, if it has a row."""
    return row.payment or row.refund or row.dispute or row.payout


def user_of(row: BalanceTransaction) -> Any:
    """Return the member whose money it is, if it's one's."""
    whose = row.payment or row.refund or row.dispute
    return whose.customer.user if whose else None
