"""Use cases: staff pause the collection of a subscription's payments, and let it resume.

The subscription stays active and its member keeps everything; only new invoices aren't collected.
Each is a decision (`billing.membership.by_staff`), confirmed by Stripe's subscription.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from billing.core.statuses import MembershipAction, PauseBehavior
from billing.membership import by_staff, cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Subscription
from billing.stripe import gateway

logger = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True)
class Pause:
    """How collection is paused; nothing if it isn't. `until` is None until further notice."""

    behavior: str = ""
    until: datetime | None = None

    @classmethod
    def of(cls, row: Subscription) -> Pause:
        """Return a subscription's pause."""
        return cls(row.pause_behavior or "", row.resumes_at if row.is_paused else None)


def pause(subscription: Subscription, shown: Pause, wanted: Pause, actor: User) -> None:
    """Pause collection, or change a pause; `shown` is what the actor saw.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it's ending, or is paused otherwise by now; or Stripe couldn't be asked.
    """
    by_staff.require(actor)
    now = timezone.now()

    def check(row: Subscription) -> None:
        _require_shown(row, shown)
        if row.ends_with_period:
            raise MembershipError("It’s set to end, so nothing more is charged.")
        if wanted.behavior not in set(PauseBehavior) or wanted == shown:
            raise MembershipError("It’s already paused this way.")
        if wanted.until and not now < wanted.until <= now + LONGEST_PAUSE:
            raise MembershipError("Choose a day within the next year.")

    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.PAUSE,
        check,
        only=subscription,
        actor=actor,
        pause_behavior=wanted.behavior,
        until=wanted.until,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s pauses the payments of %s.", actor.pk, row.stripe_id)
    cancellation.ask(
        decision,
        lambda: gateway.pause_collection(row.stripe_id, wanted.behavior, wanted.until, key),
    )


def resume(subscription: Subscription, shown: Pause, actor: User) -> None:
    """Let collection resume with the next invoice; `shown` is the pause that the actor saw.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it isn't paused, or otherwise by now; or Stripe couldn't be asked.
    """
    by_staff.require(actor)

    def check(row: Subscription) -> None:
        if not row.is_paused:
            raise MembershipError("Its payments aren’t paused.")
        _require_shown(row, shown)

    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.UNPAUSE,
        check,
        only=subscription,
        actor=actor,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s lets the payments of %s resume.", actor.pk, row.stripe_id)
    cancellation.ask(decision, lambda: gateway.resume_collection(row.stripe_id, key))


def _require_shown(row: Subscription, shown: Pause) -> None:
    if Pause.of(row) != shown:
        raise MembershipError(by_staff.CHANGED)
