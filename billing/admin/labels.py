"""The labels and colors of states on staff pages: good, waiting, bad, none for what's over."""

from billing.core.statuses import (
    CHARGED_SUBSCRIPTION,
    GIVEN_UP_BY_PAUSE,
    CheckoutState,
    CreditNoteStatus,
    DecisionState,
    DisputeStatus,
    EventState,
    InvoiceStatus,
    MembershipAction,
    PauseBehavior,
    PaymentStatus,
    PayoutStatus,
    RefundAction,
    RefundState,
    RequestState,
    SubscriptionStatus,
)
from billing.facts import discounts, income, plans
from billing.facts.income import Settlement
from billing.models import (
    Dispute,
    FraudWarning,
    Invoice,
    MembershipDecision,
    Payment,
    Plan,
    Subscription,
)
from common.staff import show

# By Stripe's terms, which may grow: an unknown one has no color.
SUBSCRIPTION: dict[str, str] = {
    SubscriptionStatus.ACTIVE: "success",
    SubscriptionStatus.TRIALING: "info",
    SubscriptionStatus.INCOMPLETE: "warning",
    SubscriptionStatus.PAUSED: "warning",
    SubscriptionStatus.PAST_DUE: "danger",
    SubscriptionStatus.UNPAID: "danger",
}
INVOICE: dict[str, str] = {
    InvoiceStatus.PAID: "success",
    InvoiceStatus.OPEN: "warning",
    InvoiceStatus.UNCOLLECTIBLE: "danger",
}
PAUSES: dict[str, str] = {
    PauseBehavior.VOID: "Invoices from this time are voided.",
    PauseBehavior.MARK_UNCOLLECTIBLE: "Invoices from this time are marked uncollectible.",
    PauseBehavior.KEEP_AS_DRAFT: "Invoices from this time are kept as drafts.",
}
PAYOUT: dict[str, str] = {
    PayoutStatus.PAID: "success",
    PayoutStatus.PENDING: "info",
    PayoutStatus.IN_TRANSIT: "info",
    PayoutStatus.FAILED: "danger",
}
CREDIT_NOTE: dict[str, str] = {CreditNoteStatus.ISSUED: "success"}
PAYMENT: dict[str, str] = {
    PaymentStatus.SUCCEEDED: "success",
    PaymentStatus.PROCESSING: "info",
    PaymentStatus.REQUIRES_ACTION: "warning",
    PaymentStatus.REQUIRES_CAPTURE: "warning",
    PaymentStatus.REQUIRES_CONFIRMATION: "warning",
    PaymentStatus.REQUIRES_PAYMENT_METHOD: "danger",
}
DISPUTE: dict[str, str] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: "warning",
    DisputeStatus.NEEDS_RESPONSE: "danger",
    DisputeStatus.APPEAL_NEEDS_RESPONSE: "danger",
    DisputeStatus.WARNING_UNDER_REVIEW: "info",
    DisputeStatus.UNDER_REVIEW: "info",
    DisputeStatus.APPEAL_UNDER_REVIEW: "info",
    DisputeStatus.WON: "success",
    DisputeStatus.PREVENTED: "success",
    DisputeStatus.WARNING_CLOSED: "success",
}
# Stripe calls an inquiry a warning, which would confuse staff.
DISPUTE_NAMES: dict[str, str] = {
    DisputeStatus.WARNING_NEEDS_RESPONSE: "Inquiry: to answer",
    DisputeStatus.WARNING_UNDER_REVIEW: "Inquiry: under review",
    DisputeStatus.WARNING_CLOSED: "Inquiry: closed",
    DisputeStatus.NEEDS_RESPONSE: "To answer",
    DisputeStatus.APPEAL_NEEDS_RESPONSE: "Appeal: to answer",
    DisputeStatus.APPEAL_UNDER_REVIEW: "Appeal: under review",
}
EVENT = {
    EventState.PROCESSED: "success",
    EventState.PENDING: "info",
    EventState.RETRYING: "warning",
    EventState.FAILED: "danger",
}
CHECKOUT = {
    CheckoutState.COMPLETE: "success",
    CheckoutState.OPEN: "info",
    CheckoutState.STARTING: "info",
    CheckoutState.PROCESSING: "warning",
    CheckoutState.FAILED: "danger",
}
REQUEST = {
    RequestState.PAID: "success",
    RequestState.OPEN: "info",
}
# By staff's buttons.
DECIDED: dict[str, str] = {
    MembershipAction.CANCEL_NOW: "End now",
    MembershipAction.EXTEND: "Extend the free trial",
    MembershipAction.DISCOUNT: "Give a discount",
    MembershipAction.UNDISCOUNT: "Take back the discount",
    MembershipAction.FREE: "Give free time",
    MembershipAction.PAUSE: "Pause payments",
    MembershipAction.UNPAUSE: "Resume payments",
    MembershipAction.PLAN: "Plan another price",
    MembershipAction.UNPLAN: "Keep the present price",
}
DECISION = {
    DecisionState.CONFIRMED: "success",
    DecisionState.PENDING: "info",
    DecisionState.FAILED: "danger",
}
REFUND = {
    RefundState.REQUESTED: "warning",
    RefundState.APPROVED: "info",
    RefundState.SENDING: "info",
    RefundState.PENDING: "info",
    RefundState.REQUIRES_ACTION: "warning",
    RefundState.SUCCEEDED: "success",
    RefundState.FAILED: "danger",
}
# The steps of a refund's history, in words for staff.
REFUND_STEPS: dict[str, str] = {
    RefundAction.REQUESTED: "Asked for",
    RefundAction.GIVEN: "Given by staff, without a request",
    RefundAction.FOUND: "Found: made in Stripe's dashboard",
    RefundAction.APPROVED_BY_POLICY: "Approved by the policy",
    RefundAction.APPROVED_FIRST: "Approved by the first of two",
    RefundAction.APPROVED: "Approved",
    RefundAction.SECOND_ASKED: "A second person is asked for",
    RefundAction.DENIED: "Denied",
    RefundAction.WITHDRAWN: "Withdrawn by the member",
    RefundAction.OVERTAKEN: "Overtaken by another refund",
    RefundAction.SENDING: "Being handed to Stripe",
    RefundAction.REFUSED: "Refused by Stripe",
    RefundAction.STRIPE: "Told by Stripe",
    RefundAction.REOPENED: "Failed after it had succeeded",
    RefundAction.SENT_BY_ZELLE: "Sent by Zelle",
    RefundAction.LEFT_ACCOUNT: "On our account's activity",
    RefundAction.NOT_SENT: "Not sent after all",
}
SETTLEMENT = {
    Settlement.PAID: "success",
    Settlement.PAID_DIRECTLY: "success",
    Settlement.PARTLY_REFUNDED: "info",
    Settlement.DISPUTED: "warning",
    Settlement.RETURNED: "danger",
}


