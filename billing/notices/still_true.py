"""Whether a message is still true, checked before it's sent, possibly hours later.

Facts (a receipt, an end, a refund that arrived) stay true; requests and announcements may be out of
date. Each check returns a sentence for staff, or "" if it's still true or there's no row to check.
"""

from __future__ import annotations

from billing.core.bank_statuses import ExpectedState
from billing.core.statuses import (
    ANSWER_SOON,
    Collection,
    InvoiceStatus,
    PaymentStatus,
    RefundState,
    RequestState,
    SubscriptionStatus,
)
from billing.models import (
    Dispute,
    ExpectedTransfer,
    FraudWarning,
    Invoice,
    Payment,
    PaymentRequest,
    Refund,
    Subscription,
)
from billing.notices.charges import seconds
from emails.catalog import Kind
from emails.causes import Check
from emails.models import Message

ENDED = "The membership has ended since."


def _unpaid(message: Message) -> str:
    """After a failed attempt: the invoice must be open, with no newer attempt announced."""
    stripe_id, _, attempt = message.cause.partition(":")
    row = Invoice.objects.filter(stripe_id=stripe_id).first()
    if row is None:
        return ""
    if row.status != InvoiceStatus.OPEN or not row.amount_remaining:
        return "The invoice has been paid or closed since."
    if row.collection == Collection.PROCESSING:
        return "A newer payment is being processed."
    if attempt.isdecimal() and row.attempt_count > int(attempt):
        return "A newer attempt has been made since."
    return ""


def _to_confirm(message: Message) -> str:
    """The bank is waiting for the member."""
    if reason := _unpaid(message):
        return reason
    row = Invoice.objects.filter(stripe_id=message.cause.partition(":")[0]).first()
    is_waiting = row is None or row.collection == Collection.REQUIRES_ACTION
    return "" if is_waiting else "The bank isn’t waiting for a confirmation anymore."


def _not_made(message: Message) -> str:
    """A single payment failed."""
    row = Payment.objects.filter(stripe_id=message.cause.partition(":")[0]).first()
    if row is None:
        return ""
    is_paid = row.status == PaymentStatus.SUCCEEDED
    return "The payment went through after all." if is_paid else ""


