"""Statuses, by Stripe's names and ours, and groups of them (pure)."""

from collections.abc import Iterable
from enum import StrEnum


class SubscriptionStatus(StrEnum):
    """Stripe's statuses of a subscription."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


# With one of these, the member has the membership and can't buy it again.
LIVE_SUBSCRIPTION = frozenset(
    {
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.PAUSED,
    }
)
# With one of these, the next period is charged automatically.
CHARGED_SUBSCRIPTION = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
# With one of these, a payment is missing.
UNPAID_SUBSCRIPTION = frozenset({SubscriptionStatus.PAST_DUE, SubscriptionStatus.UNPAID})
ENDED_SUBSCRIPTION = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})
# With one of these, the first payment was never made, so it never was a membership.
NEVER_BEGAN = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.INCOMPLETE_EXPIRED})


class CollectionMethod(StrEnum):
    """How Stripe collects an invoice: it charges a card, or sends the invoice."""

    CHARGE = "charge_automatically"
    SEND = "send_invoice"


class PauseBehavior(StrEnum):
    """What happens to invoices made while a subscription's collection is paused."""

    KEEP_AS_DRAFT = "keep_as_draft"
    MARK_UNCOLLECTIBLE = "mark_uncollectible"
    VOID = "void"


class InvoiceStatus(StrEnum):
    """Stripe's statuses of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class PayoutStatus(StrEnum):
    """Stripe's statuses of a payout."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class CreditNoteStatus(StrEnum):
    """Stripe's statuses of a credit note."""

    ISSUED = "issued"
    VOID = "void"


class Collection(StrEnum):
    """The progress of collecting an open invoice; empty for any other."""

    NONE = ""
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    FAILED = "failed"


# Stripe's reason (`billing_reason`) for the invoice that a subscription begins with.
FIRST_INVOICE = "subscription_create"
# Those of the invoices that a period begins with; a switch that begins one has the reason of any
# other change.
PERIOD_INVOICES = frozenset({FIRST_INVOICE, "subscription_cycle"})
# Stripe's reason (`status_details.uncollectible.reason`) for an invoice dropped during a pause.
GIVEN_UP_BY_PAUSE = "subscription_paused"
# Stored instead of a card's brand if the money came to us directly, not through Stripe.
OUTSIDE = "out_of_band"
ZELLE = "zelle"
# Both came to us directly; those by Zelle we know from our bank, and can refund by our workflow.
NOT_BY_STRIPE = frozenset({OUTSIDE, ZELLE})


class PaymentStatus(StrEnum):
    """Stripe's statuses of a payment intent, plus `failed` for a refused attempt."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class DisputeStatus(StrEnum):
    """Stripe's statuses of a dispute. `warning_…` is an inquiry: the bank asks; no money moves."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"


INQUIRY = frozenset(
    {
        DisputeStatus.WARNING_NEEDS_RESPONSE,
        DisputeStatus.WARNING_UNDER_REVIEW,
        DisputeStatus.WARNING_CLOSED,
    }
)
# These are waiting for our evidence, until the deadline.
ANSWERABLE_DISPUTE = frozenset(
    {
        DisputeStatus.WARNING_NEEDS_RESPONSE,
        DisputeStatus.NEEDS_RESPONSE,
        DisputeStatus.APPEAL_NEEDS_RESPONSE,
    }
)
# These are still open; meanwhile the payment can't be refunded.
OPEN_DISPUTE = ANSWERABLE_DISPUTE | {
    DisputeStatus.WARNING_UNDER_REVIEW,
    DisputeStatus.UNDER_REVIEW,
    DisputeStatus.APPEAL_UNDER_REVIEW,
}
# Of these, Stripe has taken the money out of the balance, and the bank holds it until it decides.
HOLDING_DISPUTE = OPEN_DISPUTE - INQUIRY


class AnswerState(StrEnum):
    """Where our answer to a dispute is. From `sending` and `accepting` on it can't be changed."""

    DRAFT = "draft"
    SENDING = "sending"
    SENT = "sent"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"


class DisputeStage(StrEnum):
    """What the bank wants. Each is answered once: an inquiry may become a dispute."""

    INQUIRY = "inquiry"
    DISPUTE = "dispute"
    APPEAL = "appeal"


