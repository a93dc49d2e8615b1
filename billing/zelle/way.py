"""Use case: a member pays their running membership another way, from its next renewal on.

It's one subscription at Stripe all along: only how its invoices are collected changes, and the
price. So there's no gap between the two ways, and no period is charged twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import idempotency, rhythms, subscription_items
from billing.core.statuses import CHARGED_SUBSCRIPTION
from billing.facts import plans, zelle
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Plan, Subscription
from billing.stripe import failures, gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)

ENDING = gettext_lazy("Your membership is set to end. Keep it to change how you pay.")
UNPAID = gettext_lazy("Please pay your open invoice first. Then you can change how you pay.")
NO_CARD = gettext_lazy("Add a card above first. Then you can switch to it here.")
PLANNED = gettext_lazy("Your price is about to change. You can change how you pay after that.")
PAUSED = gettext_lazy("Your membership is paused. You can change how you pay once it resumes.")


@dataclass(frozen=True)
class OtherWay:
    """The other way to pay, from the next renewal on, and why not now (or "")."""

    is_zelle: bool
    plan: Plan
    why_not: str | Promise = ""

    @property
    def rate(self) -> str:
        """What it costs and how often: "$29.00 a month"."""
        return rhythms.rate(self.plan.money, self.plan.interval, self.plan.interval_count)


def other_way(
    row: Subscription, by_card: Sequence[Plan], by_zelle: Sequence[Plan]
) -> OtherWay | None:
    """Return the other way to pay for a membership, at the price with the same interval.

    `by_card` and `by_zelle`: the prices on sale. None if there's no such price.
    """
    is_zelle = not row.is_sent
    same = [one for one in (by_zelle if is_zelle else by_card) if _has_rhythm_of(one, row)]
    if not row.is_live or not same:
        return None
    return OtherWay(is_zelle, same[0], _why_not(row, is_zelle=is_zelle))


def _has_rhythm_of(plan: Plan, row: Subscription) -> bool:
    return (plan.interval, plan.interval_count, plan.currency) == (
        row.interval,
        row.interval_count,
        row.currency,
    )


def _why_not(row: Subscription, *, is_zelle: bool) -> str | Promise:
    if row.ends_with_period or row.ends_by_schedule:
        return ENDING
    if row.is_paused:
        return PAUSED
    if row.planned_price_id:
        return PLANNED
    if row.status not in CHARGED_SUBSCRIPTION:
        return UNPAID
    return NO_CARD if not is_zelle and not row.card_last4 else ""


def change(user: User, way: OtherWay) -> None:
    """Let the next renewal be paid the other way. Doing it twice changes nothing.

    Raises:
        MembershipError: it can't be changed now, or Stripe couldn't be asked.
    """
    row = cancellation.live_subscription(user)
    if row is None:
        raise MembershipError(_("You have no membership to change."))
    if row.is_sent == way.is_zelle:
        return
    if why := _why_not(row, is_zelle=way.is_zelle):
        raise MembershipError(why)
    if cancellation.pending_decision(user):
        raise MembershipError(
            _("Your last change is still being confirmed. Try again in a minute.")
        )
    try:
        gateway.collect_by(_wanted(row, way), _key(row, way))
        refresh.sync_subscription(row.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "How a membership is paid could not be changed")
        raise MembershipError(cancellation.why_not_now(error)) from error


def _wanted(row: Subscription, way: OtherWay) -> gateway.Collecting:
    snapshot = gateway.read_subscription(row.stripe_id)
    items = subscription_items.of_plan(snapshot.items, plans.product_ids())
    if len(items) != 1 or items[0].quantity != 1:
        raise gateway.StripeRefused(f"{row.stripe_id} does not hold just one membership.")
    return gateway.Collecting(
        subscription_id=row.stripe_id,
        item_id=items[0].id,
        price_id=way.plan.stripe_id,
        days_until_due=zelle.terms().days_of_grace if way.is_zelle else None,
    )


def _key(row: Subscription, way: OtherWay) -> str:
    """Return the request's idempotency key: a member may change back and forth."""
    now_read = row.read_at.isoformat()
    word = "zelle" if way.is_zelle else "card"
    return idempotency.key("way", row.pk, word, about=(settings.PORTAL_URL, now_read))
