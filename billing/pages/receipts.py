"""Our own receipt of a payment, as a PDF or a ZIP of a year's, and by email."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.facts import businesses, plans, statements
from billing.facts.statements import Paid
from billing.models import Payment
from billing.notices import payments as notices
from common import days, documents, spreadsheets
from common.money import Money


def of(user: User, pk: int) -> Payment | None:
    """Return a member's own payment if its money arrived: only then does it have a receipt."""
    return statements.payments_of(user).filter(pk=pk).first()


def number(row: Payment) -> str:
    """Return a receipt's number: the year of the payment, and our number of it."""
    return f"{timezone.localtime(row.paid_at or row.created_at):%Y}-{row.pk:06d}"


@dataclass(frozen=True)
class Payer:
    """Who receipts name, read once for all of them; `names` are product names."""

    name: str
    details: list[tuple[str, str]]
    names: dict[str, str]


def payer(user: User) -> Payer:
    """Read who a member's receipts name."""
    name = user.get_full_name() or user.email
    return Payer(name, businesses.of_member(user), plans.product_names())


def pdf(row: Payment, whose: Payer, made_at: datetime) -> bytes:
    """Return the receipt of a payment that arrived."""
    content = _content(row, statements.paid(row, whose.names), whose, made_at)
    return documents.render("payment_receipt", content, made_at=made_at)


def send(user: User, row: Payment) -> None:
    """Email a receipt to the member who paid, at most once an hour."""
    now = timezone.now()
    with transaction.atomic():
        notices.receipt_again(
            statements.paid(row, plans.product_names()), row, at=now, cause=f"{now:%Y-%m-%dT%H}"
        )


def year_as_zip(user: User, year: int) -> bytes | None:
    """Return a year's statement, its payments as CSV, and a receipt of each; None without any."""
    made_at = timezone.localtime()
    yearly = statements.statement_of(user, year)
    if yearly is None:
        return None
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        statement = documents.render("statement", yearly.as_document(made_at), made_at=made_at)
        archive.writestr(f"statement-{year}.pdf", statement)
        archive.writestr(f"payments-{year}.csv", _csv(yearly.payments))
        for name, document in _receipts(user, year, made_at):
            archive.writestr(name, document)
    return packed.getvalue()


def _receipts(user: User, year: int, made_at: datetime) -> Iterator[tuple[str, bytes]]:
    whose = payer(user)
    for row in statements.payments_in(user, year):
        day = timezone.localtime(row.paid_at or row.created_at)
        yield f"receipts/{day:%Y-%m-%d}-receipt-{number(row)}.pdf", pdf(row, whose, made_at)


def _csv(rows: list[Paid]) -> str:
    zone = timezone.get_current_timezone()
    listed = (statements.spreadsheet_row(row, zone) for row in rows)
    return "".join(spreadsheets.lines(statements.COLUMNS, listed))


def _content(row: Payment, paid: Paid, whose: Payer, made_at: datetime) -> dict[str, Any]:
    """Return the receipt as the JSON that `templates/documents/payment_receipt.typ` shows."""
    back = paid.went_back
    facts = [
        (_("For"), whose.name),
        *businesses.of_payment(whose.details, row.invoice),
        (_("Paid on"), _day(paid.at)),
        (_("Paid with"), paid.method),
        (_("Invoice"), paid.invoice_number),
        (_("Created on"), _day(made_at)),
    ]
    lines = [[paid.description, str(Money(paid.amount, paid.currency))]]
    totals = [[_("Paid"), str(Money(paid.amount, paid.currency))]]
    if paid.tax:
        totals.append([_("Includes tax"), str(Money(paid.tax, paid.currency))])
    if back:
        totals.append([_("Refunded or returned"), str(Money(-back, paid.currency))])
        totals.append([_("Net paid"), str(Money(paid.net, paid.currency))])
    return {
        "title": _("Receipt %(number)s") % {"number": number(row)},
        "facts": [[label, value] for label, value in facts if value],
        "head": [_("For"), _("Amount")],
        "lines": lines,
        "totals": totals,
    }


def _day(day: datetime) -> str:
    return days.long(timezone.localtime(day))
