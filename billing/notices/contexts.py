"""What messages about memberships, invoices, payments, and disputes may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from emails.catalog import Kind
from emails.contexts import MessageContext, NamedAmount


@dataclass(frozen=True, kw_only=True)
class Welcome(MessageContext):
    """A membership has started."""

    kind = Kind.WELCOME
    name: str
    plan_name: str
    rate: str
    tax_words: str
    next_charge: str = ""
    next_charge_on: datetime | None
    by_invoice: bool
    trial_ends_on: datetime | None


@dataclass(frozen=True, kw_only=True)
class MembershipEnds(MessageContext):
    """A membership will end. `goes_on` says what else is still charged.

    `renews_on` is None if its next renewal isn't charged: it ends before, or payments `are_paused`
    (until `resumes_on`, unless it ends first). An end can be several renewals away.
    """

    kind = Kind.MEMBERSHIP_ENDS
    name: str
    plan_name: str
    ends_on: datetime
    renews_on: datetime | None = None
    are_paused: bool = False
    resumes_on: datetime | None = None
    next_charge: str = ""
    goes_on: Sequence[str]
    another: bool
    credit: str
    url: str


@dataclass(frozen=True, kw_only=True)
class MembershipGoesOn(MessageContext):
    """A membership won't end after all."""

    kind = Kind.MEMBERSHIP_GOES_ON
    name: str
    plan_name: str
    price: str
    next_charge_on: datetime | None
    resumes_on: datetime | None
    credit: str
    credit_used: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PriceSwitched(MessageContext):
    """A membership is charged at another rhythm."""

    kind = Kind.PRICE_SWITCHED
    name: str
    plan_name: str
    headline: str
    rhythm: str
    rate: str
    tax_words: str
    next_charge: str
    next_charge_on: datetime | None
    credit: str
    credit_used: str
    was_planned: bool = False
    url: str


@dataclass(frozen=True, kw_only=True)
class PricePlanned(MessageContext):
    """Another price begins on a day: its `rate` and `first_charge` are empty if unknown.

    `new_plan` names the plan that it's of, if that's another than now. `changes_before`: something
    else that's scheduled begins before it.
    """

    kind = Kind.PRICE_PLANNED
    name: str
    plan_name: str
    new_plan: str = ""
    begins_on: datetime
    present_rate: str
    rate: str
    tax_words: str
    first_charge: str
    credit: str
    credit_used: str
    method: str
    by_invoice: bool
    changes_before: bool = False
    url: str


@dataclass(frozen=True, kw_only=True)
class PlanDropped(MessageContext):
    """The price that would have begun on a day doesn't; the present one continues.

    `other_on` is when something else changes that's no other price of the plan, such as a quantity.
    """

    kind = Kind.PLAN_DROPPED
    name: str
    plan_name: str
    begins_on: datetime
    dropped_rate: str
    rate: str
    other_on: datetime | None
    next_charge: str
    next_charge_on: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class CardChanged(MessageContext):
    """A membership is paid with another card."""

    kind = Kind.CARD_CHANGED
    name: str
    plan_name: str
    method: str
    before: str
    url: str


@dataclass(frozen=True, kw_only=True)
class CardLink(MessageContext):
    """Staff send the way to the page where a member changes the card."""

    kind = Kind.CARD_LINK
    name: str
    plan_name: str
    method: str
    url: str


@dataclass(frozen=True, kw_only=True)
class OfferAccepted(MessageContext):
    """A member stays, at a discount."""

    kind = Kind.OFFER_ACCEPTED
    name: str
    plan_name: str
    terms: str
    next_charge: str
    next_charge_on: datetime | None
    credit: str
    credit_used: str
    url: str


@dataclass(frozen=True, kw_only=True)
class MembershipEnded(MessageContext):
    """A membership has ended. `goes_on` says what else is still charged."""

    kind = Kind.MEMBERSHIP_ENDED
    name: str
    plan_name: str
    ended_on: datetime
    unpaid: bool
    goes_on: Sequence[str]
    another: bool
    credit: str
    url: str


