"""What Stripe has, kind by kind, in the columns of our rows: the other side of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from billing.facts import guests
from billing.models import (
    BalanceTransaction,
    CreditNote,
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    PaymentMethod,
    Payout,
    Refund,
    Subscription,
)
from billing.models.copy import StripeCopy
from billing.refunds import sync as refund_sync
from billing.stripe import gateway, snapshots
from billing.sync import assignment, columns

Answer = TypeVar("Answer")
Unreadable = gateway.Unreadable


@dataclass(frozen=True)
class Seen:
    """An object as Stripe shows it, in our columns. Other rows are given by their Stripe ID.

    `is_kept` says whether an object without a row should have one. `is_marked` says that the portal
    made it: our mark is in its metadata.
    """

    id: str
    customer_id: str
    columns: dict[str, Any]
    is_kept: Callable[[], bool] = lambda: True
    is_marked: bool = False


@dataclass
class AtStripe:
    """One comparison's view of Stripe: a list of each kind, and single objects of it.

    A list adds what's unreadable to `bad`. Kinds are listed in the order of `KINDS`: a later one
    looks up what earlier ones said about its objects.
    """

    catalog: columns.Catalog = field(default_factory=columns.Catalog.now)
    # Each payment's invoice and customer.
    invoice_of: dict[str, str] = field(default_factory=dict)
    customer_of: dict[str, str] = field(default_factory=dict)
    # What was paid on invoices outside of Stripe, as payments.
    paid_outside: list[Seen] = field(default_factory=list)
    unread_invoices: list[Unreadable] = field(default_factory=list)

    def customers(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all customers."""
        return map(_customer, gateway.list_customers(bad))

    def customer(self, customer_id: str) -> Seen:
        """Read a customer."""
        return _customer(_read(gateway.read_customer, customer_id))

    def subscriptions(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all subscriptions."""
        return map(self._subscription, gateway.list_subscriptions(bad=bad))

    def subscription(self, subscription_id: str) -> Seen:
        """Read a subscription."""
        return self._subscription(_read(gateway.read_subscription, subscription_id))

    def invoices(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all invoices, and note what they say about payments."""
        yield from map(self._invoice, gateway.list_invoices(bad=bad))
        self.unread_invoices.extend(bad)

    def invoice(self, invoice_id: str) -> Seen:
        """Read an invoice, and note what it says about payments."""
        return self._invoice(_read(gateway.read_invoice, invoice_id))

    def credit_notes(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all credit notes."""
        return map(_credit_note, gateway.list_credit_notes(bad=bad))

    def credit_note(self, credit_note_id: str) -> Seen:
        """Read a credit note."""
        return _credit_note(_read(gateway.read_credit_note, credit_note_id))

    def payment_methods(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all payment methods; detached ones, which are nobody's, aren't kept."""
        return map(_payment_method, gateway.list_methods(bad=bad))

    def payment_method(self, method_id: str) -> Seen:
        """Read a payment method."""
        return _payment_method(_read(gateway.read_method, method_id))

    def payments(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all payments, followed by what was paid outside of Stripe."""
        return chain(map(self._payment, gateway.list_payments(bad=bad)), self.paid_outside)

    def payment(self, payment_id: str) -> Seen:
        """Read a payment, or what was paid on its invoice outside of Stripe."""
        if invoice_id := columns.invoice_of_outside(payment_id):
            self.invoice_of[payment_id] = invoice_id
            return _paid_outside(_read(gateway.read_invoice, invoice_id))
        snapshot = _read(gateway.read_payment, payment_id)
        return _payment(snapshot, _read(gateway.invoice_of_payment, payment_id))

    def refunds(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all refunds."""
        return map(self._refund, gateway.list_refunds(bad))

    def refund(self, refund_id: str) -> Seen:
        """Read a refund."""
        return self._refund(_read(gateway.read_refund, refund_id))

    def disputes(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all disputes."""
        return map(_dispute, gateway.list_disputes(bad=bad))

    def dispute(self, dispute_id: str) -> Seen:
        """Read a dispute."""
        return _dispute(_read(gateway.read_dispute, dispute_id))

    def fraud_warnings(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all early fraud warnings."""
        return map(_fraud_warning, gateway.list_fraud_warnings(bad=bad))

    def fraud_warning(self, warning_id: str) -> Seen:
        """Read an early fraud warning."""
        return _fraud_warning(_read(gateway.read_fraud_warning, warning_id))

    def payouts(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all payouts."""
        return map(_payout, gateway.list_payouts(bad=bad))

    def payout(self, payout_id: str) -> Seen:
        """Read a payout."""
        return _payout(_read(gateway.read_payout, payout_id))

    def transactions(self, bad: list[Unreadable]) -> Iterator[Seen]:
        """List all balance transactions."""
        return map(_transaction, gateway.list_transactions(bad=bad))

    def transaction(self, transaction_id: str) -> Seen:
        """Read a balance transaction."""
        return _transaction(_read(gateway.read_transaction, transaction_id))

    def _subscription(self, snapshot: snapshots.SubscriptionSnapshot) -> Seen:
        links = {"customer": snapshot.customer_id}
        own = columns.subscription_columns(snapshot, self.catalog)
        return Seen(snapshot.id, snapshot.customer_id, own | links)

    def _invoice(self, snapshot: snapshots.InvoiceSnapshot) -> Seen:
        self.invoice_of.update(dict.fromkeys(snapshot.payment_intent_ids, snapshot.id))
        if snapshot.amount_paid_outside:
            outside = _paid_outside(snapshot)
            self.paid_outside.append(outside)
            self.invoice_of[outside.id] = snapshot.id
        return _invoice(snapshot)

    def _payment(self, snapshot: snapshots.PaymentSnapshot) -> Seen:
        self.customer_of[snapshot.id] = _payer(snapshot)
        if self.unread_invoices and snapshot.id not in self.invoice_of:
            # It may pay an invoice that can't be read.
            return self.payment(snapshot.id)
        return _payment(snapshot, self.invoice_of.get(snapshot.id, ""))

    def _refund(self, snapshot: snapshots.RefundSnapshot) -> Seen:
        own = refund_sync.refund_columns(snapshot) | {"payment": snapshot.payment_intent_id}
        customer_id = self.customer_of.get(snapshot.payment_intent_id, "")
        return Seen(snapshot.id, customer_id, own, is_marked=bool(snapshot.key))


def _read(read: Callable[[str], Answer], object_id: str) -> Answer:
    return gateway.patiently(partial(read, object_id))


def _customer(snapshot: snapshots.CustomerSnapshot) -> Seen:
    if snapshot.deleted:
        # Stripe says nothing else about a deleted customer.
        return Seen(snapshot.id, snapshot.id, {"deleted_at_stripe": True}, lambda: False)
    own: dict[str, Any] = {
        "email": snapshot.email,
        "name": snapshot.name,
        **columns.billing_details_columns(snapshot),
        "created_at": snapshot.created_at,
        "deleted_at_stripe": False,
    }
    return Seen(
        snapshot.id,
        snapshot.id,
        own,
        lambda: assignment.owner_of(snapshot) is not None,
        is_marked=snapshot.user_id is not None,
    )


def _payment_method(snapshot: snapshots.MethodSnapshot) -> Seen:
    links = {"customer": snapshot.customer_id}
    own = columns.method_columns(snapshot) | links
    is_kept = bool(snapshot.customer_id)
    return Seen(snapshot.id, snapshot.customer_id, own, lambda: is_kept)


def _invoice(snapshot: snapshots.InvoiceSnapshot) -> Seen:
    links = {"customer": snapshot.customer_id, "subscription": snapshot.subscription_id}
    return Seen(snapshot.id, snapshot.customer_id, columns.invoice_columns(snapshot) | links)


def _credit_note(snapshot: snapshots.CreditNoteSnapshot) -> Seen:
    links = {"customer": snapshot.customer_id, "invoice": snapshot.invoice_id}
    return Seen(snapshot.id, snapshot.customer_id, columns.credit_note_columns(snapshot) | links)


def _payment(snapshot: snapshots.PaymentSnapshot, invoice_id: str) -> Seen:
    customer_id = _payer(snapshot)
    links = {"customer": customer_id, "invoice": invoice_id}
    own = columns.payment_columns(snapshot) | links
    is_kept = snapshot.is_tried
    is_marked = is_kept and snapshot.checkout_pk is not None
    return Seen(snapshot.id, customer_id, own, lambda: is_kept, is_marked=is_marked)


def _payer(snapshot: snapshots.PaymentSnapshot) -> str:
    """Return a payment's customer; a guest's is the one that its checkout is for."""
    return snapshot.customer_id or guests.customer_of(snapshot.checkout_pk)


def _paid_outside(snapshot: snapshots.InvoiceSnapshot) -> Seen:
    """Return what was paid on an invoice outside of Stripe, as the payment that represents it."""
    links = {"customer": snapshot.customer_id, "invoice": snapshot.id}
    own = columns.outside_columns(snapshot) | links
    return Seen(columns.outside_id(snapshot.id), snapshot.customer_id, own)


def _dispute(snapshot: snapshots.DisputeSnapshot) -> Seen:
    guest_of = guests.customer_of_payment(snapshot.payment_intent_id)
    customer_id = snapshot.customer_id or guest_of
    links = {"customer": customer_id, "payment": snapshot.payment_intent_id}
    own = columns.dispute_columns(snapshot) | links
    is_kept = bool(snapshot.payment_intent_id)
    return Seen(snapshot.id, customer_id, own, lambda: is_kept)


def _fraud_warning(snapshot: snapshots.FraudWarningSnapshot) -> Seen:
    guest_of = guests.customer_of_payment(snapshot.payment_intent_id)
    customer_id = snapshot.customer_id or guest_of
    links = {"customer": customer_id, "payment": snapshot.payment_intent_id}
    own = columns.fraud_warning_columns(snapshot) | links
    is_kept = bool(snapshot.payment_intent_id)
    return Seen(snapshot.id, customer_id, own, lambda: is_kept)


def _payout(snapshot: snapshots.PayoutSnapshot) -> Seen:
    return Seen(snapshot.id, "", columns.columns_of(snapshot, "id"))


def _transaction(snapshot: snapshots.TransactionSnapshot) -> Seen:
    return Seen(snapshot.id, "", columns.columns_of(snapshot, "id"))


@dataclass(frozen=True)
class Kind:
    """A kind of object: its table, its links to other rows, and how to list and read it.

    `of_account`: it belongs to the account rather than to a customer.
    """

    name: str
    model: type[StripeCopy] | type[Refund]
    links: tuple[str, ...]
    listed: Callable[[AtStripe, list[Unreadable]], Iterator[Seen]]
    read: Callable[[AtStripe, str], Seen]
    of_account: bool = False


OF_CUSTOMER = Kind("customer", Customer, (), AtStripe.customers, AtStripe.customer)
# All kinds, in the order of repair.
KINDS = (
    OF_CUSTOMER,
    Kind(
        "payment_method",
        PaymentMethod,
        ("customer",),
        AtStripe.payment_methods,
        AtStripe.payment_method,
    ),
    Kind(
        "subscription",
        Subscription,
        ("customer",),
        AtStripe.subscriptions,
        AtStripe.subscription,
    ),
    Kind("invoice", Invoice, ("customer", "subscription"), AtStripe.invoices, AtStripe.invoice),
    Kind(
        "credit_note",
        CreditNote,
        ("customer", "invoice"),
        AtStripe.credit_notes,
        AtStripe.credit_note,
    ),
    Kind("payment", Payment, ("customer", "invoice"), AtStripe.payments, AtStripe.payment),
    Kind("refund", Refund, ("customer", "payment"), AtStripe.refunds, AtStripe.refund),
    Kind("dispute", Dispute, ("customer", "payment"), AtStripe.disputes, AtStripe.dispute),
    Kind(
        "fraud_warning",
        FraudWarning,
        ("customer", "payment"),
        AtStripe.fraud_warnings,
        AtStripe.fraud_warning,
    ),
    Kind("payout", Payout, (), AtStripe.payouts, AtStripe.payout, of_account=True),
    Kind(
        "balance_transaction",
        BalanceTransaction,
        (),
        AtStripe.transactions,
        AtStripe.transaction,
        of_account=True,
    ),
)
