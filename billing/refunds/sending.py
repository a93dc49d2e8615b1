"""The job that sends an approved refund to Stripe, exactly once.

Before asking Stripe, it marks the row as *sending*. Each run first looks for a refund with the
row's key at Stripe, and then asks under the row's idempotency key. So a run that was killed, or
whose answer was lost, can simply be repeated, even days later.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from billing.core.refund_times import NOT_SENT_SWEEP
from billing.core.statuses import (
    RefundAction,
    RefundReason,
    RefundState,
)
from billing.membership import cancellation
from billing.models import Refund
from billing.refunds import membership_end, sync, texts, transitions
from billing.refunds.membership_end import Ending
from billing.stripe import gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)

# After the queue's own tries are used up, the sweep retries a refund this often.
AGAIN_AFTER = timedelta(hours=1)


def send(refund_pk: int) -> None:
    """Send one refund, if it's due to be sent. Safe to run twice.

    Raises:
        gateway.StripeError: try again later; the row says why.
    """
    row = _claim(refund_pk)
    if row is None:
        return
    try:
        _send_once(row)
        sync.sync_refunds(row.payment.stripe_id)
    except gateway.StripeError as error:
        to_send = Refund.objects.filter(pk=row.pk, state=RefundState.SENDING)
        to_send.update(problem=f"Not sent yet: {_trouble(error)}")
        raise


def _trouble(error: gateway.StripeError) -> str:
    """Return an error's text for staff; for an outage, Stripe's request number is no help."""
    if isinstance(error, gateway.StripeUnavailable):
        return "Stripe did not answer. We try again by ourselves."
    return str(error)


def overdue() -> QuerySet[Refund]:
    """Return the refunds that should be at Stripe by now."""
    now = timezone.now()
    untried = Q(tried_at=None, decided_at__lt=now - NOT_SENT_SWEEP)
    return Refund.objects.to_send().filter(untried | Q(tried_at__lt=now - AGAIN_AFTER))


def _send_once(row: Refund) -> None:
    """Ask Stripe for a refund that it doesn't have yet; a refusal ends it.

    Raises:
        gateway.StripeError: Stripe didn't say whether it made it.
    """
    intent_id, key = row.payment.stripe_id, str(row.key)
    if any(refund.key == key for refund in gateway.refunds_of(intent_id)):
        return
    is_duplicate = row.reason == RefundReason.DUPLICATE
    try:
        gateway.create_refund(intent_id, row.amount, key, is_duplicate=is_duplicate)
    except gateway.StripeLockedOut:
        raise
    except gateway.StripeRefused as error:
        _refused(row, error)


@transaction.atomic
def _claim(refund_pk: int) -> Refund | None:
    """Mark a refund as being sent, and return it; None if there's nothing to send."""
    row = transitions.locked(refund_pk)
    if row.payment.is_by_zelle:
        return None
    if row.state == RefundState.APPROVED:
        now = timezone.now()
        transitions.move(row, RefundState.SENDING, RefundAction.SENDING, tried_at=now)
    elif row.state == RefundState.SENDING:
        row.tried_at = timezone.now()
        row.save(update_fields=["tried_at"])
    else:
        return None
    return row


@transaction.atomic
def _refused(row: Refund, error: gateway.StripeRefused) -> None:
    """Record that Stripe won't make it: the amount is free again."""
    row = transitions.locked(row.pk)
    if row.state != RefundState.SENDING:
        return
    known = texts.REFUSALS.get(error.code)
    problem = str(known.staff) if known else f"Stripe refused it: {error}"
    logger.warning("Refund %s was refused: %s", row.pk, error)
    transitions.move(
        row,
        RefundState.FAILED,
        RefundAction.REFUSED,
        words=problem,
        problem=problem,
        failure_reason=error.code[:60],
        failed_at=timezone.now(),
    )


def make_credit_note(refund_pk: int) -> None:
    """Make the credit note for a successful refund, once.

    Raises:
        gateway.StripeError: Stripe didn't make it.
    """
    row = Refund.objects.select_related("payment__invoice").get(pk=refund_pk)
    invoice = row.payment.invoice
    if invoice is None or row.credit_note_id:
        return
    key = str(row.key)
    if row.payment.is_by_zelle and row.state == RefundState.SUCCEEDED:
        note_id = gateway.create_outside_credit_note(invoice.stripe_id, row.amount, key)
        Refund.objects.filter(pk=row.pk).update(credit_note_id=note_id)
        refresh.sync_invoice(invoice.stripe_id)
        return
    if not row.stripe_id:
        return
    note_id = gateway.credit_note_of(invoice.stripe_id, key) or gateway.create_credit_note(
        invoice.stripe_id, row.stripe_id, row.amount, key
    )
    Refund.objects.filter(pk=row.pk).update(credit_note_id=note_id)


def end_membership(refund_pk: int) -> None:
    """End the membership of a member who asked for it with a refund, once.

    It ends immediately or with the paid period: see `membership_end`.
    """
    row = Refund.objects.select_related("payment__invoice__subscription", "customer__user").get(
        pk=refund_pk
    )
    subscription = row.payment.membership
    if subscription is None or not subscription.is_live or not row.cancels_membership:
        return
    at_once = membership_end.of_refund(row) == Ending.AT_ONCE
    cancellation.end_for_refund(subscription, at_once=at_once)
