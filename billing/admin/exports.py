"""Payments and invoices as rows of a file for the bookkeeper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from billing import statements
from billing.models import Invoice, Payment
from billing.money import plain_amount
from portal.staff import show
from portal.staff.bookkeeping import FETCHED

PAYMENT_COLUMNS = ["Member", "E-mail", *statements.COLUMNS, "Payment"]
INVOICE_COLUMNS = [
    "Member",
    "E-mail",
    "Issued",
    "Description",
    "Invoice number",
    "Status",
    "Currency",
    "Subtotal",
    "Discount",
    "Tax",
    "Total",
    "From balance",
    "Credit notes before payment",
    "Due",
    "Paid",
    "Still to pay",
    "Credit notes after payment",
    "Date paid",
    "Invoice",
]


def payments(rows: QuerySet[Payment]) -> Iterator[list[str]]:
    """Yield payments under `PAYMENT_COLUMNS`, the states as the list shows them: two queries."""
    zone, names = timezone.get_current_timezone(), statements.plan_names()
    found = rows.select_related("customer__user", "invoice__subscription")
    for row in found.iterator(chunk_size=FETCHED):
        user = row.customer.user
        cells = statements.spreadsheet_row(statements.paid(row, names), zone)
        if row.paid_at is None:
            cells[0], cells[-1] = "", row.get_status_display()
        yield [show.name_of(user), user.email, *cells, row.stripe_id]


def invoices(rows: QuerySet[Invoice]) -> Iterator[list[str]]:
    """Yield invoices under `INVOICE_COLUMNS`: two queries."""
    zone, names = timezone.get_current_timezone(), statements.plan_names()

    def day(moment: datetime | None) -> str:
        return f"{timezone.localtime(moment, zone):%Y-%m-%d}" if moment else ""

    found = rows.select_related("customer__user", "subscription")
    for row in found.iterator(chunk_size=FETCHED):
        user = row.customer.user
        yield [
            show.name_of(user),
            user.email,
            day(row.finalized_at or row.created_at),
            statements.describe(row, names),
            row.number,
            str(row.get_status_display()),
            row.currency.upper(),
            *(plain_amount(amount, row.currency) for amount in _amounts(row)),
            day(row.paid_at),
            row.stripe_id,
        ]


def _amounts(row: Invoice) -> list[int]:
    """Return the amounts in the order of their columns, in minor units."""
    return [
        row.subtotal,
        -row.discount,
        row.tax,
        row.total,
        row.balance_applied,
        -row.pre_payment_credit_notes_amount,
        row.amount_due,
        row.amount_paid,
        row.amount_remaining,
        -row.post_payment_credit_notes_amount,
    ]
