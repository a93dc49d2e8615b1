"""Use case: a card that was used once by hand also pays future charges.

Paying an open invoice on Stripe's page with another card doesn't change the subscription's card, so
the next charge would fail again. A card is charged again only if its owner says so.
"""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import texts
from billing.membership import cancellation, card_activity
from billing.membership.cancellation import MembershipError
from billing.models import Payment
from billing.stripe import failures, gateway
from billing.sync import refresh

logger = logging.getLogger(__name__)

NOT_KEPT = gettext_lazy(
    "This card wasn’t saved, so we can’t charge it again. Add it under Cards to use it from now on."
)


def use_for_next_charges(user: User, payment: Payment, request: HttpRequest | None = None) -> None:
    """Use the card of one of the member's own payments for the membership from now on.

    The member's activity says where `request` came from.

    Raises:
        MembershipError: there's no membership, the card wasn't saved, or Stripe is down.
    """
    row = cancellation.live_subscription(user)
    if row is None or payment.customer_id != row.customer_id or not payment.method_id:
        raise MembershipError(_("You don’t have a membership that this card could pay for."))
    asked_at = timezone.now()
    try:
        gateway.use_method(row.stripe_id, payment.method_id, row.customer.stripe_id)
        refresh.sync_subscription(row.stripe_id)
    except (*failures.NOT_THE_REQUEST, gateway.StripeMissing) as error:
        failures.note(logger, error, "A card could not be made the one that pays")
        raise MembershipError(cancellation.why_not_now(error)) from error
    except gateway.StripeError as error:
        logger.info("A card can't be made the one that pays: %s", error)
        raise MembershipError(str(NOT_KEPT)) from error
    card = texts.card(payment.card_brand, payment.card_last4)
    card_activity.chosen(user, card, asked_at, request)
