"""Statuses, as Stripe and we name them, and which of them belong together (pure)."""

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


# A member with one of these has the membership: buying it again is refused.
LIVE_SUBSCRIPTION = frozenset(
    {
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.PAUSED,
    }
)
ENDED_SUBSCRIPTION = frozenset({SubscriptionStatus.CANCELED, SubscriptionStatus.INCOMPLETE_EXPIRED})


class InvoiceStatus(StrEnum):
    """Stripe's statuses of an invoice."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class PaymentStatus(StrEnum):
    """Stripe's statuses of a payment intent, plus `failed` for an attempt that was refused."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class EventState(StrEnum):
    """What has become of a webhook event."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"
    RETRYING = "retrying"
    FAILED = "failed"


OPEN_EVENT = frozenset({EventState.PENDING, EventState.RETRYING})


class CheckoutState(StrEnum):
    """What has become of a Checkout session that we made."""

    STARTING = "starting"
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


UNFINISHED_CHECKOUT = frozenset({CheckoutState.STARTING, CheckoutState.OPEN})
