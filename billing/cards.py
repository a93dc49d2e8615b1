"""Use case: a card that paid once by hand also pays what comes next.

Paying an open invoice on Stripe's page with another card leaves the subscription's card as it was,
and the next charge would fail again. A card is charged again only if its owner says so.
"""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db.models import F

from billing import gateway, subscriptions, sync
from billing.models import Payment, Subscription
from billing.states import PaymentStatus
from billing.subscriptions import MembershipError

logger = logging.getLogger(__name__)

NOT_KEPT = (
    "This card can't be charged again, as it was not kept. Add it with “Change card”, and it pays "
    "from then on."
)


def other_card(row: Subscription) -> Payment | None:
    """Return the last payment of a membership if another card made it than the next one's.

    None where the card was changed since: the member has decided then.
    """
    last = (
        Payment.objects.filter(invoice__subscription=row, status=PaymentStatus.SUCCEEDED)
        .exclude(paid_at=None)
        .order_by(F("paid_at").desc(), "-pk")
        .first()
    )
    if last is None or not (last.method_id and last.card_last4) or row.ends_at:
        return None
    # A card that its bank replaced has another number, and is the same payment method.
    is_same = last.method_id == row.method_id or (last.card_brand, last.card_last4) == (
        row.card_brand,
        row.card_last4,
    )
    changed_since = row.card_added_at and last.paid_at and row.card_added_at > last.paid_at
    return None if is_same or changed_since else last


def use_for_next_charges(user: User, payment: Payment) -> None:
    """Let the card of one of the member's own payments pay for the membership from now on.

    Raises:
        MembershipError: there is no membership, the card was not kept, or Stripe is away.
    """
    row = subscriptions.live_subscription(user)
    if row is None or payment.customer_id != row.customer_id or not payment.method_id:
        raise MembershipError("There is no membership that this card could pay for.")
    try:
        gateway.use_method(row.stripe_id, payment.method_id, row.customer.stripe_id)
        sync.sync_subscription(row.stripe_id)
    except gateway.StripeUnavailable as error:
        logger.warning("A card could not be made the one that pays: %s", error)
        raise MembershipError(subscriptions.AWAY) from error
    except gateway.StripeError as error:
        logger.info("A card can't be made the one that pays: %s", error)
        raise MembershipError(NOT_KEPT) from error
