"""What Stripe said about an object at one time, as plain values (pure).

Callers take everything from here: `snapshots.invoice`. Field names are those of Stripe's API
version 2026-10-28.endive. Amounts are in minor units; times are UTC.
"""

from billing.stripe.snapshots.account import (
    AccountSnapshot,
    CodeSnapshot,
    EndpointSnapshot,
    PortalSnapshot,
    PriceSnapshot,
    SoldSnapshot,
    account,
    code,
    endpoint,
    portal,
    price,
    sold,
)
from billing.stripe.snapshots.balance import (
    PayoutSnapshot,
    TransactionSnapshot,
    payout,
    totals,
    transaction,
)
from billing.stripe.snapshots.cards import Card
from billing.stripe.snapshots.catalog import (
    CouponSnapshot,
    PlanSnapshot,
    ProductSnapshot,
    PromoCodeSnapshot,
    coupon,
    plan,
    product,
    promo_code,
)
from billing.stripe.snapshots.checkout import CheckoutSnapshot, checkout
from billing.stripe.snapshots.customers import CustomerSnapshot, customer
from billing.stripe.snapshots.fields import (
    CHECKOUT_KEY,
    FREE_KEY,
    REFUND_KEY,
    USER_KEY,
    ZELLE_KEY,
    object_id,
)
from billing.stripe.snapshots.invoices import (
    CreditNoteSnapshot,
    InvoiceSnapshot,
    credit_note,
    invoice,
)
from billing.stripe.snapshots.methods import (
    MethodSnapshot,
    SetupSnapshot,
    payment_method,
    setup,
)
from billing.stripe.snapshots.payments import (
    DisputeSnapshot,
    FraudWarningSnapshot,
    PaymentSnapshot,
    RefundSnapshot,
    dispute,
    fraud_warning,
    payment,
    refund,
)
from billing.stripe.snapshots.previews import (
    NextCharge,
    SwitchLine,
    SwitchSnapshot,
    next_charge,
    switch,
)
from billing.stripe.snapshots.subscriptions import SubscriptionSnapshot, subscription

__all__ = [
    "CHECKOUT_KEY",
    "FREE_KEY",
    "REFUND_KEY",
    "USER_KEY",
    "ZELLE_KEY",
    "AccountSnapshot",
    "Card",
    "CheckoutSnapshot",
    "CodeSnapshot",
    "CouponSnapshot",
    "CreditNoteSnapshot",
    "CustomerSnapshot",
    "DisputeSnapshot",
    "EndpointSnapshot",
    "FraudWarningSnapshot",
    "InvoiceSnapshot",
    "MethodSnapshot",
    "NextCharge",
    "PaymentSnapshot",
    "PayoutSnapshot",
    "PlanSnapshot",
    "PortalSnapshot",
    "PriceSnapshot",
    "ProductSnapshot",
    "PromoCodeSnapshot",
    "RefundSnapshot",
    "SetupSnapshot",
    "SoldSnapshot",
    "SubscriptionSnapshot",
    "SwitchLine",
    "SwitchSnapshot",
    "TransactionSnapshot",
    "account",
    "checkout",
    "code",
    "coupon",
    "credit_note",
    "customer",
    "dispute",
    "endpoint",
    "fraud_warning",
    "invoice",
    "next_charge",
    "object_id",
    "payment",
    "payment_method",
    "payout",
    "plan",
    "portal",
    "price",
    "product",
    "promo_code",
    "refund",
    "setup",
    "sold",
    "subscription",
    "switch",
    "totals",
    "transaction",
]
