"""What a membership was paid for. That isn't always its period: free time begins a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from billing.core.statuses import InvoiceStatus, SubscriptionStatus
from billing.models import Invoice, Subscription


@dataclass(frozen=True)
class Period:
    """From when until when, in UTC."""

    start: datetime
    end: datetime


def paid_for(row: Subscription) -> Period | None:
    """Return the last period that was paid for; None if nothing was, as in a free trial.

    Stripe begins a period of its own for free time, a trial, a pause, and a failed renewal: then
    the invoices say what was paid for.
    """
    if row.status == SubscriptionStatus.ACTIVE and not row.is_paused:
        return Period(row.current_period_start, row.current_period_end)
    paid = row.invoices.filter(status=InvoiceStatus.PAID).order_by("-created_at", "-pk")
    return next(filter(None, map(_charged, paid.iterator())), None)


def _charged(invoice: Invoice) -> Period | None:
    """Return the period of an invoice's charges; None if it charges for none."""
    charges = [
        (one["period_start"], one["period_end"])
        for one in invoice.lines
        if one["amount"] > 0 and one.get("period_start") and one.get("period_end")
    ]
    if not charges:
        return None
    start, end = min(begin for begin, _ in charges), max(until for _, until in charges)
    return Period(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
