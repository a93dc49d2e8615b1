"""What must be true of a transfer, a payment, and whoever decides, before money counts."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum

from billing.core.bank_statuses import (
    AllocationState,
    Direction,
    ExpectedState,
    ZellePurpose,
)
from billing.core.statuses import InvoiceStatus, RequestState
from billing.facts import memberships, zelle
from billing.models import (
    Allocation,
    BankTransfer,
    ExpectedTransfer,
    Invoice,
    PaymentRequest,
)
from common.money import Money
from members import access_changes

MAY_MATCH = "billing.match_bank_transfer"


class AllocationError(Exception):
    """The money can't count that way; the text is for staff."""


def total(rows: QuerySet[Allocation]) -> int:
    """Return the sum of matches, in cents."""
    return int(rows.aggregate(sum=Sum("amount", default=0))["sum"])


def free_transfer(transfer_pk: int, amount: int) -> BankTransfer:
    """Return an incoming transfer that has this much left.

    Raises:
        AllocationError: it hasn't.
    """
    row = BankTransfer.objects.select_related("mail", "line").get(pk=transfer_pk)
    if row.direction != Direction.IN:
        raise AllocationError("This money went out.")
    if row.set_aside_at:
        raise AllocationError("It was set aside. Bring it back first.")
    left = row.amount - total(row.allocations.exclude(state=AllocationState.UNDONE))
    if amount > left:
        raise AllocationError(f"Of this money {Money(left, row.currency)} is left.")
    return row


def check_missing(expected: ExpectedTransfer, amount: int) -> None:
    """Make sure that a payment still needs this much.

    Raises:
        AllocationError: it doesn't.
    """
    missing = expected.amount - total(expected.allocations.exclude(state=AllocationState.UNDONE))
    if amount > missing:
        left = Money(max(0, missing), expected.currency)
        raise AllocationError(f"Of this payment {left} is still to come.")


def check_wanted(expected: ExpectedTransfer) -> None:
    """Make sure that money is still wanted for a payment.

    Raises:
        AllocationError: it isn't; the text says why.
    """
    if why := why_unwanted(expected):
        raise AllocationError(why)


def why_unwanted(expected: ExpectedTransfer) -> str:
    """Return why no money is wanted for a payment any more, or ""."""
    if why := _why_over(expected):
        return why
    if expected.request_id:
        state = PaymentRequest.objects.values_list("state", flat=True).get(pk=expected.request_id)
        if state != RequestState.OPEN:
            return "This payment request is paid or canceled already."
    if expected.invoice_id:
        status = Invoice.objects.values_list("status", flat=True).get(pk=expected.invoice_id)
        if status not in (InvoiceStatus.DRAFT, InvoiceStatus.OPEN):
            return "This invoice is paid or void already."
    if expected.purpose == ZellePurpose.MEMBERSHIP and memberships.live(expected.user):
        return "The member has the membership already."
    return _why_in_the_way(expected)


def _why_over(expected: ExpectedTransfer) -> str:
    if expected.state == ExpectedState.CONFIRMED:
        return "This payment is paid already."
    if not expected.user.is_active and not expected.user.email:
        return "The member has closed their account."
    if expected.state == ExpectedState.CANCELED:
        return "This payment was canceled, or made another way."
    return ""


def _why_in_the_way(expected: ExpectedTransfer) -> str:
    """Return why an expired payment can't be revived, or "": another may have taken its place."""
    if expected.state != ExpectedState.EXPIRED:
        return ""
    if expected.price_id and expected.price_id not in zelle.price_ids():
        return "This payment expired, and its price isn't on sale anymore."
    if expected.request and expected.request.has_expired:
        return "This payment expired, and so did its payment request."
    others = ExpectedTransfer.objects.exclude(pk=expected.pk).exclude(
        state__in=[ExpectedState.EXPIRED, ExpectedState.CANCELED]
    )
    if expected.request_id:
        taken = others.filter(request=expected.request_id)
    elif expected.invoice_id:
        taken = others.filter(invoice=expected.invoice_id)
    else:
        taken = others.open().filter(user=expected.user_id, purpose=expected.purpose)
    return "This payment expired, and the member started another one." if taken.exists() else ""


def check_actor(expected: ExpectedTransfer, actor: User) -> None:
    """Make sure that nobody confirms their own payment, whichever account they use.

    Raises:
        AllocationError: it's theirs, or others have just changed their account.
    """
    if access_changes.are_one_person(expected.user, actor):
        raise AllocationError("Nobody decides about their own payment.")
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise AllocationError(str(hold)) from hold


def require(actor: User) -> None:
    """Make sure that somebody may match money.

    Raises:
        PermissionDenied: they may not.
    """
    if not actor.is_active or not actor.has_perm(MAY_MATCH):
        raise PermissionDenied("Matching money needs a permission.")


def check_reason(because: str) -> None:
    """Make sure that somebody said why.

    Raises:
        AllocationError: they didn't.
    """
    if not because.strip():
        raise AllocationError("Say why, for whoever looks at it later.")
