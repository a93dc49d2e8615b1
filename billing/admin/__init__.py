"""Billing on the staff site: money to look at, and the integration to look after."""

from billing.admin.assignment import UnassignedCustomerAdmin
from billing.admin.credit_notes import CreditNoteAdmin
from billing.admin.disputes import DisputeAdmin
from billing.admin.integration import ReconciliationAdmin, StripeEventAdmin
from billing.admin.money import (
    CheckoutAdmin,
    CustomerAdmin,
    InvoiceAdmin,
    MembershipDecisionAdmin,
    PaymentAdmin,
    PlanAdmin,
    SubscriptionAdmin,
)
from billing.admin.payables import ItemAdmin, PaymentRequestAdmin
from billing.admin.refund_ledger import LedgerCheckAdmin, RefundEntryAdmin
from billing.admin.refund_policy import RefundPolicyAdmin
from billing.admin.refunds import RefundAdmin
from billing.admin.retention import RetentionOfferAdmin, RetentionShowingAdmin

__all__ = [
    "CheckoutAdmin",
    "CreditNoteAdmin",
    "CustomerAdmin",
    "DisputeAdmin",
    "InvoiceAdmin",
    "ItemAdmin",
    "LedgerCheckAdmin",
    "MembershipDecisionAdmin",
    "PaymentAdmin",
    "PaymentRequestAdmin",
    "PlanAdmin",
    "ReconciliationAdmin",
    "RefundAdmin",
    "RefundEntryAdmin",
    "RefundPolicyAdmin",
    "RetentionOfferAdmin",
    "RetentionShowingAdmin",
    "StripeEventAdmin",
    "SubscriptionAdmin",
    "UnassignedCustomerAdmin",
]