@dataclass(frozen=True, kw_only=True)
class MembershipPaused(MessageContext):
    """Payments are paused."""

    kind = Kind.MEMBERSHIP_PAUSED
    name: str
    plan_name: str
    resumes_on: datetime | None
    billed_later: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class MembershipResumed(MessageContext):
    """Payments have resumed."""

    kind = Kind.MEMBERSHIP_RESUMED
    name: str
    plan_name: str
    next_charge: str
    next_charge_on: datetime | None
    by_invoice: bool
    ends_on: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class FreeTime(MessageContext):
    """Staff gave a member free time, until the next charge or, if `by_invoice`, invoice.

    `rate` is the price then, empty if it's planned and none of ours; `new_plan` names its plan if
    that's another than now.
    """

    kind = Kind.FREE_TIME
    name: str
    plan_name: str
    new_plan: str = ""
    until: datetime
    rate: str
    next_charge: str
    by_invoice: bool
    credit: str = ""
    credit_used: str = ""
    url: str


@dataclass(frozen=True, kw_only=True)
class TrialEnding(MessageContext):
    """A trial ends soon. `other` names a subscription that isn't the membership.

    `is_free_time`: staff gave it to a member. `rate` is the price then, empty if it's planned and
    none of ours; `new_plan` names its plan if that's another than now.
    """

    kind = Kind.TRIAL_ENDING
    name: str
    plan_name: str
    new_plan: str = ""
    rate: str
    next_charge: str
    other: str
    ends_on: datetime
    method: str
    by_invoice: bool
    credit: str = ""
    credit_used: str = ""
    is_free_time: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class RenewalComing(MessageContext):
    """A subscription renews soon. `other` names one that isn't the membership.

    `price` is empty if nobody knows the amount. `ending` are discounts that end before it;
    `discount_ends`: a discount lowered the last period, and not this one. `is_planned`: what's
    planned makes it higher; `rate` is the price from then on, empty if that's none of ours, and
    `new_plan` names its plan if that's another than now.
    """

    kind = Kind.RENEWAL_COMING
    name: str
    plan_name: str
    price: str
    other: str
    renews_on: datetime
    method: str
    by_invoice: bool
    credit: str = ""
    credit_used: str = ""
    is_planned: bool = False
    new_plan: str = ""
    rate: str = ""
    ending: str = ""
    discount_ends: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class CardExpiring(MessageContext):
    """A card expires before the next charge. `other` names what isn't the membership."""

    kind = Kind.CARD_EXPIRING
    name: str
    method: str
    other: str
    expires: str
    next_charge_on: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentReceived(MessageContext):
    """A receipt. The fields with a default are facts that only an invoice has.

    `method_picture` is what paid in Stripe's words, if that was one method; `on_statement` is what
    a card's statement calls the payment. `full_price` comes next if the discount was for this
    payment alone.
    """

    kind = Kind.PAYMENT_RECEIVED
    name: str
    amount: str
    description: str
    recovered: bool = False
    next_card: str = ""
    home_url: str
    invoice_number: str = ""
    paid_on: datetime
    method: str
    method_picture: str = ""
    on_statement: str = ""
    is_direct: bool = False
    lines: Sequence[NamedAmount]
    taxes: Sequence[NamedAmount] = ()
    taxes_included: Sequence[NamedAmount]
    tax_note: str = ""
    discount: str = ""
    discount_label: str = ""
    credits: Sequence[NamedAmount] = ()
    full_price: str = ""
    full_price_on: datetime | None = None
    receipt_url: str = ""
    url: str


@dataclass(frozen=True, kw_only=True)
class ReceiptAgain(PaymentReceived):
    """A receipt that the member asked for."""

    kind = Kind.RECEIPT_AGAIN


@dataclass(frozen=True, kw_only=True)
class Joined(Welcome, PaymentReceived):
    """A membership has started, and its first payment went through: a welcome and a receipt."""

    kind = Kind.JOINED


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(MessageContext):
    """An invoice couldn't be collected. `other` names what isn't the membership."""

    kind = Kind.PAYMENT_FAILED
    name: str
    amount: str
    description: str
    reason: str
    method: str
    next_attempt_on: datetime | None
    final: bool
    is_other: bool
    other: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentConfirmation(MessageContext):
    """The bank wants the member to confirm a payment."""

    kind = Kind.PAYMENT_CONFIRMATION
    name: str
    amount: str
    description: str
    method: str
    is_other: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentRequested(MessageContext):
    """Staff ask a member for a payment."""

    kind = Kind.PAYMENT_REQUESTED
    name: str
    amount: str
    tax_words: str
    adds_tax: bool
    by_zelle: bool
    description: str
    expires_on: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentExpiring(MessageContext):
    """A payment that staff asked for can be made for a few more days."""

    kind = Kind.PAYMENT_EXPIRING
    name: str
    amount: str
    tax_words: str
    adds_tax: bool
    description: str
    expires_on: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class DebitComing(MessageContext):
    """A bank is processing a payment, which takes days."""

    kind = Kind.DEBIT_COMING
    name: str
    amount: str
    description: str
    method: str
    started_on: datetime
    url: str


