"""Memberships that Stripe Tax can no longer tax, while STRIPE_TAX is on.

If Stripe no longer knows where a member is, it switches their membership's tax off and charges
without it. Once there's an address again, this switches the tax back on.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import QuerySet

from billing.core.statuses import LIVE_SUBSCRIPTION
from billing.models import Subscription
from billing.stripe import gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)


def untaxed() -> QuerySet[Subscription]:
    """Return the memberships whose tax Stripe switched off for lack of a location."""
    return Subscription.objects.filter(status__in=LIVE_SUBSCRIPTION).exclude(tax_problem="")


def turn_on_again(customer_id: str = "") -> int:
    """Switch tax back on if Stripe knows the place by now; return how many.

    Raises:
        gateway.StripeError: Stripe couldn't be asked.
    """
    if not settings.STRIPE_TAX:
        return 0
    rows = untaxed().filter(customer__stripe_id=customer_id) if customer_id else untaxed()
    turned_on = [row for row in rows.select_related("customer") if _turn_on(row)]
    return len(turned_on)


def _turn_on(row: Subscription) -> bool:
    if not gateway.has_tax_place(row.customer.stripe_id):
        return False
    try:
        gateway.turn_tax_on(row.stripe_id)
    except gateway.StripeUnavailable:
        raise
    except gateway.StripeRefused as error:
        logger.warning("Tax could not be switched on for %s: %s", row.stripe_id, error)
        return False
    refresh.sync_subscription(row.stripe_id)
    return True
