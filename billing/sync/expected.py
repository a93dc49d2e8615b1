"""The rows of payments by Zelle: made, replaced, and closed when they're paid another way.

Call everything here under the member's lock, in a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from billing.bank import references
from billing.core.bank_statuses import (
    EXPECTED_GONE,
    AllocationState,
    ExpectedState,
    ZellePurpose,
)
from billing.core.statuses import InvoiceStatus
from billing.facts import descriptions, zelle
from billing.models import Allocation, ExpectedTransfer, Invoice, PaymentRequest, Subscription
from common.context import current_brand

PAID_OTHERWISE = "It was paid another way."
# A reference is drawn by chance among 900,000.
MOST_DRAWN = 50
LONGEST_DESCRIPTION = 200
MOST_A_DAY = 30
TOO_MANY = "You’ve started many Zelle payments today. Try again tomorrow, or write to {support}."


class ZelleError(Exception):
    """It can't be paid by Zelle, or not be changed; the text is for the member."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What's to be paid by Zelle. The amount is cents."""

    user: User
    purpose: ZellePurpose
    amount: int
    description: str
    expires_at: datetime
    price_id: str = ""
    request: PaymentRequest | None = None
    invoice: Invoice | None = None

    @property
    def which(self) -> dict[str, Any]:
        """The columns that find its one row."""
        if self.purpose == ZellePurpose.INVOICE:
            return {"invoice": self.invoice}
        if self.purpose == ZellePurpose.REQUEST:
            return {"request": self.request}
        return {"purpose": self.purpose}

    def fits(self, row: ExpectedTransfer) -> bool:
        """Whether a row asks for the same money."""
        return (row.amount, row.price_id) == (self.amount, self.price_id)


def open_row(wanted: Wanted) -> tuple[ExpectedTransfer, bool]:
    """Return the member's one open row for this, and whether it's new.

    Another amount replaces a row that nothing was sent for.

    Raises:
        ZelleError: money is on its way, or there, for a row that asks for another amount; or the
        member has started too many today: each takes a reference for ever, and sends a mail.
    """
    rows = ExpectedTransfer.objects.for_user(wanted.user)
    row = rows.open().filter(**wanted.which).first()
    if row and wanted.fits(row):
        _rename(row, wanted.description)
        return row, False
    if row and (row.said_sent_at or zelle.money_is_here(row)):
        raise ZelleError(
            f"Your Zelle payment of {row.money} is on its way. Once we’ve confirmed it, you can "
            "start another one."
        )
    day = timezone.now() - timedelta(days=1)
    if rows.filter(created_at__gt=day).count() >= MOST_A_DAY:
        raise ZelleError(TOO_MANY.format(support=current_brand().support_email))
    if row:
        close([row], "Another amount replaced it.")
    return _new(wanted), True


def close(
    rows: Iterable[ExpectedTransfer],
    because: str,
    state: ExpectedState = ExpectedState.CANCELED,
) -> None:
    """Close open rows. Money that came for them counts for nothing now: staff see it as unmatched.

    `because` is for staff.
    """
    now = timezone.now()
    for row in rows:
        counted = Allocation.objects.filter(expected=row).exclude(state=AllocationState.UNDONE)
        counted.update(state=AllocationState.UNDONE, undone_at=now, undone_because=because)
        row.state, row.closed_at = state, now
        row.save(update_fields=["state", "closed_at"])


def request_paid(request_pk: int) -> None:
    """A request was paid by card: nothing more is awaited for it."""
    close(ExpectedTransfer.objects.open().filter(request=request_pk), PAID_OTHERWISE)


def membership_read(subscription: Subscription) -> None:
    """A membership runs: nothing is awaited for another one."""
    if subscription.is_live and subscription.is_membership:
        rows = ExpectedTransfer.objects.for_user(subscription.customer.user).open()
        # One that has a subscription belongs to it, even if its payment was undone since.
        rows = rows.filter(purpose=ZellePurpose.MEMBERSHIP, subscription=None)
        close(rows, PAID_OTHERWISE)


def invoice_read(invoice: Invoice) -> None:
    """Await what an invoice asks for if its member pays by Zelle, and nothing once it's paid."""
    rows = ExpectedTransfer.objects.filter(invoice=invoice)
    awaited = rows.open().first()
    if awaited and not invoice.is_payable:
        is_paid = invoice.status == InvoiceStatus.PAID
        close([awaited], PAID_OTHERWISE if is_paid else "Its invoice is void, or given up.")
    elif awaited:
        if awaited.amount != invoice.amount_remaining and not zelle.money_is_here(awaited):
            _follow(invoice)
    elif zelle.is_of_zelle_member(invoice) and not zelle.books(invoice) and not rows.exists():
        _follow(invoice)


