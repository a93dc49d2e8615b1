"""Whether a subscription costs more from its next payment on, and whether a message said so."""

from __future__ import annotations

import math
from datetime import timedelta

from django.db.models import Q, QuerySet

from billing.facts import discounts
from billing.models import Plan, Subscription
from billing.notices.charges import seconds
from emails.catalog import Kind
from emails.models import Channel, Message, MessageState

# Those of a membership's payments: what comes after a discount for one payment is in them.
RECEIPTS = (Kind.PAYMENT_RECEIVED, Kind.JOINED)
SENT = (MessageState.SENT, MessageState.DELIVERED)
WAITING = (MessageState.QUEUED, MessageState.SENDING)
# A plan that was told so shortly before its first payment isn't told again.
PLAN_TOLD = timedelta(days=14)


def is_planned(row: Subscription) -> bool:
    """Whether what's planned at Stripe makes the membership cost more from the next payment on.

    That's another price or anything else, such as another quantity, which may come before another
    price. A price of ours is compared with the present one: whatever else is on either invoice
    doesn't matter.
    """
    if not row.changes_with_period:
        return False
    plan = Plan.objects.filter(stripe_id=row.planned_price_id, currency=row.currency).first()
    is_dearer = plan is not None and plan.amount > (row.plan_amount or row.amount)
    if is_dearer and row.is_planned_next:
        return True
    charge = discounts.next_charge(row)
    return charge is not None and charge.amount > _usual(row)


def _usual(row: Subscription) -> int:
    """Return what a period costs now, in minor units, with the last one's discount and tax.

    The last one's total itself may include a joining fee, or be for a part of a period.
    """
    paid = discounts.last_period(row)
    if paid is None or paid.subtotal <= 0:
        return row.amount
    return math.ceil(row.amount * paid.total / paid.subtotal)


def is_plan_told(row: Subscription) -> bool:
    """Whether the member just heard of the plan that begins next, or is about to."""
    if not row.is_planned_next:
        return False
    told = _messages(row, *SENT, *WAITING).filter(
        kind=Kind.PRICE_PLANNED,
        cause__startswith=f"{row.stripe_id}:{row.planned_price_id}:{seconds(row.planned_at)}:",
        created_at__gte=row.current_period_end - PLAN_TOLD,
    )
    return told.exists()


def is_without_discount(row: Subscription) -> bool:
    """Whether a discount lowered the last period but not the next, and no message was sent of it.

    A receipt says so after a discount for one payment, unless the member wants no receipts; nothing
    does if the discount was taken back since.
    """
    paid, charge = discounts.last_period(row), discounts.next_charge(row)
    if paid is None or charge is None or not discounts.has_run_out(row):
        return False
    if charge.amount <= _usual(row) or discounts.ending_before_renewal(row):
        return False
    told = Q(kind__in=RECEIPTS, cause=paid.stripe_id, context__full_price__gt="")
    ended = Q(
        kind=Kind.DISCOUNT_ENDING,
        cause__startswith=f"{row.stripe_id}:",
        created_at__gte=row.current_period_start,
    )
    return not _messages(row, *SENT).filter(told | ended).exists()


def _messages(row: Subscription, *states: MessageState) -> QuerySet[Message]:
    """Return a member's emails in some states."""
    mine = Message.objects.filter(user=row.customer.user, channel=Channel.EMAIL)
    return mine.filter(state__in=states)