def subscription(row: Subscription) -> tuple[str, str]:
    """Return the label and color of a subscription's state."""
    status = str(row.get_status_display())
    if row.is_in_free_time:
        status = "Free time"
    if row.is_paused and row.is_live:
        return f"{status}, payments paused", "warning"
    return status, SUBSCRIPTION.get(row.status, "")


def payment(row: Payment) -> tuple[str, str]:
    """Return the label and color of a payment's state; its disputes are prefetched."""
    settlement = income.settlement(row)
    color = SETTLEMENT.get(settlement, "") if settlement else PAYMENT.get(row.status, "")
    return income.label(row), color


def invoice(row: Invoice) -> tuple[str, str]:
    """Return the label and color of an invoice's state.

    Stripe says "paid" if it asks for nothing: a credit, or one that credit notes took back.
    """
    is_credited = row.total < 0 or 0 < row.total <= row.credit_notes_amount
    if row.status == InvoiceStatus.PAID and is_credited:
        return "Credited", "info"
    if row.status == InvoiceStatus.PAID and 0 < row.amount_paid == row.amount_paid_outside:
        return str(income.LABELS[Settlement.PAID_DIRECTLY]), "success"
    if row.is_sent and row.is_payable:
        return ("Overdue", "danger") if row.is_overdue else ("Sent, to be paid", "warning")
    if row.given_up_reason == GIVEN_UP_BY_PAUSE:
        return "Not charged, paused", ""
    return str(row.get_status_display()), INVOICE.get(row.status, "")


def decided(row: MembershipDecision) -> str:
    """Return a membership decision's label: staff's button is "End now"."""
    return DECIDED.get(row.action) or str(row.get_action_display())


def dispute(row: Dispute) -> str:
    """Return the label of a dispute's state."""
    return DISPUTE_NAMES.get(row.status) or row.get_status_display()


def fraud_warning(row: FraudWarning) -> tuple[str, str]:
    """Return the label and color of a warning's state; its payment's disputes are prefetched."""
    payment = row.payment
    if row.is_open:
        return "To look at", "danger"
    if payment.disputes.all():
        return "Disputed", "info"
    if 0 < payment.amount_received <= payment.amount_refunded:
        return "Refunded", "success"
    return "Left as it is" if row.left_at else "Nothing to do", ""


def since(row: Subscription) -> str:
    """Return "active, since Nov 4, 2026"."""
    return f"{row.get_status_display().lower()}, since {show.day(row.started_at)}"


def planned(row: Subscription) -> str:
    """Return which price comes next and when, or nothing: "$290.00 a year from December 4"."""
    if row.planned_at is None:
        return ""
    if not row.planned_price_id:
        return f"something else is scheduled at Stripe from {show.day(row.planned_at)}"
    plan = Plan.objects.filter(stripe_id=row.planned_price_id).first()
    rate = plans.named_rate(row, plan) if plan else "another price"
    before = f", and something else from {show.day(row.changes_at)}" if row.changes_at else ""
    return f"{rate} from {show.day(row.planned_at)}{before}"


def next_step(row: Subscription) -> str:
    """Say when a live one is next charged, and when it ends, if it does."""
    coming = "" if row.ends_with_period else next_charge(row)
    if row.ends_at is None:
        return coming
    ends = f"ends {show.day(row.ends_at)}"
    return f"{coming}; {ends}" if coming else f"E{ends[1:]}"


def next_charge(row: Subscription) -> str:
    """Say when it's next charged or invoiced, or when a paused one resumes."""
    resumes = f" until {show.day(row.resumes_at)}" if row.resumes_at else ""
    pause = f"Payments paused{resumes}" if row.is_paused else ""
    if not row.is_renewal_charged:
        return pause
    charge = discounts.next_charge(row) if row.status in CHARGED_SUBSCRIPTION else None
    amount = "" if charge is None else f" of {charge}"
    what = "Next invoice" if row.is_sent else "Next charge"
    coming = f"{what}{amount} on {show.day(row.current_period_end)}"
    return f"{pause}; {coming[0].lower()}{coming[1:]}" if pause else coming