def _trial_ends(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    if row.status != SubscriptionStatus.TRIALING:
        return "The trial is over."
    return "The membership ends with its trial." if row.ends_with_period else ""


def _renews(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    if not row.is_live or row.ends_with_period:
        return "The membership doesn’t renew anymore."
    _, *plan, end = message.cause.split(":")
    if end != str(seconds(row.current_period_end)):
        return "The renewal has another date now."
    is_planned = row.planned_at is not None and row.planned_price_id in plan
    return "" if not plan or is_planned else "Something else is planned now."


def _discount_ends(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    if not row.is_live or row.ends_with_period:
        return "The membership doesn’t renew anymore."
    ends = {str(one["ends_at"]) for one in row.discounts}
    is_same = message.cause.rpartition(":")[2] in ends
    has_ended = not ends
    return "" if is_same or has_ended else "The discount has another end now."


def _debit_comes(message: Message) -> str:
    row = Payment.objects.filter(stripe_id=message.cause.partition(":")[0]).first()
    is_waiting = row is None or row.status == PaymentStatus.PROCESSING
    return "" if is_waiting else "The bank isn’t processing the payment anymore."


def _card_expires(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    if not row.is_live:
        return ENDED
    card = f"{row.card_brand}:{row.card_last4}:{row.card_expires}"
    return "" if message.cause.partition(":")[2] == card else "Another card pays now."


def _ends(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    is_same = row.is_live and str(seconds(row.ends_at)) == message.cause.rpartition(":")[2]
    return "" if is_same else "The membership doesn’t end on that day anymore."


def _goes_on(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    return "" if row.is_live and not row.ends_at else "The membership ends after all."


def _switched(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    return "" if row.price_id == message.cause.split(":")[1] else "The price has changed again."


def _planned(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    told = message.cause.split(":")[1:3]
    is_same = row.is_live and not row.ends_with_period
    is_same = is_same and told == [row.planned_price_id, str(seconds(row.planned_at))]
    return "" if is_same else "Something else is planned now."


def _dropped(message: Message) -> str:
    row = _subscription(message)
    if row is None:
        return ""
    if not row.is_live or row.ends_with_period:
        return "The membership ends."
    is_kept = row.price_id == message.cause.split(":")[1] and not row.planned_price_id
    return "" if is_kept else "Another price has begun, or is planned."


def _requested(message: Message) -> str:
    """We asked for a payment."""
    row = PaymentRequest.objects.filter(pk=_number(message)).first()
    if row is None:
        return ""
    return "" if row.state == RequestState.OPEN else "The request has been paid or canceled."


def _zelle_awaited(message: Message) -> str:
    """We asked for a payment by Zelle."""
    row = _zelle(message)
    if row is None:
        return ""
    if row.state == ExpectedState.CONFIRMED:
        return "The payment has been received."
    if not row.is_open:
        return "The payment isn’t awaited anymore."
    return ""


def _zelle_reminded(message: Message) -> str:
    row = _zelle(message)
    if row and row.is_open and (row.said_sent_at or row.state == ExpectedState.ANNOUNCED):
        return "The payment is on its way."
    return _zelle_awaited(message)


def _zelle_part_missing(message: Message) -> str:
    """We asked for the rest of a payment, naming what had come."""
    row = _zelle(message)
    told = message.cause.split(":")[1:2]
    if row and row.is_open and told != [str(row.received())]:
        return "More has come since, or less counts."
    return _zelle_awaited(message)


def _refund_undecided(message: Message) -> str:
    row = Refund.objects.filter(pk=_number(message)).first()
    if row is None:
        return ""
    return "" if row.is_undecided else "The refund has been decided."


def _refund_waits_at_stripe(message: Message) -> str:
    """Stripe holds it back, or is waiting for the member: each has its own message."""
    row = Refund.objects.filter(pk=_number(message)).first()
    if row is None:
        return ""
    step = message.cause.partition(":")[2]
    needs_answer = step in (RefundState.REQUIRES_ACTION, ANSWER_SOON)
    wanted = RefundState.REQUIRES_ACTION if needs_answer else RefundState.PENDING
    return "" if row.state == wanted else "The refund has moved on."


def _disputed(message: Message) -> str:
    row = Dispute.objects.filter(stripe_id=message.cause.partition(":")[0]).first()
    if row is None:
        return ""
    return "" if row.is_open else "The dispute is over."


def _reported(message: Message) -> str:
    row = FraudWarning.objects.filter(stripe_id=message.cause).select_related("payment").first()
    is_open = row is None or row.is_open
    return "" if is_open else "The payment was refunded or disputed since, or is left as it is."


CHECKS: dict[Kind, Check] = {
    Kind.PAYMENT_FAILED: _unpaid,
    Kind.PAYMENT_CONFIRMATION: _to_confirm,
    Kind.PAYMENT_NOT_MADE: _not_made,
    Kind.TRIAL_ENDING: _trial_ends,
    Kind.RENEWAL_COMING: _renews,
    Kind.DISCOUNT_ENDING: _discount_ends,
    Kind.DEBIT_COMING: _debit_comes,
    Kind.PAYMENT_EXPIRING: _requested,
    Kind.CARD_EXPIRING: _card_expires,
    Kind.MEMBERSHIP_ENDS: _ends,
    Kind.MEMBERSHIP_GOES_ON: _goes_on,
    Kind.PRICE_SWITCHED: _switched,
    Kind.PRICE_PLANNED: _planned,
    Kind.PLAN_DROPPED: _dropped,
    Kind.PAYMENT_REQUESTED: _requested,
    Kind.ZELLE_STARTED: _zelle_awaited,
    Kind.ZELLE_REMINDER: _zelle_reminded,
    Kind.ZELLE_PART_RECEIVED: _zelle_part_missing,
    Kind.REFUND_RECEIVED: _refund_undecided,
    Kind.REFUND_SENT: _refund_waits_at_stripe,
    Kind.REFUND_TO_DECIDE: _refund_undecided,
    Kind.REFUND_WAITS: _refund_undecided,
    Kind.FRAUD_REPORTED: _reported,
    Kind.DISPUTE_OPENED: _disputed,
}


def _subscription(message: Message) -> Subscription | None:
    return Subscription.objects.filter(stripe_id=message.cause.partition(":")[0]).first()


def _zelle(message: Message) -> ExpectedTransfer | None:
    number = message.cause.partition(":")[0].removeprefix("zelle")
    rows = ExpectedTransfer.objects.filter(pk=int(number) if number.isdecimal() else 0)
    return rows.first()


def _number(message: Message) -> int:
    number = message.cause.partition(":")[0]
    return int(number) if number.isdecimal() else 0
