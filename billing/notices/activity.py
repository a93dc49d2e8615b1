"""What a transition adds to a member's list of activity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from billing.core import rhythms, texts
from billing.core.statuses import MembershipAction
from billing.facts import descriptions
from billing.models import MembershipDecision, Subscription
from billing.notices.transitions import (
    CardChanged,
    CollectionPaused,
    CollectionResumed,
    EndScheduled,
    EndTakenBack,
    PriceSwitched,
    SubscriptionEnded,
    SubscriptionStarted,
    Transition,
)
from members import activity
from members.models import ActivityBy, ActivityKind

KINDS: Mapping[type[Any], ActivityKind] = {
    SubscriptionStarted: ActivityKind.JOINED,
    EndScheduled: ActivityKind.ENDING,
    EndTakenBack: ActivityKind.KEPT,
    PriceSwitched: ActivityKind.SWITCHED,
    CardChanged: ActivityKind.CARD,
    CollectionPaused: ActivityKind.PAUSED,
    CollectionResumed: ActivityKind.RESUMED,
    SubscriptionEnded: ActivityKind.ENDED,
}
# The decisions that lead to a change; one that none led to was made at Stripe.
DECIDED = {
    ActivityKind.ENDING: {MembershipAction.CANCEL},
    ActivityKind.KEPT: {MembershipAction.RESUME, MembershipAction.STAY},
    ActivityKind.SWITCHED: {MembershipAction.SWITCH},
    ActivityKind.PAUSED: {MembershipAction.PAUSE},
    ActivityKind.RESUMED: {MembershipAction.UNPAUSE},
    ActivityKind.ENDED: {MembershipAction.CANCEL, MembershipAction.CANCEL_NOW},
}
# A change is seen within minutes of its decision; an outage of Stripe's delays it.
SEEN_WITHIN = timedelta(days=1)


def record(transition: Transition) -> None:
    """Record a change of a membership or of how it's paid; leave everything else out."""
    kind = KINDS.get(type(transition))
    if kind is None:
        return
    subscription: Subscription = transition.subscription  # type: ignore[union-attr]
    user = subscription.customer.user
    if not user.is_active:
        # They have left: nothing more is kept about them.
        return
    at = _moment(transition, subscription)
    activity.record(
        user,
        kind,
        by=_by(kind, subscription, at),
        detail=_detail(kind, subscription),
        at=at,
    )


def _moment(transition: Any, subscription: Subscription) -> Any:
    """Return when it happened, as exactly as Stripe says it."""
    for name in ("decided_at", "ended_at", "seen_at"):
        if hasattr(transition, name):
            return getattr(transition, name)
    return subscription.started_at


def _by(kind: ActivityKind, subscription: Subscription, at: Any) -> str:
    """Return who did it, or "" where nothing says so."""
    if kind == ActivityKind.JOINED:
        return ""
    decisions = subscription.decisions.filter(action__in=DECIDED.get(kind, ()))
    if kind != ActivityKind.ENDED:
        decisions = decisions.filter(created_at__gt=at - SEEN_WITHIN)
    decision = decisions.order_by("-pk").first()
    if kind == ActivityKind.SWITCHED and decision is None:
        decision = _planned(subscription)
    if decision is None:
        return ActivityBy.STRIPE
    is_own = decision.actor_id == subscription.customer.user_id
    return ActivityBy.MEMBER if is_own else ActivityBy.STAFF


def _planned(subscription: Subscription) -> MembershipDecision | None:
    """Return the decision that planned the price which began with this period."""
    planned = subscription.decisions.filter(
        action=MembershipAction.PLAN,
        price_id=subscription.price_id,
        until=subscription.current_period_start,
    )
    return planned.order_by("-pk").first()


def _detail(kind: ActivityKind, subscription: Subscription) -> str:
    if kind == ActivityKind.CARD:
        return texts.card(subscription.card_brand, subscription.card_last4)
    plan = descriptions.plan_of(subscription)
    if kind != ActivityKind.SWITCHED:
        return plan
    rhythm = rhythms.rhythm_inside(subscription.interval, subscription.interval_count)
    return f"{plan}: {subscription.money}, {rhythm}"