@dataclass(frozen=True, kw_only=True)
class DiscountEnding(MessageContext):
    """The next payment lacks a discount. `other` names what isn't the membership.

    If several end before it, `endings` are these with their days, and there's no single day.
    """

    kind = Kind.DISCOUNT_ENDING
    name: str
    plan_name: str
    discount: str
    ends_on: datetime | None
    endings: Sequence[str] = ()
    price: str
    renews_on: datetime
    method: str
    by_invoice: bool
    credit: str = ""
    credit_used: str = ""
    other: str
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentNotMade(MessageContext):
    """A single payment failed after the member's part was done."""

    kind = Kind.PAYMENT_NOT_MADE
    name: str
    amount: str
    description: str
    reason: str
    method: str
    url: str


@dataclass(frozen=True, kw_only=True)
class CreditNoteIssued(MessageContext):
    """An invoice was reduced. `sentences` say what happens to the amount."""

    kind = Kind.CREDIT_NOTE
    name: str
    amount: str
    description: str
    invoice_number: str
    number: str
    sentences: Sequence[str]
    url: str


@dataclass(frozen=True, kw_only=True)
class InvoiceToPay(MessageContext):
    """An invoice that the member pays themselves. `zelle_*`: if they're to pay it by Zelle.

    `lines` is empty if they say nothing but the amount and what it's for. `paid`: what's been paid
    of it already.
    """

    name: str
    amount: str
    description: str
    lines: Sequence[NamedAmount] = ()
    taxes: Sequence[NamedAmount] = ()
    taxes_included: Sequence[NamedAmount] = ()
    tax_note: str = ""
    discount: str = ""
    discount_label: str = ""
    credits: Sequence[NamedAmount] = ()
    paid: str = ""
    invoice_number: str
    due_on: datetime | None
    zelle_reference: str = ""
    zelle_name: str = ""
    zelle_address: str = ""
    zelle_url: str = ""
    pdf_url: str = ""
    url: str


@dataclass(frozen=True, kw_only=True)
class InvoiceSent(InvoiceToPay):
    """The invoice has come."""

    kind = Kind.INVOICE_SENT


@dataclass(frozen=True, kw_only=True)
class InvoiceDue(InvoiceToPay):
    """The invoice is due soon."""

    kind = Kind.INVOICE_DUE


@dataclass(frozen=True, kw_only=True)
class InvoiceOverdue(InvoiceToPay):
    """The invoice was due."""

    kind = Kind.INVOICE_OVERDUE


@dataclass(frozen=True, kw_only=True)
class RenewalFailed(MessageContext):
    """For staff who want it: a renewal couldn't be charged. `final`: we don't try again."""

    kind = Kind.RENEWAL_FAILED
    amount: str
    member: str
    description: str
    reason: str
    method: str
    next_attempt_on: datetime | None
    final: bool
    url: str


@dataclass(frozen=True, kw_only=True)
class FraudReported(MessageContext):
    """For staff: a card's bank reports a payment as fraud. `method` is "" if we don't know it."""

    kind = Kind.FRAUD_REPORTED
    meaning: str
    advice: str
    confidential: str
    amount: str
    member: str
    report: str
    method: str
    paid_on: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class DisputeOpened(MessageContext):
    """For staff: a bank asks about a payment, or wants it back."""

    kind = Kind.DISPUTE_OPENED
    headline: str
    sentence: str
    is_inquiry: bool
    is_appeal: bool = False
    amount: str
    member: str
    reason: str
    paid_on: datetime | None
    due_on: datetime | None
    url: str


@dataclass(frozen=True, kw_only=True)
class DisputeClosed(MessageContext):
    """For staff: a dispute has ended."""

    kind = Kind.DISPUTE_CLOSED
    headline: str
    sentence: str
    amount: str
    member: str
    reason: str
    opened_on: datetime
    url: str
