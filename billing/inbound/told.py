"""Which messages Stripe's events lead to, and why some lead to none: what docs/messages.md says.

An event only has its object read again, and the rows before and after decide what's said
(`billing.sync.changes`). So this names what an event usually leads to.
"""

from __future__ import annotations

from emails.catalog import Kind

_MEMBERSHIP = (
    Kind.JOINED,
    Kind.WELCOME,
    Kind.MEMBERSHIP_ENDS,
    Kind.MEMBERSHIP_GOES_ON,
    Kind.MEMBERSHIP_ENDED,
    Kind.MEMBERSHIP_PAUSED,
    Kind.MEMBERSHIP_RESUMED,
    Kind.PRICE_SWITCHED,
    Kind.PRICE_PLANNED,
    Kind.PLAN_DROPPED,
    Kind.CARD_CHANGED,
    Kind.FREE_TIME,
)
_REFUND = (Kind.REFUND_SENT, Kind.REFUND_ARRIVED, Kind.REFUND_FAILED, Kind.REFUND_IN_TROUBLE)
_PLANNED = (
    *(Kind.PRICE_PLANNED, Kind.PLAN_DROPPED),
    *(Kind.MEMBERSHIP_ENDS, Kind.MEMBERSHIP_GOES_ON),
)
_FRAUD = (Kind.FRAUD_REPORTED,)
_DISPUTE = (Kind.DISPUTE_OPENED, Kind.DISPUTE_CLOSED)

TELLS: dict[str, tuple[Kind, ...]] = {
    "checkout.session.completed": (Kind.JOINED, Kind.WELCOME, Kind.PAYMENT_RECEIVED),
    "checkout.session.async_payment_succeeded": (Kind.PAYMENT_RECEIVED,),
    "checkout.session.async_payment_failed": (Kind.PAYMENT_NOT_MADE,),
    "customer.subscription.created": (Kind.JOINED, Kind.ZELLE_JOINED, Kind.WELCOME),
    "customer.subscription.updated": _MEMBERSHIP,
    "customer.subscription.deleted": (Kind.MEMBERSHIP_ENDED,),
    "customer.subscription.trial_will_end": (Kind.TRIAL_ENDING,),
    **dict.fromkeys(("subscription_schedule.created", "subscription_schedule.updated"), _PLANNED),
    **dict.fromkeys(
        (
            *("subscription_schedule.released", "subscription_schedule.canceled"),
            "subscription_schedule.aborted",
        ),
        (Kind.PLAN_DROPPED, Kind.MEMBERSHIP_GOES_ON),
    ),
    "subscription_schedule.completed": (Kind.PRICE_SWITCHED,),
    "invoice.finalized": (Kind.INVOICE_SENT,),
    "invoice.paid": (Kind.JOINED, Kind.PAYMENT_RECEIVED),
    "invoice_payment.paid": (Kind.PAYMENT_RECEIVED,),
    "invoice.payment_failed": (Kind.PAYMENT_FAILED, Kind.RENEWAL_FAILED),
    "invoice.payment_action_required": (Kind.PAYMENT_CONFIRMATION,),
    "invoice.will_be_due": (Kind.INVOICE_DUE,),
    "invoice.overdue": (Kind.INVOICE_OVERDUE,),
    "invoice.upcoming": (Kind.RENEWAL_COMING,),
    "payment_intent.succeeded": (Kind.PAYMENT_RECEIVED,),
    "payment_intent.processing": (Kind.DEBIT_COMING,),
    "payment_intent.payment_failed": (Kind.PAYMENT_NOT_MADE,),
    "credit_note.created": (Kind.CREDIT_NOTE,),
    **dict.fromkeys(
        ("charge.refunded", "charge.refund.updated", "refund.created", "refund.updated"), _REFUND
    ),
    "refund.failed": (Kind.REFUND_FAILED, Kind.REFUND_IN_TROUBLE),
    **dict.fromkeys(
        ("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"), _DISPUTE
    ),
    "radar.early_fraud_warning.created": _FRAUD,
    **dict.fromkeys(("payout.failed", "invoice.finalization_failed"), (Kind.PROBLEM_FOUND,)),
}
_PAYOUT = "Nothing for members. Staff see payouts under Books."
_PRICES = "It’s about what’s on sale, not about anyone’s money."
_CARDS = "A member did it on the card page. If it pays the membership, the subscription says so."
_TAX_ID = "The member entered it on the card page, and the next invoice shows it."

# Types that we act on and say nothing about, each with its reason.
SILENT: dict[str, str] = {
    "checkout.session.expired": "They didn’t pay, and nothing is owed.",
    "customer.subscription.paused": "A trial ended without a card. The portal says so.",
    "customer.subscription.resumed": "customer.subscription.updated says what changed.",
    "customer.discount.created": "The next receipt shows it.",
    "customer.discount.updated": "The next receipt shows it.",
    "customer.discount.deleted": "The next receipt shows it.",
    "customer.updated": "Billing details changed, and the next invoice shows them.",
    **dict.fromkeys(
        ("customer.tax_id.created", "customer.tax_id.updated", "customer.tax_id.deleted"), _TAX_ID
    ),
    "customer.deleted": "Staff deleted the customer at Stripe. Its memberships end on their own.",
    **dict.fromkeys(
        ("payment_method.attached", "payment_method.detached", "payment_method.updated"), _CARDS
    ),
    "payment_method.automatically_updated": "The bank renewed the card. Nothing needs doing.",
    "invoice.created": "It’s a draft.",
    "invoice.deleted": "It was a draft, and no member saw it.",
    "invoice.updated": "Other events say what matters about it.",
    "invoice.voided": "Nothing is owed any more, and the invoice’s page says so.",
    "invoice.marked_uncollectible": "It’s our bookkeeping. The earlier emails still hold.",
    "payment_intent.canceled": "Nobody paid, and nothing is owed.",
    "charge.succeeded": "payment_intent.succeeded says it.",
    "charge.updated": "It brings the fee and the receipt’s address.",
    "charge.dispute.funds_withdrawn": "charge.dispute.created says it.",
    "charge.dispute.funds_reinstated": "charge.dispute.closed says it.",
    "radar.early_fraud_warning.updated": "A refund or a dispute settled it, which says it itself.",
    "credit_note.updated": "Only its note can change.",
    "credit_note.voided": "Staff took back a mistake. The invoice’s page shows what’s owed.",
    **dict.fromkeys(
        (
            *("payout.created", "payout.updated", "payout.paid"),
            *("payout.canceled", "payout.reconciliation_completed"),
        ),
        _PAYOUT,
    ),
    **dict.fromkeys(("price.created", "price.updated", "price.deleted"), _PRICES),
    "product.updated": _PRICES,
    "tax_rate.updated": _PRICES,
}
