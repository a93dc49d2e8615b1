"""Refunds of payments by Zelle: staff send them from the bank's app, and a file proves it.

Nobody but the account's owner can send money by Zelle, so these refunds are approved like all
others, wait for somebody to send them, and are done once the account's activity has them.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from billing.core.jobs import JobName
from billing.core.statuses import ZELLE, RefundAction, RefundState
from billing.models import Refund
from billing.refunds import service, sync, terms, transitions
from billing.refunds.transitions import RefundError

LONGEST_REFERENCE = 60


@transaction.atomic
def mark_sent(refund_pk: int, actor: User, reference: str) -> Refund:
    """Say that a refund was sent by Zelle, with the number that the bank gave it.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it isn't waiting to be sent, it's the actor's own, or the number is missing.
    """
    row = _to_change(refund_pk, actor)
    if row.state not in (RefundState.APPROVED, RefundState.SENDING):
        raise RefundError(f"This isn't waiting to be sent: it is “{row.get_state_display()}” now.")
    if row.amount > terms.facts_beside(row).left:
        raise RefundError("Of this payment not that much is left: more has gone back meanwhile.")
    number = reference.strip()
    if not number:
        raise RefundError("Enter the number that your bank shows for it.")
    taken = Refund.objects.filter(reference__iexact=number, payment__card_brand=ZELLE)
    if taken.exclude(pk=row.pk).exists():
        raise RefundError("Another refund has this number: each transfer has its own.")
    if row.state == RefundState.APPROVED:
        sending = RefundAction.SENDING
        transitions.move(row, RefundState.SENDING, sending, actor=actor, tried_at=timezone.now())
    transitions.move(
        row,
        RefundState.PENDING,
        RefundAction.SENT_BY_ZELLE,
        actor=actor,
        words=number[:LONGEST_REFERENCE],
        reference=number[:LONGEST_REFERENCE],
        sent_at=timezone.now(),
        problem="",
    )
    transitions.enqueue(JobName.PROVE_REFUND, row)
    return row


@transaction.atomic
def mark_not_sent(refund_pk: int, actor: User, because: str) -> Refund:
    """Say that a refund which was marked as sent didn't go out: its amount is free again.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it wasn't marked as sent, it's the actor's own, or the reason is missing.
    """
    row = _to_change(refund_pk, actor)
    if row.state != RefundState.PENDING:
        raise RefundError("Only what was marked as sent, and isn't on the account, can be undone.")
    if not because.strip():
        raise RefundError("Say why, for whoever looks at it later.")
    transitions.move(
        row,
        RefundState.FAILED,
        RefundAction.NOT_SENT,
        actor=actor,
        words=because,
        problem=because,
        failed_at=timezone.now(),
    )
    return row


@transaction.atomic
def left_account(refund_pk: int) -> bool:
    """Record that a file of the account has a refund that was sent; return whether that's news.

    One that was said not to have gone out did so after all: no other may take its place.
    """
    row = transitions.locked(refund_pk)
    is_sent = row.state in (RefundState.PENDING, RefundState.FAILED) and row.sent_at is not None
    if not is_sent or not row.payment.is_by_zelle:
        return False
    now, was_given_up = timezone.now(), row.state == RefundState.FAILED
    left = RefundAction.LEFT_ACCOUNT
    transitions.move(row, RefundState.SUCCEEDED, left, succeeded_at=now, failed_at=None, problem="")
    if was_given_up:
        sync.make_room(row.payment)
    if row.payment.invoice_id:
        transitions.enqueue(JobName.MAKE_CREDIT_NOTE, row)
    return True


def _to_change(refund_pk: int, actor: User) -> Refund:
    """Lock a refund by Zelle that this person may send.

    Raises:
        PermissionDenied: the actor may not.
        RefundError: it's of another kind, or their own.
    """
    if not actor.is_active or not actor.has_perm(service.MAY_APPROVE):
        raise PermissionDenied("Sending refunds needs a permission.")
    row = transitions.locked(refund_pk)
    if not row.payment.is_by_zelle:
        raise RefundError("Stripe sends this refund.")
    if service.is_own(row, actor):
        raise RefundError("Nobody sends their own refund.")
    return row