def _follow(invoice: Invoice) -> None:
    if why_not_invoice(invoice):
        return
    try:
        for_invoice(invoice)
    except ZelleError:
        # They said that they've sent the earlier amount: staff match what comes.
        return


def why_not_invoice(invoice: Invoice) -> str:
    """Return a sentence that says why an invoice can't be paid by Zelle, or "" if it can.

    Others than sent ones are charged: they'd be paid twice.
    """
    if not invoice.is_payable:
        return "This invoice isn’t open anymore. There’s nothing to pay."
    if not invoice.is_sent or invoice.is_being_paid:
        return "This invoice is paid another way."
    if not zelle.takes(ZellePurpose.INVOICE, invoice.amount_remaining, invoice.currency):
        return "This invoice can’t be paid by Zelle."
    return ""


def for_invoice(invoice: Invoice) -> tuple[ExpectedTransfer, bool]:
    """Return the one open row for what an invoice still asks for, and whether it's new.

    Raises:
        ZelleError: it can't be paid by Zelle, or has been.
    """
    if why := why_not_invoice(invoice):
        raise ZelleError(why)
    gone = sorted(EXPECTED_GONE)
    mine = ExpectedTransfer.objects.filter(invoice=invoice).exclude(state__in=gone)
    if mine.filter(state=ExpectedState.CONFIRMED).exists():
        raise ZelleError("You’ve paid this invoice already. Thank you.")
    known, now = zelle.terms(), timezone.now()
    soonest = now + timedelta(days=known.days_to_pay)
    due = invoice.due_at and invoice.due_at + timedelta(days=known.days_of_grace)
    names = descriptions.product_names([invoice])
    return open_row(
        Wanted(
            user=invoice.customer.user,
            purpose=ZellePurpose.INVOICE,
            amount=invoice.amount_remaining,
            description=descriptions.of_invoice(invoice, names),
            expires_at=max(due or soonest, soonest),
            invoice=invoice,
        )
    )


def _rename(row: ExpectedTransfer, description: str) -> None:
    """Take the last words for the same amount: they're for the receipt."""
    words = description[:LONGEST_DESCRIPTION]
    if row.purpose == ZellePurpose.AMOUNT and row.description != words:
        row.description = words
        row.save(update_fields=["description"])


def _new(wanted: Wanted) -> ExpectedTransfer:
    """Make a row with a reference that no other has, or ever had."""
    subscription = wanted.invoice.subscription if wanted.invoice else None
    for _ in range(MOST_DRAWN):
        row = ExpectedTransfer(
            user=wanted.user,
            reference=references.new(),
            purpose=wanted.purpose,
            request=wanted.request,
            invoice=wanted.invoice,
            subscription=subscription,
            price_id=wanted.price_id,
            amount=wanted.amount,
            currency=zelle.CURRENCY,
            description=wanted.description[:LONGEST_DESCRIPTION],
            created_at=timezone.now(),
            expires_at=wanted.expires_at,
        )
        if _saved(row):
            return row
    raise ZelleError("We couldn’t start your payment. Please try again.")


def _saved(row: ExpectedTransfer) -> bool:
    """Save a row, unless its reference is taken."""
    same = ExpectedTransfer.objects.filter(reference=row.reference)
    if same.exists():
        return False
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if same.exists():
            return False
        raise
    return True