# Their labels here: Stripe's own names are those of its API.
PAYMENT_WORDS = {
    PaymentStatus.REQUIRES_PAYMENT_METHOD.value: "Failed",
    PaymentStatus.REQUIRES_CONFIRMATION.value: "Not confirmed",
    PaymentStatus.REQUIRES_ACTION.value: "Waits for the member",
    PaymentStatus.REQUIRES_CAPTURE.value: "Reserved",
    PaymentStatus.PROCESSING.value: "In progress",
    PaymentStatus.SUCCEEDED.value: "Paid",
}


class EventState(StrEnum):
    """The state of a webhook event."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"
    RETRYING = "retrying"
    FAILED = "failed"


OPEN_EVENT = frozenset({EventState.PENDING, EventState.RETRYING})


class IgnoredBecause(StrEnum):
    """Why an event is accepted and ignored."""

    THIN = "thin"  # it only names an object of the v2 API
    OTHER_MODE = "other_mode"  # live while we have a test key, or the reverse
    CONNECTED = "connected"  # of an account that's connected to ours


class CheckoutState(StrEnum):
    """The state of a Checkout session that we made."""

    STARTING = "starting"
    OPEN = "open"
    PROCESSING = "processing"  # the member is done, but the bank hasn't sent the money yet
    COMPLETE = "complete"
    FAILED = "failed"
    EXPIRED = "expired"


# While a checkout is in one of these, no other checkout can pay for the same thing.
UNFINISHED_CHECKOUT = frozenset(
    {CheckoutState.STARTING, CheckoutState.OPEN, CheckoutState.PROCESSING}
)


def checkout_state(session: str, payment_status: str, payment: str) -> CheckoutState | None:
    """Return the state of a single payment's session, or None while it's open.

    `session` and `payment_status` are the session's fields at Stripe; `payment` is the status of
    its payment intent. A session that's complete but unpaid is waiting for the bank (Stripe
    documentation, "Fulfill orders": delayed payment methods), until its payment succeeds or fails.
    """
    if session == CheckoutState.EXPIRED:
        return CheckoutState.EXPIRED
    if session != CheckoutState.COMPLETE:
        return None
    if payment_status != "unpaid" or payment == PaymentStatus.SUCCEEDED:
        return CheckoutState.COMPLETE
    if payment in (PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.CANCELED):
        return CheckoutState.FAILED
    return CheckoutState.PROCESSING


class Purpose(StrEnum):
    """What a Checkout session is for."""

    MEMBERSHIP = "membership"
    AMOUNT = "amount"  # a single payment of what the member chose
    REQUEST = "request"  # a single payment that staff asked for


class RequestState(StrEnum):
    """The state of a payment request. Whether it has expired follows from its date."""

    OPEN = "open"
    PAID = "paid"
    CANCELED = "canceled"


class MembershipAction(StrEnum):
    """The possible decisions about a membership."""

    CANCEL = "cancel"
    RESUME = "resume"
    CANCEL_NOW = "cancel_now"
    SWITCH = "switch"  # to another price of the plan
    STAY = "stay"  # with the retention offer's discount
    # By staff alone.
    EXTEND = "extend"  # the free trial
    DISCOUNT = "discount"  # by a coupon, instead of any other
    UNDISCOUNT = "undiscount"
    FREE = "free"  # time before the next charge
    PAUSE = "pause"  # collecting its payments
    UNPAUSE = "unpause"
    PLAN = "plan"  # another price, from the next period on
    UNPLAN = "unplan"  # by the member, too


class DecisionState(StrEnum):
    """The state of a decision. A pending one is waiting for Stripe's subscription."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class CancellationReason(StrEnum):
    """Why a member leaves, in Stripe's terms (`cancellation_details.feedback`)."""

    TOO_EXPENSIVE = "too_expensive"
    UNUSED = "unused"
    MISSING_FEATURES = "missing_features"
    SWITCHED_SERVICE = "switched_service"
    LOW_QUALITY = "low_quality"
    CUSTOMER_SERVICE = "customer_service"
    TOO_COMPLEX = "too_complex"
    OTHER = "other"


# Stripe's reason (`cancellation_details.reason`) for an end after the last retry failed.
ENDED_BY_FAILED_PAYMENT = "payment_failed"


def collection_of(status: str, attempt_count: int, payments: Iterable[str]) -> Collection:
    """Derive an invoice's collection from its status, attempts, and payments."""
    if status != InvoiceStatus.OPEN:
        return Collection.NONE
    statuses = set(payments)
    if PaymentStatus.PROCESSING in statuses:
        return Collection.PROCESSING
    if PaymentStatus.REQUIRES_ACTION in statuses:
        return Collection.REQUIRES_ACTION
    return Collection.FAILED if attempt_count else Collection.NONE


