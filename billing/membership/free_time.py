"""Use case: staff give a member free time, before the next charge.

At Stripe that's a trial whose end is a later day than the period's (`docs/decisions.md` says why).
The subscription's metadata tell it from the trial that a membership begins with. It's a decision
(`billing.membership.by_staff`), confirmed by Stripe's subscription.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from billing.core.statuses import MembershipAction, SubscriptionStatus
from billing.membership import by_staff, cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Subscription
from billing.stripe import gateway

logger = logging.getLogger(__name__)

LONGEST = timedelta(days=366)


def give(subscription: Subscription, shown_end: datetime, until: datetime, actor: User) -> None:
    """Let nothing be charged until a time after `shown_end`, which is the next charge's as shown.

    What's paid already stays paid for. A membership that's paid by Zelle or invoice gets its next
    invoice that much later.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it can't get free time, or renews at another time by now; or Stripe
            couldn't be asked.
    """
    by_staff.require(actor)
    now = timezone.now()

    def check(row: Subscription) -> None:
        if row.current_period_end != shown_end:
            raise MembershipError(by_staff.CHANGED)
        if why := why_not(row):
            raise MembershipError(why)
        if until <= max(shown_end, now) or until > now + LONGEST:
            raise MembershipError("Choose a day after the next charge, and within a year.")
        if row.ends_at and until >= row.ends_at:
            raise MembershipError(by_staff.ENDS_BEFORE)

    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.FREE,
        check,
        only=subscription,
        actor=actor,
        until=until,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s gives %s free time.", actor.pk, row.stripe_id)
    cancellation.ask(decision, lambda: gateway.give_free_time(row.stripe_id, until, key))


def why_not(row: Subscription) -> str:
    """Return why a subscription can't get free time now, or "" if it can."""
    if row.ends_with_period or row.ends_by_schedule:
        end = "A schedule at Stripe ends it." if row.ends_by_schedule else "It’s set to end."
        return f"{end} Let it continue first."
    if row.is_paused:
        return "Its payments are paused. Let them resume first, or pause them for longer."
    if row.planned_price_id:
        return str(cancellation.PLANNED_ALREADY)
    if row.status == SubscriptionStatus.TRIALING and not row.is_in_free_time:
        return "It’s on its free trial. Extend that instead."
    if row.status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING):
        return "Its last payment is still open. Settle that first."
    return ""
