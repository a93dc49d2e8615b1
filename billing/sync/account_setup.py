"""Checks that everything members need is set up at Stripe. What's missing is a task for staff.

An account whose customer portal was never saved has no page for changing a card. Stripe says so
only when someone asks for that page, so we check ahead of time.
"""

from __future__ import annotations

import logging

from billing.models import MissingSetup
from billing.stripe import gateway

logger = logging.getLogger(__name__)


def portal_is_missing() -> None:
    """Record that there's no customer portal yet."""
    MissingSetup.objects.get_or_create(name=MissingSetup.CUSTOMER_PORTAL)


def portal_is_there() -> None:
    """Record that there is one."""
    MissingSetup.objects.filter(name=MissingSetup.CUSTOMER_PORTAL).delete()


def check_portal() -> None:
    """Check whether members can change their card.

    Raises:
        gateway.StripeError: Stripe didn't answer.
    """
    try:
        is_there = gateway.has_portal()
    except gateway.StripeLockedOut as error:
        # A restricted key may not be allowed to read this: the page itself will tell.
        logger.info("Whether there is a customer portal can't be read: %s", error)
        return
    if is_there:
        portal_is_there()
    else:
        portal_is_missing()
