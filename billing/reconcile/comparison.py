"""Compares our copy with Stripe, field by field. Nothing is written, here or at Stripe.

It asks Stripe for whole lists, a hundred objects per request. Rows read after the comparison began
are newer than what they'd be compared with, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from billing.models import CreditNote, Customer, Dispute, Invoice, Payment, Refund, Subscription
from billing.models.copy import StripeCopy
from billing.refunds import sync as refund_sync
from billing.stripe import gateway, snapshots
from billing.sync import assignment, writing
from billing.sync import columns as row_columns

PAGE = 100
# `ORPHAN`: it has our mark in its metadata, but belongs to no record here.
THERE, MISSING, ORPHAN = "there", "missing", "orphan"
# Stripe has it in a form that we can't read; the reason is in the log.
UNREADABLE = "unreadable"
# Addresses of Stripe's pages change with every read; our pages fetch a fresh one on click.
ADDRESSES = frozenset({"hosted_url", "pdf_url", "receipt_url"})
NAMES = frozenset({"email", "name", "business_name", "tax_ids"})

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Difference:
    """One field that differs, or no field if the whole object is on one side only."""

    customer: str
    object: str
    id: str
    field: str
    ours: str
    stripe: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON for the report's row."""
        return asdict(self)


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


@dataclass(frozen=True)
class Kind:
    """One kind of object: its table, how to list all at Stripe, and how to read one."""

    name: str
    model: type[StripeCopy] | type[Refund]
    links: tuple[str, ...]
    listed: Callable[[list[gateway.Unreadable]], Iterator[Seen]]
    read: Callable[[str], Seen]


@dataclass
class Comparison:
    """The result of a comparison.

    `invoice_of` has each payment's invoice, and `customer_of` its customer.
    """

    customers: int = 0
    differences: list[Difference] = field(default_factory=list)
    invoice_of: dict[str, str] = field(default_factory=dict)
    customer_of: dict[str, str] = field(default_factory=dict)

    @property
    def agreeing(self) -> int:
        """How many customers agree in all their objects."""
        return self.customers - len({found.customer for found in self.differences})


