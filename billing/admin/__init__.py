"""Billing on the staff site: money to view, and the integration to maintain.

It may import every use case, and the staff site's parts in `common.staff`.
"""

from billing.admin.assignment import UnassignedCustomerAdmin
from billing.admin.balance import BalanceTransactionAdmin, PayoutAdmin
from billing.admin.bank.accounts import BankAccountAdmin
from billing.admin.bank.expected import ExpectedTransferAdmin
from billing.admin.bank.files import BankFileAdmin
from billing.admin.bank.mails import BankMailAdmin
from billing.admin.bank.matches import AllocationAdmin
from billing.admin.bank.records import BankLineAdmin, BankMailboxAdmin, KnownPayerAdmin
from billing.admin.bank.terms import ZelleTermsAdmin
from billing.admin.bank.transfers import BankTransferAdmin
from billing.admin.book_accounts import BookAccountsVersionAdmin
from billing.admin.checkouts import CheckoutAdmin
from billing.admin.credit_notes import CreditNoteAdmin
from billing.admin.customers import CustomerAdmin
from billing.admin.decisions import MembershipDecisionAdmin
from billing.admin.disputes import DisputeAdmin
from billing.admin.fraud_warnings import FraudWarningAdmin
from billing.admin.integration import StripeEventAdmin
from billing.admin.invoices import InvoiceAdmin
from billing.admin.methods import PaymentMethodAdmin
from billing.admin.payables import ItemAdmin, PaymentRequestAdmin
from billing.admin.payments import PaymentAdmin
from billing.admin.plans import PlanAdmin
from billing.admin.reconciliations import ReconciliationAdmin
from billing.admin.refunds.ledger import LedgerCheckAdmin, RefundEntryAdmin
from billing.admin.refunds.policy import RefundPolicyAdmin
from billing.admin.refunds.queue import RefundAdmin
from billing.admin.replays import ReplayAdmin
from billing.admin.retention import RetentionOfferAdmin, RetentionShowingAdmin
from billing.admin.setup import IgnoredEventsAdmin, MissingSetupAdmin
from billing.admin.subscriptions import SubscriptionAdmin

__all__ = [
    "AllocationAdmin",
    "BalanceTransactionAdmin",
    "BankAccountAdmin",
    "BankFileAdmin",
    "BankLineAdmin",
    "BankMailAdmin",
    "BankMailboxAdmin",
    "BankTransferAdmin",
    "BookAccountsVersionAdmin",
    "CheckoutAdmin",
    "CreditNoteAdmin",
    "CustomerAdmin",
    "DisputeAdmin",
    "ExpectedTransferAdmin",
    "FraudWarningAdmin",
    "IgnoredEventsAdmin",
    "InvoiceAdmin",
    "ItemAdmin",
    "KnownPayerAdmin",
    "LedgerCheckAdmin",
    "MembershipDecisionAdmin",
    "MissingSetupAdmin",
    "PaymentAdmin",
    "PaymentMethodAdmin",
    "PaymentRequestAdmin",
    "PayoutAdmin",
    "PlanAdmin",
    "ReconciliationAdmin",
    "RefundAdmin",
    "RefundEntryAdmin",
    "RefundPolicyAdmin",
    "ReplayAdmin",
    "RetentionOfferAdmin",
    "RetentionShowingAdmin",
    "StripeEventAdmin",
    "SubscriptionAdmin",
    "UnassignedCustomerAdmin",
    "ZelleTermsAdmin",
]
