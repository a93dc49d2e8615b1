"""Our copy of Stripe's records about money, and our decisions. It imports only `core`."""

from billing.models.balance import BalanceReading, BalanceTransaction, Payout
from billing.models.bank import (
    BankAccount,
    BankFile,
    BankLine,
    BankMail,
    BankMailbox,
    BankTransfer,
    KnownPayer,
)
from billing.models.bank_mail_retry import BankMailRetry
from billing.models.bank_upload import BankUpload
from billing.models.checkout import Checkout
from billing.models.closing import BookCheck, BookClosing
from billing.models.credit_note import CreditNote
from billing.models.customer import Customer
from billing.models.decision import MembershipDecision
from billing.models.dispute import Dispute
from billing.models.dispute_answer import DisputeAnswer, EvidenceFile
from billing.models.event import EventAttempt, RowChange, StripeEvent
from billing.models.fraud_warning import FraudWarning
from billing.models.ignored import IgnoredEvents
from billing.models.invoice import Invoice
from billing.models.item import Item
from billing.models.ledger import LedgerCheck, LedgerText, RefundEntry
from billing.models.numbers import (
    CohortFact,
    DayFact,
    DayMail,
    FactDue,
    FactState,
    FailureMail,
    MemberSpan,
    NumbersMail,
    TrialSpan,
)
from billing.models.payment import Payment
from billing.models.payment_method import PaymentMethod
from billing.models.plan import Plan
from billing.models.product import Product
from billing.models.reconciliation import Reconciliation
from billing.models.refund import Refund, RefundPolicy
from billing.models.replay import Replay
from billing.models.request import PaymentRequest
from billing.models.retention import RetentionOffer, RetentionShowing
from billing.models.setup import MissingSetup
from billing.models.subscription import Subscription
from billing.models.tax import TaxAccount, TaxRate
from billing.models.trial import TrialRecord
from billing.models.unassigned import UnassignedCustomer
from billing.models.zelle import Allocation, ExpectedTransfer, ZelleTerms

__all__ = [
    "Allocation",
    "BalanceReading",
    "BalanceTransaction",
    "BankAccount",
    "BankFile",
    "BankLine",
    "BankMail",
    "BankMailRetry",
    "BankMailbox",
    "BankTransfer",
    "BankUpload",
    "BookCheck",
    "BookClosing",
    "Checkout",
    "CohortFact",
    "CreditNote",
    "Customer",
    "DayFact",
    "DayMail",
    "Dispute",
    "DisputeAnswer",
    "EventAttempt",
    "EvidenceFile",
    "ExpectedTransfer",
    "FactDue",
    "FactState",
    "FailureMail",
    "FraudWarning",
    "IgnoredEvents",
    "Invoice",
    "Item",
    "KnownPayer",
    "LedgerCheck",
    "LedgerText",
    "MemberSpan",
    "MembershipDecision",
    "MissingSetup",
    "NumbersMail",
    "Payment",
    "PaymentMethod",
    "PaymentRequest",
    "Payout",
    "Plan",
    "Product",
    "Reconciliation",
    "Refund",
    "RefundEntry",
    "RefundPolicy",
    "Replay",
    "RetentionOffer",
    "RetentionShowing",
    "RowChange",
    "StripeEvent",
    "Subscription",
    "TaxAccount",
    "TaxRate",
    "TrialRecord",
    "TrialSpan",
    "UnassignedCustomer",
    "ZelleTerms",
]