def compare() -> Comparison:
    """Compare all members' customers, and everything they have.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    begun = writing.database_now()
    result = Comparison()
    customers, *others = _kinds(result.invoice_of, result.customer_of)
    known = set(Customer.objects.values_list("stripe_id", flat=True))
    result.differences += _differences(customers, begun, None)
    for kind in others:
        result.differences += _differences(kind, begun, known)
    result.customers = len(known | {found.customer for found in result.differences})
    return result


def _kinds(invoice_of: dict[str, str], customer_of: dict[str, str]) -> list[Kind]:
    """Return the kinds to compare, in the order of repair."""

    catalog = row_columns.Catalog.now()

    def subscription(found: snapshots.SubscriptionSnapshot) -> Seen:
        columns = row_columns.subscription_columns(found, catalog) | {"customer": found.customer_id}
        return Seen(found.id, found.customer_id, columns)

    outside: list[Seen] = []

    def invoice(found: snapshots.InvoiceSnapshot) -> Seen:
        invoice_of.update(dict.fromkeys(found.payment_intent_ids, found.id))
        if found.amount_paid_outside:
            outside.append(_outside(found))
            invoice_of[outside[-1].id] = found.id
        return _invoice(found)

    unread: list[gateway.Unreadable] = []

    def invoices(bad: list[gateway.Unreadable]) -> Iterator[Seen]:
        yield from map(invoice, gateway.list_invoices(bad=bad))
        unread.extend(bad)

    def payment(found: snapshots.PaymentSnapshot) -> Seen:
        customer_of[found.id] = found.customer_id
        if unread and found.id not in invoice_of:
            # It may pay an invoice that can't be read.
            return one_payment(found.id)
        return _payment(found, invoice_of.get(found.id, ""))

    def one_payment(payment_id: str) -> Seen:
        if paid_outside := row_columns.invoice_of_outside(payment_id):
            invoice_of[payment_id] = paid_outside
            return _outside(gateway.patiently(lambda: gateway.read_invoice(paid_outside)))
        found = gateway.patiently(lambda: gateway.read_payment(payment_id))
        return _payment(found, gateway.patiently(lambda: gateway.invoice_of_payment(payment_id)))

    def refund(found: snapshots.RefundSnapshot) -> Seen:
        return _refund(found, customer_of.get(found.payment_intent_id, ""))

    return [
        Kind(
            "customer",
            Customer,
            (),
            lambda bad: map(_customer, gateway.list_customers(bad)),
            lambda one: _customer(gateway.patiently(lambda: gateway.read_customer(one))),
        ),
        Kind(
            "subscription",
            Subscription,
            ("customer",),
            lambda bad: map(subscription, gateway.list_subscriptions(bad=bad)),
            lambda one: subscription(gateway.patiently(lambda: gateway.read_subscription(one))),
        ),
        Kind(
            "invoice",
            Invoice,
            ("customer", "subscription"),
            invoices,
            lambda one: invoice(gateway.patiently(lambda: gateway.read_invoice(one))),
        ),
        Kind(
            "credit_note",
            CreditNote,
            ("customer", "invoice"),
            lambda bad: map(_credit_note, gateway.list_credit_notes(bad=bad)),
            lambda one: _credit_note(gateway.patiently(lambda: gateway.read_credit_note(one))),
        ),
        Kind(
            "payment",
            Payment,
            ("customer", "invoice"),
            lambda bad: chain(map(payment, gateway.list_payments(bad=bad)), outside),
            one_payment,
        ),
        Kind(
            "refund",
            Refund,
            ("customer", "payment"),
            lambda bad: map(refund, gateway.list_refunds(bad)),
            lambda one: refund(gateway.patiently(lambda: gateway.read_refund(one))),
        ),
        Kind(
            "dispute",
            Dispute,
            ("customer", "payment"),
            lambda bad: map(_dispute, gateway.list_disputes(bad=bad)),
            lambda one: _dispute(gateway.patiently(lambda: gateway.read_dispute(one))),
        ),
    ]


def _customer(found: snapshots.CustomerSnapshot) -> Seen:
    if found.deleted:
        # Stripe says nothing else about a deleted customer.
        return Seen(found.id, found.id, {"deleted_at_stripe": True}, lambda: False)
    columns: dict[str, Any] = {
        "email": found.email,
        "name": found.name,
        "business_name": found.business_name,
        "tax_ids": found.tax_ids,
        "created_at": found.created_at,
        "deleted_at_stripe": False,
    }
    return Seen(
        found.id,
        found.id,
        columns,
        lambda: assignment.owner_of(found) is not None,
        is_marked=found.user_id is not None,
    )


def _invoice(found: snapshots.InvoiceSnapshot) -> Seen:
    links = {"customer": found.customer_id, "subscription": found.subscription_id}
    return Seen(found.id, found.customer_id, row_columns.invoice_columns(found) | links)


def _credit_note(found: snapshots.CreditNoteSnapshot) -> Seen:
    links = {"customer": found.customer_id, "invoice": found.invoice_id}
    return Seen(found.id, found.customer_id, row_columns.credit_note_columns(found) | links)


def _payment(found: snapshots.PaymentSnapshot, invoice_id: str) -> Seen:
    columns = row_columns.payment_columns(found) | {
        "customer": found.customer_id,
        "invoice": invoice_id,
    }
    is_kept = found.is_tried
    is_marked = is_kept and found.checkout_pk is not None
    return Seen(found.id, found.customer_id, columns, lambda: is_kept, is_marked=is_marked)


def _outside(found: snapshots.InvoiceSnapshot) -> Seen:
    """What was paid on an invoice outside of Stripe, as the payment that represents it."""
    links = {"customer": found.customer_id, "invoice": found.id}
    return Seen(
        row_columns.outside_id(found.id),
        found.customer_id,
        row_columns.outside_columns(found) | links,
    )


def _dispute(found: snapshots.DisputeSnapshot) -> Seen:
    links = {"customer": found.customer_id, "payment": found.payment_intent_id}
    is_kept = bool(found.payment_intent_id)
    return Seen(
        found.id, found.customer_id, row_columns.dispute_columns(found) | links, lambda: is_kept
    )


def _refund(found: snapshots.RefundSnapshot, customer_id: str) -> Seen:
    columns = refund_sync.refund_columns(found) | {"payment": found.payment_intent_id}
    return Seen(found.id, customer_id, columns, is_marked=bool(found.key))


def _differences(kind: Kind, begun: datetime, known: set[str] | None) -> Iterator[Difference]:
    """Yield differences, first in what Stripe lists, then in rows that it didn't list.

    Unreadable objects are reported, and the rest is compared.
    """
    bad: list[gateway.Unreadable] = []
    rows: QuerySet[Any] = kind.model._default_manager.select_related(*kind.links)
    listed: set[str] = set()
    for page in _pages(kind.listed(bad)):
        ours = rows.in_bulk([seen.id for seen in page], field_name="stripe_id")
        for seen in page:
            listed.add(seen.id)
            row = ours.get(seen.id)
            if row is not None:
                yield from _fields(kind, row, seen, begun)
            elif (known is None or seen.customer_id in known) and seen.is_kept():
                yield Difference(seen.customer_id, kind.name, seen.id, "", MISSING, THERE)
            elif seen.is_marked:
                yield Difference(seen.customer_id, kind.name, seen.id, "", ORPHAN, THERE)
    yield from _unreadable(kind, rows, bad, known)
    listed |= {one.id for one in bad}
    read_before = rows.filter(read_at__lte=begun)
    for row in [row for row in read_before.iterator() if row.stripe_id not in listed]:
        yield from _unlisted(kind, row, begun)


def _unreadable(
    kind: Kind, rows: QuerySet[Any], bad: list[gateway.Unreadable], known: set[str] | None
) -> Iterator[Difference]:
    """Yield unreadable objects that are, or may be, a member's."""
    ours = rows.in_bulk([one.id for one in bad], field_name="stripe_id")
    for one in bad:
        row = ours.get(one.id)
        if row is not None:
            yield Difference(_owner(row), kind.name, one.id, "", THERE, UNREADABLE)
        elif known is None or not one.customer_id or one.customer_id in known:
            yield Difference(one.customer_id, kind.name, one.id, "", MISSING, UNREADABLE)


