"""Reads the balance, its transactions, and payouts from Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.stripe import snapshots
from billing.stripe.gateway.client import client, translated_errors
from billing.stripe.gateway.errors import StripeMissing
from billing.stripe.gateway.lists import Unreadable, each_read, every


def read_totals() -> dict[str, int]:
    """Read what the balance has, in each currency, whether it's available yet or not."""
    with translated_errors():
        return snapshots.totals(client().v1.balance.retrieve().to_dict())


def read_transaction(transaction_id: str) -> snapshots.TransactionSnapshot:
    """Read a balance transaction."""
    with translated_errors():
        answer = client().v1.balance_transactions.retrieve(transaction_id)
        return snapshots.transaction(answer.to_dict(for_json=True))


def list_transactions(
    since: datetime | None = None, *, payout_id: str = "", bad: list[Unreadable] | None = None
) -> Iterator[snapshots.TransactionSnapshot]:
    """Yield balance transactions made since a time, newest first, or those that a payout pays out.

    Stripe refuses the latter for payouts that weren't automatic.
    """
    params: dict[str, Any] = {"payout": payout_id} if payout_id else {}
    if since:
        params["created"] = {"gte": int(since.timestamp())}
    listed = every(client().v1.balance_transactions.list, params)
    yield from each_read(snapshots.transaction, listed, bad)


def intent_of_charge(charge_id: str) -> str:
    """Return the ID of the payment intent that a charge is of; "" if of none, or it's unknown.

    Stripe knows no charge, say, of a mode or an account that its balance transaction names.
    """
    try:
        with translated_errors():
            charge = client().v1.charges.retrieve(charge_id).to_dict()
    except StripeMissing:
        return ""
    return snapshots.object_id(charge.get("payment_intent"))


def read_payout(payout_id: str) -> snapshots.PayoutSnapshot:
    """Read a payout."""
    with translated_errors():
        return snapshots.payout(client().v1.payouts.retrieve(payout_id).to_dict())


def list_payouts(
    since: datetime | None = None, bad: list[Unreadable] | None = None
) -> Iterator[snapshots.PayoutSnapshot]:
    """Yield the payouts made since a time, newest first."""
    params = {"created": {"gte": int(since.timestamp())}} if since else {}
    yield from each_read(snapshots.payout, every(client().v1.payouts.list, params), bad)
