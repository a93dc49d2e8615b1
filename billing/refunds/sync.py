"""Turns Stripe's refunds into rows: those we sent, and those made in its dashboard."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy

from billing.core.jobs import JobName
from billing.core.statuses import (
    PaymentStatus,
    RefundAction,
    RefundOrigin,
    RefundReason,
    RefundState,
)
from billing.models import LedgerCheck, Payment, Refund
from billing.models.locks import locked_customer
from billing.refunds import terms, transitions
from billing.refunds.transitions import Columns
from billing.stripe import gateway
from billing.stripe.snapshots import RefundSnapshot
from billing.sync import refresh, writing
from common.one_by_one import OneByOne

# Stripe's reasons for refunds made in its dashboard, in our terms.
REASONS = {
    "duplicate": RefundReason.DUPLICATE,
    "fraudulent": RefundReason.REPORTED_AS_FRAUD,
    "requested_by_customer": RefundReason.OTHER,
}
OVERTAKEN = gettext_lazy("This payment was refunded another way in the meantime.")
# Not at Stripe yet: these give way to refunds made in its dashboard.
WAITING = (RefundState.REQUESTED, RefundState.APPROVED)


def sync_refunds(payment_intent_id: str) -> None:
    """Read a payment and all of its refunds, and write them.

    Raises:
        sync.UnknownCustomer, sync.NotOurs: it isn't a member's payment.
        SomeFailed: the payment and the other refunds are written.
    """
    run = OneByOne(ended_by=gateway.ENDS_ALL)
    read_at = writing.database_now()
    refresh.sync_payment(payment_intent_id)
    snapshots = gateway.refunds_of(payment_intent_id)
    with transaction.atomic():
        payment = _locked(payment_intent_id)
        for snapshot in snapshots:
            with run.each(snapshot.id), transaction.atomic():
                _record(payment, snapshot, read_at)
        make_room(payment)
        older = Q(refunds_read_at=None) | Q(refunds_read_at__lt=read_at)
        if not run.failures:
            Payment.objects.filter(older, pk=payment.pk).update(refunds_read_at=read_at)
    run.finish()


def sync_refund(refund_id: str) -> None:
    """Read a refund with its payment and that payment's other refunds."""
    snapshot = gateway.read_refund(refund_id)
    if not snapshot.payment_intent_id:
        raise writing.NotOurs("The refund is of no payment that we keep.")
    sync_refunds(snapshot.payment_intent_id)


def refund_columns(snapshot: RefundSnapshot) -> dict[str, Any]:
    """Return the row's columns from Stripe's data."""
    return {
        "amount": snapshot.amount,
        "currency": snapshot.currency,
        "state": snapshot.status,
        **_details(snapshot),
    }


def _details(snapshot: RefundSnapshot) -> Columns:
    """Return the details that explain the state."""
    return {
        "failure_reason": snapshot.failure_reason,
        "pending_reason": snapshot.pending_reason,
        "reference": snapshot.reference,
    }


def _locked(payment_intent_id: str) -> Payment:
    """Lock the payment's member, and return the payment as of then."""
    rows = Payment.objects.select_related("invoice", "customer__user")
    customer_id = rows.values_list("customer_id", flat=True).get(stripe_id=payment_intent_id)
    locked_customer(pk=customer_id)
    return rows.get(stripe_id=payment_intent_id)


def _record(payment: Payment, snapshot: RefundSnapshot, read_at: datetime) -> None:
    """Write one refund of a locked payment."""
    row = Refund.objects.filter(stripe_id=snapshot.id).first() or _sent(payment, snapshot)
    if row is None:
        _adopt(payment, snapshot, read_at)
        return
    if row.read_at and row.read_at > read_at:
        return
    before, after = RefundState(row.state), RefundState(snapshot.status)
    columns = _stripe_columns(row, snapshot, read_at)
    if before == after and row.stripe_id:
        Refund.objects.filter(pk=row.pk).update(**columns)
        return
    has_reopened = (before, after) == (RefundState.SUCCEEDED, RefundState.FAILED)
    action = RefundAction.REOPENED if has_reopened else RefundAction.STRIPE
    transitions.move(row, after, action, words=snapshot.failure_reason, **columns)
    if after == RefundState.SUCCEEDED and _wants_credit_note(row):
        transitions.enqueue(JobName.MAKE_CREDIT_NOTE, row)


def _sent(payment: Payment, snapshot: RefundSnapshot) -> Refund | None:
    """Return the row that a refund names, if it's waiting for exactly this one.

    Metadata can be edited in Stripe's dashboard, so it's trusted only if everything else matches.
    """
    try:
        key = uuid.UUID(snapshot.key)
    except ValueError:
        return None
    rows = Refund.objects.filter(key=key, payment=payment, stripe_id=None)
    return rows.filter(amount=snapshot.amount, state=RefundState.SENDING).first()


