"""Payments and invoices as rows in a file for the bookkeeper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from django.db.models import QuerySet
from django.utils import timezone

from billing.admin import labels
from billing.facts import descriptions, income, plans, statements
from billing.models import Invoice, Payment
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import FETCHED

PAYMENT_COLUMNS = [
    "Member",
    "Email",
    "Date paid",
    "Description",
    "Invoice number",
    "Currency",
    "Asked",
    "Received",
    "Tax included",
    "Refunded",
    income.RETURNED,
    income.HELD,
    "Net",
    "Paid with",
    "Status",
    "Payment",
]
INVOICE_COLUMNS = [
    "Member",
    "Email",
    "Issued",
    "Description",
    "Invoice number",
    "Status",
    "Currency",
    "Subtotal",
    "Discount",
    "Tax added",
    "Total",
    "Tax included",
    "From balance",
    "Credit notes before payment",
    "Due",
    "Paid",
    "Paid outside Stripe",
    "Still to pay",
    "Credit notes after payment",
    "Date paid",
    "Invoice",
]


def payments(rows: QuerySet[Payment]) -> Iterator[list[Cell]]:
    """Return payments under `PAYMENT_COLUMNS`, amounts and states as the list shows them.

    One query, and one more per thousand rows. The reader's time zone is taken when this is called,
    not while the rows are sent.
    """
    zone, names = timezone.get_current_timezone(), plans.product_names()
    joined = rows.select_related("customer__user", "invoice__subscription")
    joined = joined.prefetch_related(None).prefetch_related("disputes")
    return (_payment(row, names, zone) for row in joined.iterator(chunk_size=FETCHED))


def invoices(rows: QuerySet[Invoice]) -> Iterator[list[Cell]]:
    """Return invoices under `INVOICE_COLUMNS`: two queries. The time zone: as for payments."""
    zone, names = timezone.get_current_timezone(), plans.product_names()
    joined = rows.select_related("customer__user", "subscription")
    return (_invoice(row, names, zone) for row in joined.iterator(chunk_size=FETCHED))


def _payment(row: Payment, names: dict[str, str], zone: tzinfo) -> list[Cell]:
    user, paid = row.customer.user, statements.paid(row, names)
    taken = (paid.refunded, paid.returned, paid.held)
    amounts = (row.amount, paid.amount, paid.tax, *taken, paid.net)
    return [
        show.name_of(user),
        user.email,
        _day(row.paid_at, zone),
        paid.description,
        paid.invoice_number,
        row.currency.upper(),
        *(Money(amount, row.currency) for amount in amounts),
        paid.method,
        paid.state,
        row.stripe_id,
    ]


def _invoice(row: Invoice, names: dict[str, str], zone: tzinfo) -> list[Cell]:
    user = row.customer.user
    return [
        show.name_of(user),
        user.email,
        _day(row.finalized_at or row.created_at, zone),
        descriptions.of_invoice(row, names),
        row.number,
        labels.invoice(row)[0],
        row.currency.upper(),
        *(Money(amount, row.currency) for amount in _amounts(row)),
        _day(row.paid_at, zone),
        row.stripe_id,
    ]


def _day(moment: datetime | None, zone: tzinfo) -> date | None:
    return timezone.localtime(moment, zone).date() if moment else None


def _amounts(row: Invoice) -> list[int]:
    """Return the amounts in the order of their columns, in minor units."""
    return [
        row.subtotal,
        -row.discount,
        row.tax_added,
        row.total,
        row.tax_included,
        row.balance_applied,
        -row.pre_payment_credit_notes_amount,
        row.amount_due,
        row.amount_paid,
        row.amount_paid_outside,
        row.amount_remaining,
        -row.post_payment_credit_notes_amount,
    ]
