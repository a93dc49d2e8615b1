"""What happened, told from a change of our rows rather than from an event's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.core.statuses import RefundAction, RefundState
from billing.models import (
    CreditNote,
    Dispute,
    Invoice,
    MembershipDecision,
    Payment,
    Refund,
    Subscription,
)


@dataclass(frozen=True)
class SubscriptionStarted:
    """A subscription that was not live before is live now."""

    subscription: Subscription


@dataclass(frozen=True)
class EndScheduled:
    """A live subscription will end by itself, at a time that it did not have before."""

    subscription: Subscription
    decided_at: datetime


@dataclass(frozen=True)
class EndTakenBack:
    """A live subscription that was to end goes on; `before` is the row that was to end."""

    subscription: Subscription
    before: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class PriceSwitched:
    """A live subscription has another price of ours than before."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CardChanged:
    """Another card, or bank account, pays for a running subscription from now on."""

    subscription: Subscription
    before: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CollectionPaused:
    """Nothing is collected for a live subscription for now, or until another day than before."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CollectionResumed:
    """A live subscription that was paused is collected again."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class OfferAccepted:
    """A member stays, and Stripe's subscription has the discount that was offered for it."""

    subscription: Subscription
    decision: MembershipDecision


@dataclass(frozen=True)
class SubscriptionEnded:
    """A subscription has ended."""

    subscription: Subscription
    ended_at: datetime


@dataclass(frozen=True)
class InvoicePaid:
    """An invoice that was not paid before is paid now. `recovered`: a try had failed before."""

    invoice: Invoice
    payments: list[Payment]
    recovered: bool


@dataclass(frozen=True)
class InvoicePaymentFailed:
    """One more attempt to collect an invoice has failed; `attempted_at` is when."""

    invoice: Invoice
    payment: Payment | None
    attempted_at: datetime


@dataclass(frozen=True)
class ConfirmationNeeded:
    """An attempt to collect an invoice waits for the member, whom the bank wants to ask."""

    invoice: Invoice
    payment: Payment | None
    attempted_at: datetime


@dataclass(frozen=True)
class InvoiceSent:
    """An invoice is open that the member is to pay by its due date, rather than charged."""

    invoice: Invoice
    sent_at: datetime


@dataclass(frozen=True)
class InvoiceDueSoon:
    """A sent invoice that is not paid is due soon."""

    invoice: Invoice
    seen_at: datetime


@dataclass(frozen=True)
class InvoiceOverdue:
    """A sent invoice was not paid by its due date."""

    invoice: Invoice
    seen_at: datetime


@dataclass(frozen=True)
class TrialEnding:
    """A trial ends soon, and the first payment follows."""

    subscription: Subscription
    ends_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class RenewalComing:
    """A long period is over soon, and the next one is paid."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CardExpiring:
    """The card that pays expires soon."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class SinglePaymentReceived:
    """A payment without an invoice has succeeded."""

    payment: Payment


@dataclass(frozen=True)
class RefundMoved:
    """A refund has taken a step; `before` is its state before it, None where it is new."""

    refund: Refund
    action: RefundAction
    before: RefundState | None


@dataclass(frozen=True)
class SinglePaymentFailed:
    """A bank has refused a payment without an invoice, days after the member had confirmed it."""

    payment: Payment
    failed_at: datetime


@dataclass(frozen=True)
class CreditNoteIssued:
    """Something was taken off an invoice."""

    note: CreditNote


@dataclass(frozen=True)
class DisputeOpened:
    """A payment is disputed that was not before; `happened_at` is when."""

    dispute: Dispute
    happened_at: datetime


@dataclass(frozen=True)
class DisputeUpdated:
    """A dispute has another status than `before`, but is neither won nor lost by it."""

    dispute: Dispute
    before: str
    happened_at: datetime


@dataclass(frozen=True)
class DisputeWon:
    """The bank has decided for us: the money comes back."""

    dispute: Dispute
    happened_at: datetime


@dataclass(frozen=True)
class DisputeLost:
    """The bank has decided against us: the money is gone."""

    dispute: Dispute
    happened_at: datetime


Collecting = CollectionPaused | CollectionResumed | InvoiceSent | InvoiceDueSoon | InvoiceOverdue
MoneyMoved = (
    InvoicePaid
    | InvoicePaymentFailed
    | ConfirmationNeeded
    | SinglePaymentReceived
    | SinglePaymentFailed
    | CreditNoteIssued
)
Transition = (
    MoneyMoved
    | Collecting
    | SubscriptionStarted
    | EndScheduled
    | EndTakenBack
    | PriceSwitched
    | CardChanged
    | OfferAccepted
    | SubscriptionEnded
    | TrialEnding
    | RenewalComing
    | CardExpiring
    | DisputeOpened
    | DisputeUpdated
    | DisputeWon
    | DisputeLost
    | RefundMoved
)
