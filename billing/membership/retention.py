"""Use case: a member who is about to leave accepts a discount and stays.

Nobody gets an offer twice within the offer's months, or on top of another discount. Accepting is a
decision like any other: written under the lock, requested from Stripe with its key, and confirmed
by Stripe's subscription, whose discount it then names.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core.statuses import (
    CHARGED_SUBSCRIPTION,
    CancellationReason,
    DecisionState,
    InvoiceStatus,
    MembershipAction,
)
from billing.facts import discounts
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import (
    Invoice,
    MembershipDecision,
    RetentionOffer,
    RetentionShowing,
    Subscription,
)
from billing.stripe import failures, gateway
from billing.sync import refresh
from common.money import Money

logger = logging.getLogger(__name__)

# The average length of a month, in days.
MONTH_DAYS = 365.25 / 12
GONE = gettext_lazy("This offer has ended. Your membership is unchanged.")
DISCOUNTED = gettext_lazy("You already have a discount. Your membership is unchanged.")


def offer_for(user: User) -> RetentionOffer | None:
    """Return the offer that this member can accept now, if there is one."""
    row = cancellation.live_subscription(user)
    offer = RetentionOffer.objects.filter(is_active=True).first() if row else None
    if row is None or offer is None or row.planned_price_id:
        return None
    return None if _why_not(row, offer) else offer


def shown(offer: RetentionOffer, user: User) -> None:
    """Record that a member has seen the offer."""
    row = cancellation.live_subscription(user)
    if row is None or RetentionShowing.objects.filter(offer=offer, customer__user=user).exists():
        return
    RetentionShowing.objects.bulk_create(
        [RetentionShowing(offer=offer, customer_id=row.customer_id)], ignore_conflicts=True
    )


def accept(user: User, reason: CancellationReason | None = None, comment: str = "") -> None:
    """Let a member stay with the offered discount.

    Raises:
        MembershipError: it's not offered to them, or Stripe couldn't be asked or refused it.
    """
    row = cancellation.live_subscription(user)
    offer = RetentionOffer.objects.filter(is_active=True).first()
    if row is None or offer is None:
        raise MembershipError(str(GONE))
    if _is_given(row, offer):
        return
    decision = cancellation.decide(
        user,
        MembershipAction.STAY,
        lambda locked: _refuse(locked, offer),
        only=row,
        reason=reason or "",
        comment=comment,
        offer=offer,
        coupon_id=offer.coupon_id,
    )
    cancellation.ask(
        decision,
        lambda: gateway.give_discount(
            row.stripe_id, offer.coupon_id, cancellation.key_of(decision)
        ),
        refused=str(GONE),
    )


def cost(offer: RetentionOffer) -> list[Money]:
    """Return how much lower the invoices of those who accepted were, per currency."""
    accepted = {"offer": offer, "state": DecisionState.CONFIRMED}
    after = Invoice.objects.filter(
        **{f"subscription__decisions__{name}": value for name, value in accepted.items()},
        created_at__gte=F("subscription__decisions__created_at"),
        status=InvoiceStatus.PAID,
    )
    sums = (
        Invoice.objects.filter(pk__in=after.values("pk"), discount__gt=0)
        .order_by("currency")
        .values_list("currency")
        .annotate(Sum("discount"))
    )
    return [Money(total, currency) for currency, total in sums]


def _is_given(row: Subscription, offer: RetentionOffer) -> bool:
    """Whether Stripe already gave the discount, and the answer to an earlier click was lost.

    Raises:
        MembershipError: there's another discount, or Stripe couldn't be asked.
    """
    try:
        redeemed = gateway.read_subscription(row.stripe_id).discounts
        if redeemed:
            refresh.sync_subscription(row.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "An offer could not be given")
        raise MembershipError(cancellation.why_not_now(error)) from error
    if redeemed and offer.coupon_id not in {one["coupon"] for one in redeemed}:
        raise MembershipError(str(DISCOUNTED))
    return bool(redeemed)


def _refuse(row: Subscription, offer: RetentionOffer) -> None:
    """Check again, under the lock."""
    if not RetentionOffer.objects.filter(pk=offer.pk, is_active=True).exists():
        raise MembershipError(str(GONE))
    if refusal := _why_not(row, offer):
        raise MembershipError(refusal)


def _is_over_too_soon(offer: RetentionOffer, row: Subscription) -> bool:
    """Whether it would end before the next payment: three months do nothing for a yearly payer."""
    if offer.duration != "repeating":
        return False
    # Stripe's test clock may be ahead of ours, but the period has begun in any case.
    now = max(timezone.now(), row.current_period_start)
    end = now + timedelta(days=MONTH_DAYS * (offer.months or 0))
    return end <= row.current_period_end


def _why_not(row: Subscription, offer: RetentionOffer) -> str:
    """Return why a member can't have the offer, or ""."""
    if row.is_paused:
        return _("Your payments are paused, so there’s nothing to discount right now.")
    if row.status not in CHARGED_SUBSCRIPTION or row.ends_with_period:
        return _("This offer is for active memberships that are paid.")
    if discounts.running(row):
        return str(DISCOUNTED)
    if len(row.parts) > 1:
        # It would apply to everything in the subscription.
        return str(GONE)
    if offer.currency not in ("", row.currency) or _is_over_too_soon(offer, row):
        return str(GONE)
    since = timezone.now() - timedelta(days=MONTH_DAYS * offer.every_months)
    accepted = MembershipDecision.objects.filter(
        customer__user=row.customer.user_id,
        action=MembershipAction.STAY,
        state__in=[DecisionState.PENDING, DecisionState.CONFIRMED],
        created_at__gt=since,
    )
    return _("You accepted an offer like this recently.") if accepted.exists() else ""
