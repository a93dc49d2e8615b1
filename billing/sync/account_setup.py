"""Is all of Stripe set up that members need? What is not is a task for staff.

An account whose customer portal was never saved has no page on which a card can be changed.
Stripe says so only when somebody asks for the page; so it is looked for ahead of that, too.
"""

from __future__ import annotations

import logging

from billing.models import MissingSetup
from billing.stripe import gateway

logger = logging.getLogger(__name__)


def portal_is_missing() -> None:
    """Write down that there is no customer portal yet."""
    MissingSetup.objects.get_or_create(name=MissingSetup.CUSTOMER_PORTAL)


def portal_is_there() -> None:
    """Write down that there is one."""
    MissingSetup.objects.filter(name=MissingSetup.CUSTOMER_PORTAL).delete()


def check_portal() -> None:
    """Look whether members could change their card.

    Raises:
        gateway.StripeError: Stripe did not answer.
    """
    try:
        is_there = gateway.has_portal()
    except gateway.StripeLockedOut as error:
        # A restricted key need not be allowed to read this: the page itself will tell.
        logger.info("Whether there is a customer portal can't be read: %s", error)
        return
    if is_there:
        portal_is_there()
    else:
        portal_is_missing()
