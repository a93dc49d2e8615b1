"""Settles decisions about a membership once Stripe's subscription shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from billing.core.statuses import DecisionState, MembershipAction, SubscriptionStatus
from billing.models import MembershipDecision, Subscription
from billing.notices.transitions import OfferAccepted

NOT_KNOWN_YET = (DecisionState.PENDING, DecisionState.FAILED)


def settle(row: Subscription, read_at: datetime) -> list[OfferAccepted]:
    """Confirm what the row shows, in its transaction; return accepted offers."""
    pending = MembershipDecision.objects.filter(subscription=row, state=DecisionState.PENDING)
    switched = Q(action=MembershipAction.SWITCH, price_id=row.price_id)
    resumed = Q(action=MembershipAction.RESUME, until=row.ends_at, until__isnull=False)
    resumed_until = Q() if row.ends_with_period else resumed
    pending.filter(Q(action__in=_shown(row)) | switched | resumed_until | _by_staff(row)).update(
        state=DecisionState.CONFIRMED, confirmed_at=read_at
    )
    return list(_accepted_offers(row, read_at))


def _by_staff(row: Subscription) -> Q:
    """Return the decisions that only staff make, as far as the row shows them."""
    coupons = [one["coupon"] for one in row.discounts]
    shown = Q(action=MembershipAction.DISCOUNT, coupon_id__in=coupons)
    if row.trial_end is not None:
        shown |= Q(action=MembershipAction.EXTEND, until__lte=row.trial_end)
        if row.has_free_time:
            shown |= Q(action=MembershipAction.FREE, until__lte=row.trial_end)
    if row.is_paused:
        shown |= Q(
            action=MembershipAction.PAUSE,
            pause_behavior=row.pause_behavior,
            until=row.resumes_at,
        )
    else:
        shown |= Q(action=MembershipAction.UNPAUSE)
    if row.planned_price_id:
        shown |= Q(action=MembershipAction.PLAN, price_id=row.planned_price_id)
    else:
        shown |= Q(action=MembershipAction.UNPLAN)
    return shown if coupons else shown | Q(action=MembershipAction.UNDISCOUNT)


def _shown(row: Subscription) -> list[MembershipAction]:
    """Return the actions that the row's status and end confirm."""
    if row.is_live:
        if row.ends_with_period:
            return [MembershipAction.CANCEL]
        # An end that's renewals away confirms neither that it's canceled nor that it continues.
        return [] if row.ends_at else [MembershipAction.RESUME]
    if row.status == SubscriptionStatus.CANCELED:
        return [MembershipAction.CANCEL, MembershipAction.CANCEL_NOW]
    return []


def _accepted_offers(row: Subscription, read_at: datetime) -> Iterator[OfferAccepted]:
    """Record the discount from each accepted offer, once.

    One that we considered failed, because Stripe's answer was lost, still counts.
    """
    rows = MembershipDecision.objects.filter(subscription=row, action=MembershipAction.STAY)
    for discount in row.discounts:
        if rows.filter(discount_id=discount["id"]).exists():
            continue
        waiting = rows.filter(state__in=NOT_KNOWN_YET, coupon_id=discount["coupon"], discount_id="")
        decision = waiting.first()
        if decision:
            decision.state, decision.confirmed_at = DecisionState.CONFIRMED, read_at
            decision.discount_id = discount["id"]
            decision.save(update_fields=["state", "confirmed_at", "discount_id"])
            yield OfferAccepted(row, decision)
