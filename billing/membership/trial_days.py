"""How many days are free for a user: asked at the moment of Checkout, of Stripe too."""

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

# Of so many customers with one address we ask, and no more: a member waits for the answer.
MOST_ASKED = 10


def of(user: User, plan: Plan) -> int:
    """Return how many days of a price are free for this user; never call it in a transaction."""
    if not plan.trial_days or not trials.is_new(user):
        return 0
    try:
        found = _at_stripe(user)
    except gateway.StripeError as error:
        # Better a trial too many than a sale that fails for a question beside it.
        failures.note(logger, error, "Could not ask who had a trial before")
        return plan.trial_days
    if found is None:
        return plan.trial_days
    # Now the page knows it as well.
    trials.keep(user, found)
    return 0


def _at_stripe(user: User) -> trials.Before | None:
    """Return what somebody with this address had by a customer at Stripe who isn't theirs here."""
    products = plans.product_ids()
    had = [
        one
        for customer_id in sorted(_strangers(user))[:MOST_ASKED]
        for one in gateway.subscriptions_of(customer_id)
        if _is_membership(one, products)
    ]
    if not had:
        return None
    return trials.Before(min(one.started_at for one in had), any(one.trial_end for one in had))


def _is_membership(found: SubscriptionSnapshot, products: frozenset[str]) -> bool:
    has_plan = any(item.product_id in products for item in found.items)
    return has_plan and found.status not in NEVER_BEGAN


def _strangers(user: User) -> set[str]:
    """Return customers at Stripe with this user's address that are not theirs here (yet)."""
    ids = set(_listed(user.email))
    for address in {trials.spelling(user.email), user.email}:
        if not addresses.needs_smtputf8(address):
            ids.update(gateway.customer_ids(address))
    return ids - set(Customer.objects.filter(user=user).values_list("stripe_id", flat=True))


def _listed(email: str) -> Iterator[str]:
    """Yield the customers of nobody with this address: Stripe's own search minds how it's spelled.

    Theirs may have upper case, or something after a plus.
    """
    wanted = trials.spelling(email)
    rows = UnassignedCustomer.objects.filter(email__istartswith=wanted.partition("@")[0])
    for stripe_id, address in rows.values_list("stripe_id", "email"):
        if trials.spelling(address) == wanted:
            yield stripe_id
