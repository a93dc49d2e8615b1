"""A user's trial days: determined at Checkout, by asking Stripe too."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.contrib.auth.models import User

from billing.core.statuses import NEVER_BEGAN
from billing.facts import plans, trials
from billing.models import Customer, Plan, UnassignedCustomer
from billing.stripe import failures, gateway
from billing.stripe.snapshots import SubscriptionSnapshot
from common import addresses

logger = logging.getLogger(__name__)

# The most customers with one address to ask about: a member is waiting for the answer.
MOST_ASKED = 10


def of(user: User, plan: Plan) -> int:
    """Return a price's trial days for this user; never call it in a transaction."""
    if not plan.trial_days or not trials.is_new(user):
        return 0
    try:
        earlier = _at_stripe(user)
    except gateway.StripeError as error:
        # Better one trial too many than a sale that fails over this question.
        failures.note(logger, error, "Could not ask who had a trial before")
        return plan.trial_days
    if earlier is None:
        return plan.trial_days
    # From now on the page knows it too.
    trials.keep(user, earlier)
    return 0


def _at_stripe(user: User) -> trials.Before | None:
    """Return what someone with this address had under a customer that isn't theirs here."""
    products = plans.product_ids()
    had = [
        one
        for customer_id in sorted(_strangers(user))[:MOST_ASKED]
        for one in gateway.subscriptions_of(customer_id)
        if _is_membership(one, products)
    ]
    if not had:
        return None
    # Later trials at Stripe may be time that staff gave.
    had_trial = any(one.trial_end and not one.has_free_time for one in had)
    return trials.Before(min(one.started_at for one in had), had_trial)


def _is_membership(snapshot: SubscriptionSnapshot, products: frozenset[str]) -> bool:
    has_plan = any(item.product_id in products for item in snapshot.items)
    return has_plan and snapshot.status not in NEVER_BEGAN


def _strangers(user: User) -> set[str]:
    """Return customers at Stripe with this user's address that aren't theirs here (yet)."""
    ids = set(_listed(user.email))
    for address in {trials.spelling(user.email), user.email}:
        if not addresses.needs_smtputf8(address):
            ids.update(gateway.customer_ids(address))
    return ids - set(Customer.objects.filter(user=user).values_list("stripe_id", flat=True))


def _listed(email: str) -> Iterator[str]:
    """Yield unassigned customers with this address, as Stripe's search is case-sensitive.

    Their address may have upper case, or something after a plus.
    """
    wanted = trials.spelling(email)
    rows = UnassignedCustomer.objects.filter(email__istartswith=wanted.partition("@")[0])
    for stripe_id, address in rows.values_list("stripe_id", "email"):
        if trials.spelling(address) == wanted:
            yield stripe_id
