"""Messages about another price that's planned for a membership, or isn't anymore."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.core import tax_texts
from billing.facts import descriptions
from billing.models import Subscription
from billing.notices import charges, contexts
from billing.notices.charges import seconds
from billing.notices.transitions import PlanDropped, PricePlanned
from common.links import portal_url
from emails import outbox

# At Stripe a plan is dropped seconds before a membership is canceled, or switched right away: then
# that's the news. Messages after this one wait, too.
WAIT = timedelta(seconds=20)


def price_planned(planned: PricePlanned) -> None:
    """Say what begins when, what's charged then, and how to keep the present price."""
    subscription, begins_at = planned.subscription, planned.subscription.planned_at
    if begins_at is None:
        return
    user = subscription.customer.user
    is_next = subscription.is_planned_next
    outbox.put(
        user,
        contexts.PricePlanned(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            new_plan=charges.planned_plan(subscription),
            begins_on=begins_at,
            present_rate=charges.rate(subscription, subscription.money),
            rate=charges.planned_rate(subscription),
            tax_words=tax_texts.price(subscription.taxation),
            first_charge=charges.known_charge(subscription) if is_next else "",
            **(charges.credit_used(subscription) if is_next else charges.NO_CREDIT),
            method=charges.card_charged(subscription),
            by_invoice=subscription.is_sent,
            changes_before=subscription.changes_at is not None,
            url=portal_url("billing:membership"),
        ),
        cause=_cause(subscription, subscription.planned_price_id, begins_at),
        happened_at=planned.seen_at,
        good_until=begins_at,
    )


def plan_dropped(dropped: PlanDropped) -> None:
    """Say that the present price stays, unless the membership ends or switches instead.

    If something else is planned by now, such as a price beside it, what's paid then is unknown.
    """
    subscription, before = dropped.subscription, dropped.before
    if before.planned_at is None:
        return
    user, end = subscription.customer.user, subscription.current_period_end
    other_on = subscription.planned_at
    outbox.put(
        user,
        contexts.PlanDropped(
            name=user.first_name,
            plan_name=descriptions.plan_of(subscription),
            begins_on=before.planned_at,
            dropped_rate=charges.planned_rate(before),
            rate=charges.rate(subscription, subscription.money),
            other_on=other_on,
            next_charge="" if other_on else charges.known_charge(subscription),
            next_charge_on=end if subscription.is_renewal_charged and not other_on else None,
            url=portal_url("billing:membership"),
        ),
        cause=_cause(before, subscription.price_id, before.planned_at),
        happened_at=dropped.seen_at,
        not_before=dropped.seen_at + WAIT,
    )


def _cause(row: Subscription, price_id: str, begins_at: datetime) -> str:
    """Return a key of one plan. Each has its own schedule, so planning it again is news."""
    return f"{row.stripe_id}:{price_id}:{seconds(begins_at)}:{row.schedule_id}"
