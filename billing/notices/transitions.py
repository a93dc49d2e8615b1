"""What happened, derived from changes of our rows rather than from event names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.facts import discounts
from billing.models import (
    CreditNote,
    Dispute,
    FraudWarning,
    Invoice,
    MembershipDecision,
    Payment,
    PaymentRequest,
    Subscription,
)


@dataclass(frozen=True)
class SubscriptionStarted:
    """A subscription went live."""

    subscription: Subscription


@dataclass(frozen=True)
class EndScheduled:
    """A live subscription got a (new) end date."""

    subscription: Subscription
    decided_at: datetime


@dataclass(frozen=True)
class EndTakenBack:
    """A live subscription that was ending continues; `before` is the row that was ending."""

    subscription: Subscription
    before: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class PriceSwitched:
    """A live subscription has another of our prices than before, maybe as it was planned."""

    subscription: Subscription
    seen_at: datetime
    was_planned: bool = False


@dataclass(frozen=True)
class PricePlanned:
    """Another price will begin for a live subscription, and it wasn't planned before."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class PlanDropped:
    """A live subscription keeps its price; `before` is the row for which another was planned."""

    subscription: Subscription
    before: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CardChanged:
    """A running subscription is now paid by another card or bank account."""

    subscription: Subscription
    before: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CollectionPaused:
    """A live subscription's collection was paused, or the pause's end has changed."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class CollectionResumed:
    """A live subscription's collection resumed after a pause."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class FreeTimeGiven:
    """Nothing is charged for a membership until a later day, because staff said so."""

    subscription: Subscription
    until: datetime
    seen_at: datetime


@dataclass(frozen=True)
class OfferAccepted:
    """A member stays, and Stripe's subscription has the offered discount."""

    subscription: Subscription
    decision: MembershipDecision


@dataclass(frozen=True)
class SubscriptionEnded:
    """A subscription has ended."""

    subscription: Subscription
    ended_at: datetime


@dataclass(frozen=True)
class InvoicePaid:
    """An invoice became paid. `recovered`: an earlier try had failed."""

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
    """The bank wants the member to confirm an attempt to collect an invoice."""

    invoice: Invoice
    payment: Payment | None
    attempted_at: datetime


@dataclass(frozen=True)
class InvoiceSent:
    """An invoice was sent, to be paid by its due date rather than charged."""

    invoice: Invoice
    sent_at: datetime


@dataclass(frozen=True)
class InvoiceDueSoon:
    """An unpaid sent invoice is due soon."""

    invoice: Invoice
    seen_at: datetime


@dataclass(frozen=True)
class InvoiceOverdue:
    """A sent invoice wasn't paid by its due date."""

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
    """A period is about to end, and the next one is charged: a long one, or one that costs more.

    `is_planned`: what's planned makes it cost more.
    """

    subscription: Subscription
    seen_at: datetime
    is_planned: bool = False


@dataclass(frozen=True)
class DiscountEnding:
    """A discount ends soon; `endings` are all that end before the next payment."""

    subscription: Subscription
    endings: list[discounts.Ending]
    seen_at: datetime


@dataclass(frozen=True)
class RequestExpiring:
    """A payment that staff asked for can be made for a few more days."""

    request: PaymentRequest
    expires_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class DebitComing:
    """A bank began to process a payment, of an invoice or a single one, which takes days."""

    payment: Payment
    started_at: datetime


@dataclass(frozen=True)
class CardExpiring:
    """The card on file expires soon."""

    subscription: Subscription
    seen_at: datetime


@dataclass(frozen=True)
class SinglePaymentReceived:
    """A payment without an invoice has succeeded."""

    payment: Payment


@dataclass(frozen=True)
class SinglePaymentFailed:
    """A bank refused a payment without an invoice, days after the member confirmed it."""

    payment: Payment
    failed_at: datetime


@dataclass(frozen=True)
class CreditNoteIssued:
    """Something was taken off an invoice."""

    note: CreditNote


@dataclass(frozen=True)
class DisputeOpened:
    """A payment became disputed at `happened_at`."""

    dispute: Dispute
    happened_at: datetime


@dataclass(frozen=True)
class DisputeUpdated:
    """A dispute's status changed from `before`, but it's neither won nor lost."""

    dispute: Dispute
    before: str
    happened_at: datetime


@dataclass(frozen=True)
class DisputeWon:
    """The bank decided for us: the money comes back."""

    dispute: Dispute
    happened_at: datetime


@dataclass(frozen=True)
class DisputeLost:
    """The bank decided against us: the money is gone."""

    dispute: Dispute
    happened_at: datetime


@dataclass(frozen=True)
class FraudReported:
    """A card's bank reported a payment as fraud, and a refund can still settle it."""

    warning: FraudWarning
    happened_at: datetime


Collecting = CollectionPaused | CollectionResumed | InvoiceSent | InvoiceDueSoon | InvoiceOverdue
MoneyMoved = (
    InvoicePaid
    | InvoicePaymentFailed
    | ConfirmationNeeded
    | SinglePaymentReceived
    | SinglePaymentFailed
    | CreditNoteIssued
    | DebitComing
)
Transition = (
    MoneyMoved
    | Collecting
    | SubscriptionStarted
    | EndScheduled
    | EndTakenBack
    | PriceSwitched
    | PricePlanned
    | PlanDropped
    | CardChanged
    | OfferAccepted
    | SubscriptionEnded
    | FreeTimeGiven
    | TrialEnding
    | RenewalComing
    | DiscountEnding
    | RequestExpiring
    | CardExpiring
    | DisputeOpened
    | DisputeUpdated
    | DisputeWon
    | DisputeLost
    | FraudReported
)