def _adopt(payment: Payment, snapshot: RefundSnapshot, read_at: datetime) -> None:
    """Write a refund made in Stripe's dashboard."""
    row = Refund(
        payment=payment,
        customer=payment.customer,
        amount=snapshot.amount,
        amount_asked=snapshot.amount,
        currency=snapshot.currency,
        origin=RefundOrigin.STRIPE,
        reason=REASONS.get(snapshot.reason, ""),
        state=snapshot.status,
        approvals_needed=0,
        created_at=snapshot.created_at,
    )
    for name, value in _stripe_columns(row, snapshot, read_at).items():
        setattr(row, name, value)
    transitions.begin(row, RefundAction.FOUND, actor=None, words=snapshot.reason)


def _stripe_columns(row: Refund, snapshot: RefundSnapshot, read_at: datetime) -> Columns:
    """Return a row's columns from Stripe besides its state.

    Stripe gives only the creation time, so later changes are dated when we learned of them.
    """
    state, seen_at = snapshot.status, read_at if row.stripe_id else snapshot.created_at
    return {
        "stripe_id": snapshot.id,
        "read_at": read_at,
        **_details(snapshot),
        # Stripe forgets that it asked, but it tells us that the money isn't going to the card.
        "answer_by": snapshot.answer_by or row.answer_by,
        "sent_at": row.sent_at or snapshot.created_at,
        "succeeded_at": row.succeeded_at or (seen_at if state == RefundState.SUCCEEDED else None),
        "failed_at": row.failed_at or (seen_at if state == RefundState.FAILED else None),
        "problem": "",
    }


def make_room(payment: Payment) -> None:
    """Close waiting refunds that exceed what's left of the payment, newest first."""
    paid = payment.amount_received if payment.status == PaymentStatus.SUCCEEDED else 0
    for row in payment.refunds.filter(state__in=WAITING).order_by("-pk"):
        if terms.committed_of(payment) <= paid:
            return
        is_asked = row.state == RefundState.REQUESTED
        to = RefundState.DENIED if is_asked else RefundState.CANCELED
        overtaken = RefundAction.OVERTAKEN
        said = str(OVERTAKEN)
        transitions.move(row, to, overtaken, words=said, answer=said)


def _wants_credit_note(row: Refund) -> bool:
    return bool(settings.REFUND_CREDIT_NOTES and row.payment.invoice_id and not row.credit_note_id)


def compare_with_stripe(check: LedgerCheck) -> None:
    """Add differences from Stripe to a check, for each refund, and one Stripe refund per row.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    begun = writing.database_now()
    bad: list[gateway.Unreadable] = []
    at_stripe = list(gateway.list_refunds(bad))
    unreadable = {one.id for one in bad}
    problems = [
        *(f"Refund {one.id} can't be read at Stripe: {one.reason}" for one in bad),
        *_doubles(at_stripe),
        *_disagreements(at_stripe, unreadable, begun),
    ]
    check.problems = [*check.problems, *problems]
    check.compared_with_stripe = True
    check.save(update_fields=["problems", "compared_with_stripe"])


def _doubles(at_stripe: list[RefundSnapshot]) -> Iterator[str]:
    """Yield rows that several of Stripe's unfailed refunds name."""
    seen: dict[str, str] = {}
    for snapshot in at_stripe:
        if not snapshot.key or snapshot.status in (RefundState.FAILED, RefundState.CANCELED):
            continue
        if snapshot.key in seen:
            yield f"Stripe has two refunds of one row: {seen[snapshot.key]} and {snapshot.id}."
        seen[snapshot.key] = snapshot.id


def _disagreements(
    at_stripe: list[RefundSnapshot], unreadable: set[str], begun: datetime
) -> Iterator[str]:
    rows = Refund.objects.exclude(stripe_id=None)
    ours = {row.stripe_id: row for row in rows if row.stripe_id not in unreadable}
    kept = set(Payment.objects.values_list("stripe_id", flat=True))
    for snapshot in at_stripe:
        row = ours.pop(snapshot.id, None)
        if row is None:
            if snapshot.payment_intent_id in kept and snapshot.created_at < begun:
                yield f"Refund {snapshot.id} is at Stripe and not here."
        elif row.read_at and row.read_at <= begun:
            here, there = (row.state, row.amount), (snapshot.status, snapshot.amount)
            if here != there:
                ours_is, theirs_is = " ".join(map(str, here)), " ".join(map(str, there))
                yield f"Refund {snapshot.id} is {ours_is} here, {theirs_is} there."
    for row in ours.values():
        if row.read_at and row.read_at <= begun:
            yield f"Refund {row.stripe_id} is here and not at Stripe."
