"""Use case: another price begins with the next period; until then it can be taken back.

With another interval, Stripe begins a new period at once, unless a schedule waits for the old one's
end. So this is what staff choose for a member who'd rather not pay for a year today.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext as _

from billing.core import subscription_items
from billing.core.statuses import MembershipAction, SubscriptionStatus
from billing.facts import discounts, plans
from billing.membership import by_staff, cancellation, switch_options, switching
from billing.membership.cancellation import MembershipError
from billing.membership.switch_options import Choice
from billing.models import MembershipDecision, Subscription
from billing.stripe import gateway
from common.money import Money

logger = logging.getLogger(__name__)

SALT = "billing.planning"
# What a token of this module begins with; those of `switching` have no full stop.
MARK = "planned."
SHOWN_FOR_SECONDS = 30 * 60


@dataclass(frozen=True)
class Planned:
    """A price that would begin with the next period. `token` is what the form sends back."""

    choice: Choice
    begins_at: datetime
    first_charge: Money | None  # None if a discount or added tax makes it another amount
    token: str


def can_wait(row: Subscription, choice: Choice) -> bool:
    """Whether a price has to be planned to count later, and could be.

    With the same interval, or while nothing is charged, a switch counts from the next charge on.
    """
    is_plain = switching.can_wait(row, choice) or row.status == SubscriptionStatus.TRIALING
    return not is_plain and not switch_options.why_not_later(row)


def preview(row: Subscription, choice: Choice) -> Planned:
    """Return what planning a price would do. Nothing is charged before its first period.

    Raises:
        MembershipError: it can't be planned now.
    """
    if refusal := _why_not(row, choice):
        raise MembershipError(refusal)
    is_plain = not discounts.running(row) and not row.tax_is_automatic and not row.balance
    shown = {
        "row": row.stripe_id,
        "price": choice.plan.stripe_id,
        "at": int(row.current_period_end.timestamp()),
    }
    return Planned(
        choice=choice,
        begins_at=row.current_period_end,
        first_charge=choice.price if is_plain else None,
        token=MARK + signing.dumps(shown, salt=SALT),
    )


def is_ours(token: str) -> bool:
    """Whether a token is of this module."""
    return token.startswith(MARK)


def plan_by_staff(subscription: Subscription, token: str, actor: User) -> Choice:
    """Let a price begin with the next period, as staff were shown; return the price.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it has changed since, can't be done now, or Stripe couldn't be asked.
    """
    by_staff.require(actor)
    shown = _opened(token, subscription)
    choices = switch_options.choices(subscription)
    choice = next((one for one in choices if one.plan.stripe_id == shown["price"]), None)
    if choice is None:
        raise MembershipError(by_staff.CHANGED)

    def check(row: Subscription) -> None:
        if int(row.current_period_end.timestamp()) != shown["at"]:
            raise MembershipError(by_staff.CHANGED)
        if refusal := _why_not(row, choice):
            raise MembershipError(refusal)

    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.PLAN,
        check,
        only=subscription,
        actor=actor,
        price_id=choice.plan.stripe_id,
        until=subscription.current_period_end,
    )
    logger.info("User %s plans %s for %s.", actor.pk, shown["price"], subscription.stripe_id)
    wanted = _wanted(decision.subscription, choice, shown["at"])
    cancellation.ask(decision, lambda: gateway.plan_price(wanted, cancellation.key_of(decision)))
    return choice


def take_back(user: User) -> None:
    """Let a member keep their present price; what was planned is dropped.

    Raises:
        MembershipError: nothing is planned any more, or Stripe couldn't be asked.
    """
    decision = cancellation.decide(user, MembershipAction.UNPLAN, _refuse_unless_planned)
    _release(decision)


def take_back_by_staff(subscription: Subscription, actor: User) -> None:
    """Let a member keep their present price, for them.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: nothing is planned any more, or Stripe couldn't be asked.
    """
    by_staff.require(actor)
    decision = cancellation.decide(
        subscription.customer.user,
        MembershipAction.UNPLAN,
        _refuse_unless_planned,
        only=subscription,
        actor=actor,
    )
    logger.info("User %s drops what's planned for %s.", actor.pk, subscription.stripe_id)
    _release(decision)


def _release(decision: MembershipDecision) -> None:
    stripe_id = decision.subscription.stripe_id
    cancellation.ask(decision, lambda: gateway.release_schedule(stripe_id))


def _refuse_unless_planned(row: Subscription) -> None:
    if not row.planned_price_id:
        raise MembershipError(_("No other price is planned. Nothing has changed."))


def _why_not(row: Subscription, choice: Choice) -> str:
    if row.schedule_id and not row.planned_price_id:
        # Of something other than the price, made in Stripe's dashboard.
        return "A schedule at Stripe has other plans for it. Change it there."
    if row.ends_at and not row.ends_with_period:
        return "It has an end at Stripe, beside which nothing can be planned. Drop the end first."
    return switch_options.why_not_later(row) or switch_options.refused(row, choice)


def _wanted(row: Subscription, choice: Choice, ends_at: int) -> gateway.PlannedPrice:
    [item] = subscription_items.of_plan(row.parts, plans.product_ids())
    return gateway.PlannedPrice(
        subscription_id=row.stripe_id,
        old_price_id=item.price_id,
        price_id=choice.plan.stripe_id,
        interval=choice.plan.interval,
        interval_count=choice.plan.interval_count,
        ends_at=ends_at,
    )


def _opened(token: str, row: Subscription) -> dict[str, Any]:
    """Return what was shown: for this subscription, and recently."""
    try:
        shown: dict[str, Any] = signing.loads(
            token.removeprefix(MARK), salt=SALT, max_age=SHOWN_FOR_SECONDS
        )
    except signing.BadSignature as error:
        raise MembershipError(by_staff.CHANGED) from error
    if shown["row"] != row.stripe_id:
        raise MembershipError(by_staff.CHANGED)
    return shown
