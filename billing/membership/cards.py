"""Use case: a card that was used once by hand also pays future charges.

Paying an open invoice on Stripe's page with another card doesn't change the subscription's card, so
the next charge would fail again. A card is charged again only if its owner says so.
"""

from __future__ import annotations

import logging

from django.contrib.auth.models import User

from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Payment
from billing.stripe import failures, gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)

NOT_KEPT = (
    "This card can't be charged again, as it was not kept. Add it with “Change card”, and it pays "
    "from then on."
)


def use_for_next_charges(user: User, payment: Payment) -> None:
    """Use the card of one of the member's own payments for the membership from now on.

    Raises:
        MembershipError: there's no membership, the card wasn't saved, or Stripe is down.
    """
    row = cancellation.live_subscription(user)
    if row is None or payment.customer_id != row.customer_id or not payment.method_id:
        raise MembershipError("There is no membership that this card could pay for.")
    try:
        gateway.use_method(row.stripe_id, payment.method_id, row.customer.stripe_id)
        refresh.sync_subscription(row.stripe_id)
    except (*failures.NOT_THE_REQUEST, gateway.StripeMissing) as error:
        failures.note(logger, error, "A card could not be made the one that pays")
        raise MembershipError(cancellation.why_not_now(error)) from error
    except gateway.StripeError as error:
        logger.info("A card can't be made the one that pays: %s", error)
        raise MembershipError(NOT_KEPT) from error
