"""Decides which money counts for which payment: by itself, or by staff.

An allocation is proposed, confirmed, or undone, and never deleted. Everything happens under the
bank's lock and then the member's, so no money counts twice and no payment is paid twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.bank import names
from billing.core.bank_statuses import (
    AllocationState,
    ExpectedState,
    ZellePurpose,
)
from billing.core.jobs import JobName
from billing.core.statuses import ZELLE, InvoiceStatus, RequestState
from billing.facts import zelle
from billing.models import (
    Allocation,
    BankTransfer,
    ExpectedTransfer,
    KnownPayer,
    Payment,
    PaymentRequest,
    Refund,
)
from billing.models.locks import lock_member
from billing.refunds import policy as refund_policy
from billing.refunds import terms as refund_terms
from billing.sync import expected as awaited
from billing.zelle import checks, jobs, notices
from billing.zelle.checks import AllocationError
from billing.zelle.locks import bank_lock
from members import access_changes

logger = logging.getLogger(__name__)

TWO = 2
# Payments that a refund of could undo what they paid for.
KEPT_ONCE_BOOKED = (ZellePurpose.MEMBERSHIP, ZellePurpose.INVOICE)


@transaction.atomic
def allocate(transfer_pk: int, parts: Mapping[int, int], actor: User) -> list[Allocation]:
    """Let parts of a transfer count for payments: cents by payment.

    What takes two people is proposed, and waits for the second.

    Raises:
        PermissionDenied: the actor may not.
        AllocationError: the money or a payment isn't free, or it's the actor's own.
    """
    checks.require(actor)
    bank_lock()
    transfer = checks.free_transfer(transfer_pk, sum(parts.values()))
    if not parts or any(amount <= 0 for amount in parts.values()):
        raise AllocationError("Choose a payment, and an amount of more than nothing.")
    # All members first, and in order: `checks.check_actor` locks the actor's row, which others do
    # after a member's.
    users = ExpectedTransfer.objects.filter(pk__in=parts).values_list("user_id", flat=True)
    for user_pk in sorted(set(users)):
        lock_member(user_pk)
    made = []
    for expected_pk, amount in parts.items():
        expected = _locked(expected_pk)
        checks.check_actor(expected, actor)
        proposed = expected.allocations.filter(
            transfer=transfer, state=AllocationState.PROPOSED
        ).first()
        if proposed:
            raise AllocationError("This is proposed already: confirm or undo that.")
        checks.check_wanted(expected)
        checks.check_missing(expected, amount)
        row = Allocation.objects.create(
            transfer=transfer, expected=expected, amount=amount, state=AllocationState.PROPOSED
        )
        _announced(expected)
        made.append(row)
    # All parts are there by now: together they may take two people.
    for row in made:
        _confirm(row, row.expected, actor)
    return made


@transaction.atomic
def confirm(allocation_pk: int, actor: User) -> Allocation:
    """Confirm a proposed allocation, as the only or the second person.

    Raises:
        PermissionDenied: the actor may not.
        AllocationError: it's decided already, or it's the actor's own.
    """
    checks.require(actor)
    bank_lock()
    row = Allocation.objects.select_related("transfer").get(pk=allocation_pk)
    expected = _locked(row.expected_id)
    row.refresh_from_db()
    if row.state != AllocationState.PROPOSED:
        raise AllocationError(f"It's {row.get_state_display().lower()} already.")
    checks.check_actor(expected, actor)
    checks.check_wanted(expected)
    _confirm(row, expected, actor)
    return row


@transaction.atomic
def undo(allocation_pk: int, actor: User, because: str) -> Allocation:
    """Let money no longer count for a payment. What was booked for it is taken back.

    Raises:
        PermissionDenied: the actor may not.
        AllocationError: it's undone already, the reason is missing, it's the actor's own, or what
        it paid for can't be taken back this way.
    """
    checks.require(actor)
    bank_lock()
    row = Allocation.objects.select_related("transfer").get(pk=allocation_pk)
    expected = _locked(row.expected_id)
    row.refresh_from_db()
    if row.state == AllocationState.UNDONE:
        raise AllocationError("It's undone already.")
    checks.check_reason(because)
    checks.check_actor(expected, actor)
    counted = row.state == AllocationState.CONFIRMED
    row.state, row.undone_by, row.undone_at = AllocationState.UNDONE, actor, timezone.now()
    row.undone_because = because[:300]
    if counted and expected.state == ExpectedState.CONFIRMED:
        _reopen(expected)
    row.save()
    if counted:
        KnownPayer.objects.filter(
            user=expected.user_id, key=names.key(row.transfer.name)[:200]
        ).delete()
        notices.undone(expected)
    elif expected.state == ExpectedState.ANNOUNCED and not _is_proposed(expected):
        _to_state(expected, ExpectedState.WAITING)
    return row


@transaction.atomic
def set_aside(transfer_pk: int, actor: User, because: str) -> BankTransfer:
    """Say that a transfer's money, or what's left of it, is for no payment.

    Raises:
        PermissionDenied: the actor may not.
        AllocationError: the reason is missing.
    """
    checks.require(actor)
    checks.check_reason(because)
    bank_lock()
    row = BankTransfer.objects.get(pk=transfer_pk)
    row.set_aside_at, row.set_aside_by = timezone.now(), actor
    row.set_aside_because = because[:300]
    row.save(update_fields=["set_aside_at", "set_aside_by", "set_aside_because"])
    return row


@transaction.atomic
def bring_back(transfer_pk: int, actor: User) -> BankTransfer:
    """Let a transfer that was set aside be matched again.

    Raises:
        PermissionDenied: the actor may not.
    """
    checks.require(actor)
    bank_lock()
    row = BankTransfer.objects.get(pk=transfer_pk)
    row.set_aside_at, row.set_aside_by, row.set_aside_because = None, None, ""
    row.save(update_fields=["set_aside_at", "set_aside_by", "set_aside_because"])
    return row


def count_named(
    transfer: BankTransfer, expected_pk: int, reasons: Sequence[str], *, counts: bool
) -> Allocation | None:
    """Propose a transfer for the payment that it names and pays exactly; confirm it if it counts.

    Call it under the bank's lock. None if the payment isn't wanted any more, or is paid.
    """
    expected = _locked(expected_pk)
    try:
        checks.check_wanted(expected)
        checks.check_missing(expected, transfer.amount)
        checks.free_transfer(transfer.pk, transfer.amount)
    except AllocationError as error:
        logger.info("Transfer %s isn't counted for %s: %s", transfer.pk, expected.pk, error)
        return None
    row = Allocation.objects.create(
        transfer=transfer,
        expected=expected,
        amount=transfer.amount,
        state=AllocationState.PROPOSED,
        reasons=list(reasons),
    )
    _announced(expected)
    if counts and not _is_own_word(row, expected):
        _counts(row, expected, None)
    return row


def count_proposed(row: Allocation) -> None:
    """Confirm what was proposed by itself, now that it's proved. Call it under the bank's lock."""
    expected = _locked(row.expected_id)
    row.refresh_from_db()
    is_by_itself = row.state == AllocationState.PROPOSED and row.first_confirmed_by_id is None
    if not (is_by_itself and row.reasons) or _is_own_word(row, expected):
        return
    if checks.why_unwanted(expected) == "":
        _counts(row, expected, None)


def approvals_for(row: Allocation, expected: ExpectedTransfer) -> int:
    """Return how many people must confirm a match, by the refund policy in force: 1 or 2.

    Other parts of the same money, and of the same payment, count too.
    """
    policy = refund_terms.rules_of(refund_terms.current_policy())
    kind = refund_policy.PaymentKind.SINGLE
    if expected.purpose in KEPT_ONCE_BOOKED:
        kind = refund_policy.PaymentKind.MEMBERSHIP
    live = Allocation.objects.exclude(state=AllocationState.UNDONE).exclude(pk=row.pk)
    beside = max(
        checks.total(live.filter(transfer=row.transfer_id)),
        checks.total(live.filter(expected=expected)),
    )
    facts = refund_policy.Facts(
        kind=kind, currency=expected.currency, paid=row.amount, committed=beside, age_days=0
    )
    return refund_policy.approvals_for(policy, facts, row.amount)


def _is_own_word(row: Allocation, expected: ExpectedTransfer) -> bool:
    """Whether nothing but a file that this member has imported says that their money came."""
    transfer = row.transfer
    if transfer.mail_id or transfer.line is None:
        return False
    importer = transfer.line.file.imported_by
    return importer is not None and access_changes.are_one_person(expected.user, importer)


def _confirm(row: Allocation, expected: ExpectedTransfer, actor: User) -> None:
    """Confirm as one person; if it takes two, the first only agrees."""
    first = row.first_confirmed_by
    if first is None and approvals_for(row, expected) >= TWO:
        row.first_confirmed_by = actor
        row.save(update_fields=["first_confirmed_by"])
        return
    if first and access_changes.are_one_person(first, actor):
        raise AllocationError("You've agreed already. Somebody else has to agree, too.")
    _counts(row, expected, actor)


def _counts(row: Allocation, expected: ExpectedTransfer, actor: User | None) -> None:
    """Let money count, and pay what it completes."""
    row.state, row.confirmed_by = AllocationState.CONFIRMED, actor
    row.confirmed_at = timezone.now()
    row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    if key := names.key(row.transfer.name)[:200]:
        KnownPayer.objects.get_or_create(
            user_id=expected.user_id, key=key, defaults={"name": row.transfer.name}
        )
    if expected.received() < expected.amount:
        more = _is_proposed(expected)
        _to_state(expected, ExpectedState.ANNOUNCED if more else ExpectedState.WAITING)
        notices.partly_received(expected)
        return
    expected.confirmed_at = timezone.now()
    expected.closed_at = None
    _to_state(expected, ExpectedState.CONFIRMED)
    if expected.request_id:
        PaymentRequest.objects.filter(pk=expected.request_id).update(
            state=RequestState.PAID, paid_at=expected.confirmed_at
        )
    notices.received(expected)
    jobs.enqueue(JobName.BOOK_ZELLE, expected)


def _announced(expected: ExpectedTransfer) -> None:
    if expected.state != ExpectedState.ANNOUNCED:
        expected.announced_at = timezone.now()
        expected.closed_at = None
        _to_state(expected, ExpectedState.ANNOUNCED)
        notices.announced(expected)


def _to_state(expected: ExpectedTransfer, state: ExpectedState) -> None:
    expected.state = state
    expected.save(update_fields=["state", "announced_at", "confirmed_at", "closed_at"])


def _reopen(expected: ExpectedTransfer) -> None:
    """Take back that a payment is paid.

    Raises:
        AllocationError: it pays a membership, goes back as a refund, or is being booked right now.
    """
    if expected.booked_at is None and _is_settled_otherwise(expected):
        awaited.close([expected], awaited.PAID_OTHERWISE)
        return
    if expected.booked_at is None:
        raise AllocationError("It's being booked right now. Try again in a minute.")
    if expected.purpose in KEPT_ONCE_BOOKED:
        raise AllocationError(
            "It has paid for the membership. End that, or refund the payment, instead."
        )
    if _goes_back(expected):
        raise AllocationError(
            "It's refunded, or a refund is being decided on: money goes back once."
        )
    mine = ExpectedTransfer.objects.for_user(expected.user).open()
    if expected.purpose == ZellePurpose.AMOUNT and mine.filter(purpose=expected.purpose).exists():
        raise AllocationError(
            "The member has started another payment since, and one at a time can be awaited. Let "
            "that one be paid or canceled first."
        )
    jobs.enqueue(JobName.TAKE_BACK_ZELLE, expected, invoice_pk=expected.invoice_id)
    # The member gets the usual time to send what's missing now.
    soonest = timezone.now() + timedelta(days=zelle.terms().days_to_pay)
    expected.expires_at = max(expected.expires_at or soonest, soonest)
    expected.said_sent_at, expected.reminded_at = None, None
    expected.invoice, expected.booked_at, expected.confirmed_at = None, None, None
    expected.booking += 1
    expected.state = ExpectedState.WAITING
    expected.save()
    if expected.request_id:
        PaymentRequest.objects.filter(pk=expected.request_id).update(
            state=RequestState.OPEN, paid_at=None
        )


def _is_settled_otherwise(expected: ExpectedTransfer) -> bool:
    """Whether its invoice was paid another way, or taken back, before this money was booked."""
    invoice = expected.invoice
    if invoice is None or invoice.status in (InvoiceStatus.DRAFT, InvoiceStatus.OPEN):
        return False
    return not Payment.objects.filter(invoice=invoice, card_brand=ZELLE).exists()


def _goes_back(expected: ExpectedTransfer) -> bool:
    """Whether any of a booked payment has been refunded, or may be."""
    invoice = expected.invoice
    if invoice is None:
        return False
    refunds = Refund.objects.filter(payment__invoice=invoice).holding()
    return invoice.post_payment_credit_notes_amount > 0 or refunds.exists()


def _is_proposed(expected: ExpectedTransfer) -> bool:
    """Whether some of its money waits for somebody to confirm it."""
    return expected.allocations.filter(state=AllocationState.PROPOSED).exists()


def _locked(expected_pk: int) -> ExpectedTransfer:
    """Lock a payment through its member's lock, and return it as of then."""
    user_id = ExpectedTransfer.objects.values_list("user_id", flat=True).get(pk=expected_pk)
    lock_member(user_id)
    rows = ExpectedTransfer.objects.select_related("user", "request", "invoice")
    return rows.get(pk=expected_pk)