class RefundState(StrEnum):
    """The state of a refund: decided by people first, then by Stripe."""

    REQUESTED = "requested"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    SENDING = "sending"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


# Stripe's statuses of a refund ("The Refund object"); our states have the same names.
REFUND_AT_STRIPE = frozenset(
    {
        RefundState.PENDING,
        RefundState.REQUIRES_ACTION,
        RefundState.SUCCEEDED,
        RefundState.FAILED,
        RefundState.CANCELED,
    }
)
# Refunds in these states paid nothing back: their amount can be requested again.
REFUND_VOID = frozenset(
    {
        RefundState.DENIED,
        RefundState.WITHDRAWN,
        RefundState.FAILED,
        RefundState.CANCELED,
    }
)
# Approved, but not at Stripe yet: the worker has to send it.
REFUND_TO_SEND = frozenset({RefundState.APPROVED, RefundState.SENDING})
# Approved, but not at the member's bank yet.
REFUND_IN_TRANSIT = REFUND_TO_SEND | {RefundState.PENDING, RefundState.REQUIRES_ACTION}
# Somebody still has to do something: decide, send it, pass it on, or answer.
REFUND_UNDER_WAY = REFUND_IN_TRANSIT | {RefundState.REQUESTED}
# All other changes must be listed here. Among Stripe's own states every change is possible, even
# `succeeded` to `failed`.
REFUND_MOVES: dict[RefundState, frozenset[RefundState]] = {
    RefundState.REQUESTED: frozenset(
        {RefundState.APPROVED, RefundState.DENIED, RefundState.WITHDRAWN}
    ),
    RefundState.APPROVED: frozenset({RefundState.SENDING, RefundState.CANCELED}),
    RefundState.SENDING: REFUND_AT_STRIPE,
    **{state: REFUND_AT_STRIPE - {state} for state in REFUND_AT_STRIPE},
    RefundState.DENIED: frozenset(),
    RefundState.WITHDRAWN: frozenset(),
}


class RefundOrigin(StrEnum):
    """Who started a refund."""

    MEMBER = "member"
    STAFF = "staff"
    STRIPE = "stripe"  # someone in Stripe's dashboard


class RefundReason(StrEnum):
    """Why a refund was requested."""

    DUPLICATE = "duplicate"
    ACCIDENTAL = "accidental"
    NOT_USED = "not_used"
    NOT_AS_EXPECTED = "not_as_expected"
    FORGOT_TO_CANCEL = "forgot_to_cancel"
    GOODWILL = "goodwill"
    REPORTED_AS_FRAUD = "reported_as_fraud"  # by the card's bank
    OTHER = "other"


class LedgerTextKind(StrEnum):
    """Texts in a step of a refund's history that may have to be deleted."""

    ACTOR = "actor"  # the actor's name at the time
    WORDS = "words"
    # The hash from before names and words were separated: it included them.
    EARLIER = "earlier"


class RefundAction(StrEnum):
    """The kind of a step in a refund's history."""

    REQUESTED = "requested"
    GIVEN = "given"  # by staff, without a request
    FOUND = "found"  # made in Stripe's dashboard
    APPROVED_BY_POLICY = "approved_by_policy"
    APPROVED_FIRST = "approved_first"  # the first of two people
    APPROVED = "approved"
    SECOND_ASKED = "second_asked"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"  # the payment was paid back another way in the meantime
    SENDING = "sending"
    REFUSED = "refused"  # Stripe didn't make it
    STRIPE = "stripe"  # Stripe said so
    REOPENED = "reopened"  # it failed after it had succeeded
    SENT_BY_ZELLE = "sent_by_zelle"  # staff sent it from the bank's app
    LEFT_ACCOUNT = "left_account"  # a file of our account has it
    NOT_SENT = "not_sent"  # staff say that it didn't go out after all


# In a message's cause: it reminds the member to say where a refund should go.
ANSWER_SOON = "answer soon"
# Reasons a refund failed that need no follow-up: the money comes back another way.
# Stripe documentation, "The Refund object" (failure_reason) and "Error codes".
REFUND_SETTLED = frozenset(
    {
        "charge_already_refunded",
        "charge_disputed",
        "charge_for_pending_refund_disputed",
        "refund_disputed_payment",
    }
)
