"""What happened, told from a change of our rows rather than from an event's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.models import Invoice, Payment, Subscription


@dataclass(frozen=True)
class SubscriptionStarted:
    """A subscription that was not live before is live now."""

    subscription: Subscription


@dataclass(frozen=True)
class InvoicePaid:
    """An invoice that was not paid before is paid now."""

    invoice: Invoice
    payments: list[Payment]


@dataclass(frozen=True)
class InvoicePaymentFailed:
    """One more attempt to collect an invoice has failed; `attempted_at` is when."""

    invoice: Invoice
    payment: Payment | None
    attempted_at: datetime


@dataclass(frozen=True)
class SinglePaymentReceived:
    """A payment without an invoice has succeeded."""

    payment: Payment


Transition = SubscriptionStarted | InvoicePaid | InvoicePaymentFailed | SinglePaymentReceived