def _owner(row: Any) -> str:
    """Return the Stripe ID of a row's customer."""
    return str(row.stripe_id if isinstance(row, Customer) else row.customer.stripe_id)


def _unlisted(kind: Kind, row: Any, begun: datetime) -> Iterator[Difference]:
    """Ask for one object that wasn't in the list."""
    try:
        yield from _fields(kind, row, kind.read(row.stripe_id), begun)
    except gateway.StripeMissing:
        yield Difference(_owner(row), kind.name, row.stripe_id, "", THERE, MISSING)
    except gateway.StripeFault:
        yield Difference(_owner(row), kind.name, row.stripe_id, "", THERE, UNREADABLE)


def _fields(kind: Kind, row: Any, seen: Seen, begun: datetime) -> Iterator[Difference]:
    if row.read_at > begun:
        return
    for name, theirs in seen.columns.items():
        if isinstance(row, Customer) and row.closed_at and name in NAMES:
            # People who left have no name here, and are about to be deleted at Stripe.
            continue
        ours = _plain(getattr(row, name))
        if name not in ADDRESSES and ours != _plain(theirs):
            values = _text(ours), _text(_plain(theirs))
            yield Difference(_owner(row), kind.name, seen.id, name, *values)


def _plain(value: Any) -> Any:
    """Return a comparable value: a row as its Stripe ID, None as an empty text."""
    if isinstance(value, Model):
        return value.stripe_id if isinstance(value, StripeCopy) else value.pk
    return "" if value is None else value


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _pages(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    iterator = iter(entries)
    while page := list(islice(iterator, PAGE)):
        yield page
