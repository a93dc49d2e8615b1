"""Use cases: staff change a membership for its member, as they'd do in Stripe's dashboard.

Each is a decision like the member's own (`billing.membership.cancellation`): made under the lock,
asked of Stripe outside of the transaction with its own key, and confirmed by Stripe's subscription.
What a form was shown is sent along with it, so a second click doesn't do it twice.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from billing.core import texts
from billing.core.statuses import MembershipAction, SubscriptionStatus
from billing.facts import descriptions
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Subscription
from billing.notices import contexts
from billing.stripe import failures, gateway
from billing.stripe.snapshots import CouponSnapshot
from common.links import portal_url
from emails import outbox

logger = logging.getLogger(__name__)

MAY_CHANGE = "billing.change_subscription"
MOST_TRIAL_DAYS = 90
ENDS_BEFORE = "It ends before that. Choose an earlier day, or let it continue first."
CHANGED = "It has changed since you looked. Look again."


def cancel(subscription: Subscription, actor: User) -> None:
    """Let a subscription end with its paid period.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it's already ending, or Stripe couldn't be asked.
    """
    require(actor)
    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.CANCEL,
        _refuse_if_ending,
        only=subscription,
        actor=actor,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s lets %s end with its period.", actor.pk, row.stripe_id)
    cancellation.ask(decision, lambda: gateway.schedule_end(row.stripe_id, "", "", key))


def keep(subscription: Subscription, actor: User) -> None:
    """Let a subscription continue that was going to end.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it isn't ending, or Stripe couldn't be asked.
    """
    require(actor)
    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.RESUME,
        _refuse_unless_ending,
        only=subscription,
        actor=actor,
    )
    logger.info("User %s lets %s continue.", actor.pk, decision.subscription.stripe_id)
    cancellation.continue_again(decision)


def extend_trial(subscription: Subscription, shown_end: datetime, days: int, actor: User) -> None:
    """Let a free trial end so many days later than shown; nothing is charged before.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it's no longer on trial, or not with that end; or Stripe couldn't be asked.
    """
    require(actor)
    until = shown_end + timedelta(days=days)

    def check(row: Subscription) -> None:
        if not 1 <= days <= MOST_TRIAL_DAYS:
            raise MembershipError(f"A trial can be extended by {MOST_TRIAL_DAYS} days at most.")
        if not can_extend(row):
            raise MembershipError("It isn’t on a free trial, or is set to end.")
        if row.trial_end != shown_end:
            raise MembershipError(CHANGED)
        if row.ends_at and until >= row.ends_at:
            raise MembershipError(ENDS_BEFORE)

    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.EXTEND,
        check,
        only=subscription,
        actor=actor,
        until=until,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s extends the trial of %s.", actor.pk, row.stripe_id)
    cancellation.ask(decision, lambda: gateway.move_trial_end(row.stripe_id, until, key))


def can_extend(row: Subscription) -> bool:
    """Whether its free trial is running, and it goes on after that. Free time isn't one."""
    if row.has_free_time or row.ends_with_period or row.ends_by_schedule:
        return False
    is_running = row.trial_end is not None and row.trial_end > timezone.now()
    return row.status == SubscriptionStatus.TRIALING and is_running


def give_discount(
    subscription: Subscription, shown: list[str], coupon: CouponSnapshot, actor: User
) -> None:
    """Give a coupon's discount, which replaces those shown (their ids).

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it has other discounts by now, or Stripe refused or couldn't be asked.
    """
    require(actor)
    _change_discounts(subscription, shown, actor, MembershipAction.DISCOUNT, coupon.id)


def take_discount(subscription: Subscription, shown: list[str], actor: User) -> None:
    """Take back all discounts, which are those shown (their ids).

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it has other discounts by now, or Stripe refused or couldn't be asked.
    """
    require(actor)
    _change_discounts(subscription, shown, actor, MembershipAction.UNDISCOUNT, "")


def discount_ids(row: Subscription) -> list[str]:
    """Return the ids of the discounts that a subscription has, as far as we know."""
    return sorted(str(one["id"]) for one in row.discounts)


def _change_discounts(
    subscription: Subscription,
    shown: list[str],
    actor: User,
    action: MembershipAction,
    coupon_id: str,
) -> None:
    def check(row: Subscription) -> None:
        if discount_ids(row) != sorted(shown):
            raise MembershipError(CHANGED)

    decision = cancellation.decide(
        subscription.customer.user,
        action,
        check,
        only=subscription,
        actor=actor,
        coupon_id=coupon_id,
    )
    row, key = decision.subscription, cancellation.key_of(decision)
    logger.info("User %s changes the discount of %s.", actor.pk, row.stripe_id)
    items = sorted({one["item"] for one in row.discounts if one.get("item")})
    if coupon_id:
        cancellation.ask(
            decision, lambda: gateway.give_discount(row.stripe_id, coupon_id, key, items)
        )
    else:
        cancellation.ask(decision, lambda: gateway.take_discounts(row.stripe_id, key, items))


def send_card_link(subscription: Subscription, key: uuid.UUID, actor: User) -> None:
    """Email a member the way to the page with their cards, once per key.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: the membership has ended, or its account has.
    """
    require(actor)
    user = subscription.customer.user
    if not subscription.is_live or not user.is_active:
        raise MembershipError("It has ended. Nothing was sent.")
    logger.info("User %s sends the way to the cards of %s.", actor.pk, subscription.stripe_id)
    outbox.put(
        user,
        contexts.CardLink(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            method=texts.card(subscription.card_brand, subscription.card_last4),
            url=portal_url("billing:cards"),
        ),
        cause=f"{subscription.stripe_id}:{key}",
        happened_at=timezone.now(),
    )


def coupon(coupon_id: str) -> CouponSnapshot:
    """Return a coupon that can be redeemed now; never call it in a transaction.

    Raises:
        MembershipError: there's none, it's used up, or Stripe couldn't be asked.
    """
    try:
        found = gateway.read_coupon(coupon_id)
    except gateway.StripeMissing as error:
        raise MembershipError("There is no coupon with this ID at Stripe.") from error
    except gateway.StripeError as error:
        failures.note(logger, error, "A coupon could not be looked up")
        raise MembershipError(failures.sentence(error)) from error
    if not found.valid:
        raise MembershipError("This coupon has expired, or was used up.")
    return found


def require(actor: User) -> None:
    """Make sure that a staff member may change memberships.

    Raises:
        PermissionDenied: they may not.
    """
    if not actor.has_perm(MAY_CHANGE):
        raise PermissionDenied("Changing a membership takes a permission.")


def _refuse_if_ending(row: Subscription) -> None:
    if row.ends_with_period:
        raise MembershipError("It’s already set to end.")


def _refuse_unless_ending(row: Subscription) -> None:
    if not row.ends_at:
        raise MembershipError("It isn’t set to end.")
