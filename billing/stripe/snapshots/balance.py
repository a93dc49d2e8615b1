"""The balance, its transactions, and payouts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.core.fitted import Fitted
from billing.stripe.snapshots.fields import Json, object_id, part, required_time, text

# What only Stripe or the business's bank is the cause of. Anything else may be described in words
# of a member, or of the business about one ("charge_failure"): we keep no second copy of those.
DESCRIBED = frozenset(
    {
        *("fee", "network_cost", "tax", "other_adjustment", "risk_reserve", "contribution"),
        *("payout", "payout_reversal", "topup", "topup_reversal"),
        *("payout_minimum_balance_hold", "payout_minimum_balance_release"),
    }
)


@dataclass(frozen=True)
class TransactionSnapshot(Fitted):
    """A balance transaction."""

    id: str
    kind: str
    category: str
    amount: int
    fee: int
    net: int
    currency: str
    fees: list[dict[str, Any]]
    exchange_rate: Decimal | None
    description: str
    balance_type: str
    source_id: str
    created_at: datetime
    available_at: datetime


@dataclass(frozen=True)
class PayoutSnapshot(Fitted):
    """A payout."""

    id: str
    status: str
    amount: int
    currency: str
    automatic: bool
    method: str
    description: str
    reconciliation: str
    trace: str
    failure_code: str
    failure_message: str
    created_at: datetime
    arrives_at: datetime

    @property
    def names_transactions(self) -> bool:
        """Whether Stripe says by now what it pays out."""
        return self.automatic and self.reconciliation == "completed"


def transaction(data: Json) -> TransactionSnapshot:
    """Read a balance transaction."""
    category, rate = text(data.get("reporting_category")), data.get("exchange_rate")
    return TransactionSnapshot(
        id=data["id"],
        kind=data["type"],
        category=category,
        amount=data["amount"],
        fee=data["fee"],
        net=data["net"],
        currency=data["currency"],
        fees=[_fee(one) for one in data.get("fee_details") or []],
        exchange_rate=None if rate is None else round(Decimal(str(rate)), 12),
        description=text(data.get("description")) if category in DESCRIBED else "",
        balance_type=text(data.get("balance_type")) or "payments",
        source_id=object_id(data.get("source")),
        created_at=required_time(data["created"]),
        available_at=required_time(data["available_on"]),
    )


def _fee(data: Json) -> dict[str, Any]:
    return {
        "type": text(data.get("type")),
        "amount": data["amount"],
        "description": text(data.get("description")),
    }


def payout(data: Json) -> PayoutSnapshot:
    """Read a payout."""
    return PayoutSnapshot(
        id=data["id"],
        status=data["status"],
        amount=data["amount"],
        currency=data["currency"],
        automatic=data["automatic"],
        method=text(data.get("method")),
        description=text(data.get("description")),
        reconciliation=text(data.get("reconciliation_status")),
        trace=text(part(data.get("trace_id")).get("value")),
        failure_code=text(data.get("failure_code")),
        failure_message=text(data.get("failure_message")),
        created_at=required_time(data["created"]),
        arrives_at=required_time(data["arrival_date"]),
    )


def totals(data: Json) -> dict[str, int]:
    """Read the balance: each currency's available, pending, and reserved amounts together."""
    counted: Counter[str] = Counter()
    for name in ("available", "pending", "connect_reserved"):
        for one in data.get(name) or []:
            counted[one["currency"]] += one["amount"]
    return dict(sorted(counted.items()))
