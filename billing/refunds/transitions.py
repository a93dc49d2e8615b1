"""The only way to change a refund: lock, check, change, append to the ledger, announce."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from django.contrib.auth.models import User
from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from billing.core.jobs import JobName
from billing.core.statuses import REFUND_MOVES, RefundAction, RefundState
from billing.models import Refund
from billing.models.locks import locked_customer, queue_lock
from billing.refunds import ledger, notices
from billing.refunds.moves import RefundMoved


class RefundError(Exception):
    """The refund can't be requested, decided, or changed; the text is for member or staff."""


class RefundAmountError(RefundError):
    """Only the amount is the problem: another one would work."""


class Columns(TypedDict, total=False):
    """The columns of a refund that a step may change besides its state."""

    # What was decided.
    amount: int
    approvals_needed: int
    first_approved_by: User
    decided_by: User | None
    decided_at: datetime
    answer: str
    # How sending went.
    tried_at: datetime
    problem: str
    # What Stripe says.
    stripe_id: str
    read_at: datetime
    failure_reason: str
    pending_reason: str
    reference: str
    answer_by: datetime | None
    sent_at: datetime
    succeeded_at: datetime | None
    failed_at: datetime | None


def locked(refund_pk: int) -> Refund:
    """Lock a refund through its member's lock, which guards all of their money, and return it.

    Raises:
        Refund.DoesNotExist: there is none.
    """
    customer_id = Refund.objects.values_list("customer_id", flat=True).get(pk=refund_pk)
    locked_customer(pk=customer_id)
    return Refund.objects.select_for_update().get(pk=refund_pk)


def begin(refund: Refund, action: RefundAction, *, actor: User | None, words: str = "") -> Refund:
    """Write a new refund with its first entry; call it under the member's lock."""
    refund.save(force_insert=True)
    ledger.append(refund, action, None, actor=actor, words=words)
    notices.announce(RefundMoved(refund, action, None))
    return refund


def move(
    refund: Refund,
    to: RefundState,
    action: RefundAction,
    *,
    actor: User | None = None,
    words: str = "",
    **columns: Unpack[Columns],
) -> None:
    """Change a locked refund's state and other columns, and append the entry.

    Raises:
        RefundError: its state can't change to that one.
    """
    before = RefundState(refund.state)
    if to != before and to not in REFUND_MOVES[before]:
        raise RefundError(f"A refund that is {before.value} can't become {to.value}.")
    for name, value in columns.items():
        setattr(refund, name, value)
    refund.state = to
    refund.save(update_fields=["state", *columns])
    ledger.append(refund, action, before, actor=actor, words=words)
    notices.announce(RefundMoved(refund, action, before))


def enqueue(job: JobName, refund: Refund) -> None:
    """Enqueue a job for a refund, in order with its customer's events."""
    lock = queue_lock(refund.customer.stripe_id, "", "")
    deferrer = app.configure_task(job, lock=lock, queueing_lock=f"{job}:{refund.pk}")
    try:
        with transaction.atomic():
            deferrer.defer(refund_pk=refund.pk)
    except AlreadyEnqueued:
        return
