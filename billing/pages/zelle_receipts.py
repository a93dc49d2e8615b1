"""The receipt of a payment by Zelle, as a PDF of our own. Its number is the payment's reference."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.core.statuses import CreditNoteStatus
from billing.facts import businesses, zelle
from billing.models import Allocation, CreditNote, ExpectedTransfer
from common import days
from common.money import Money


def of(user: User, pk: int) -> ExpectedTransfer | None:
    """Return a member's own payment if it's paid: only then does it have a receipt."""
    rows = ExpectedTransfer.objects.for_user(user).filter(state=ExpectedState.CONFIRMED)
    return rows.select_related("user", "invoice").filter(pk=pk).first()


def as_document(row: ExpectedTransfer, made_at: datetime) -> dict[str, Any]:
    """Return the receipt as the JSON that `templates/documents/receipt.typ` shows."""
    notes = _given_back(row)
    back = sum(note.out_of_band for note in notes)
    invoice = row.invoice
    billed_to = businesses.of_payment(businesses.of_member(row.user), invoice)
    facts = [
        (_("For"), row.user.get_full_name() or row.user.email),
        *billed_to,
        (_("Paid for"), row.description),
        (_("Paid with"), "Zelle"),
        (_("Confirmed on"), _long_day(row.confirmed_at) if row.confirmed_at else ""),
        (_("Invoice"), invoice.number if invoice else ""),
        (_("Created on"), _long_day(made_at)),
    ]
    return {
        "title": _("Receipt %(number)s") % {"number": zelle.shown(row)},
        "words": _document_words(),
        "facts": [[label, value] for label, value in facts if value],
        "transfers": [_transfer(one) for one in _counted(row)],
        "refunds": [
            [_day(note.created_at), note.number, str(Money(note.out_of_band, row.currency))]
            for note in notes
        ],
        "total": [
            str(row.money),
            str(Money(back, row.currency)),
            str(Money(row.amount - back, row.currency)),
        ],
    }


def _document_words() -> dict[str, str | list[str]]:
    """Return the headings of the document's tables."""
    amount, refunded = _("Amount"), _("Refunded")
    return {
        "transfers": _("Payments received"),
        "transfers_head": [_("Sent on"), _("From"), _("Confirmation number"), amount],
        "refunds": _("Refunds"),
        "refunds_head": [_("Refunded on"), _("Credit note"), amount],
        "total": _("Total"),
        "total_head": [_("Paid"), refunded, _("Net paid")],
    }


def _counted(row: ExpectedTransfer) -> list[Allocation]:
    rows = Allocation.objects.filter(expected=row, state=AllocationState.CONFIRMED)
    joined = rows.select_related("transfer__mail", "transfer__line")
    return list(joined.defer("transfer__mail__content").order_by("transfer__on", "pk"))


def _transfer(one: Allocation) -> list[str]:
    transfer = one.transfer
    return [_day(transfer.on), transfer.name, transfer.transaction, str(one.money)]


def _given_back(row: ExpectedTransfer) -> list[CreditNote]:
    if row.invoice is None:
        return []
    notes = row.invoice.credit_notes.filter(status=CreditNoteStatus.ISSUED, out_of_band__gt=0)
    return list(notes.order_by("created_at", "pk"))


def _long_day(moment: datetime) -> str:
    return days.long(timezone.localtime(moment))


def _day(day: date) -> str:
    local = timezone.localtime(day) if isinstance(day, datetime) else day
    return days.short_with_year(local)
