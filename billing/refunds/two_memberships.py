"""Use case: staff end one of two simultaneous memberships, with or without a refund.

The decision and the refund are written in one transaction, under the member's lock: only one of two
tabs or clicks has an effect, and nothing is refunded without a decision to end. Money goes back
only through `refunds.give`, with its rules. Stripe is asked to end it afterward.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.core.statuses import DecisionState, MembershipAction, PaymentStatus
from billing.core.unused_time import unused_part
from billing.facts import memberships
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import MembershipDecision, Payment, Refund, Subscription
from billing.models.decision import PENDING_FOR
from billing.models.locks import lock_member
from billing.refunds import service, terms
from billing.refunds.service import RefundRequest
from billing.stripe import gateway

logger = logging.getLogger(__name__)

NOT_ONE_OF_TWO = "No other membership of this member goes on, so nothing was done."


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which one ends, and when; `refund` is what goes back of `payment`, its last one."""

    subscription: Subscription
    at_once: bool
    payment: Payment | None = None
    refund: RefundRequest | None = None

    @property
    def action(self) -> MembershipAction:
        """The decision about it."""
        return MembershipAction.CANCEL_NOW if self.at_once else MembershipAction.CANCEL


@dataclass(frozen=True)
class Outcome:
    """What was done by this form, now or earlier (`is_repeated`).

    `trouble` says why the membership hasn't ended although the refund was made.
    """

    refund: Refund | None
    trouble: str = ""
    is_repeated: bool = False


def last_payment(row: Subscription) -> Payment | None:
    """Return the newest successful payment of a membership's invoices."""
    paid = Payment.objects.filter(invoice__subscription=row, status=PaymentStatus.SUCCEEDED)
    newest = paid.filter(amount_received__gt=0).order_by("-paid_at", "-pk")
    return newest.select_related("invoice__subscription", "customer__user").first()


def suggested(payment: Payment) -> int:
    """Return a payment's remaining amount for future time, in minor units."""
    if payment.invoice is None:
        return 0
    now = int(timezone.now().timestamp())
    part = unused_part(payment.invoice.lines, payment.amount_received, payment.currency, now)
    return min(part, terms.facts_of(payment).left)


def end_one(choice: Choice, actor: User) -> Outcome:
    """End one of two memberships, and refund the chosen part of its last payment.

    The same form sent twice does it once.

    Raises:
        PermissionDenied: the actor may not end it, or may not refund.
        MembershipError: it's no longer one of two, another change is under way, or Stripe
        couldn't be asked; nothing was done.
        RefundError: the refund can't be given; nothing was done.
    """
    cancellation.require_may_end(actor)
    decision, refund = _write_down(choice, actor)
    if decision is None:
        return Outcome(refund, is_repeated=True)
    logger.info("User %s ends %s, one of two.", actor.pk, choice.subscription.stripe_id)
    try:
        _ask(decision, at_once=choice.at_once)
    except MembershipError as error:
        if refund is None:
            raise
        return Outcome(refund, str(error))
    return Outcome(refund)


@transaction.atomic
def _write_down(choice: Choice, actor: User) -> tuple[MembershipDecision | None, Refund | None]:
    """Write decision and refund; no decision if this very form has already done it."""
    row, wanted = choice.subscription, choice.refund
    user = row.customer.user
    lock_member(user.pk)
    made = Refund.objects.filter(key=wanted.key).first() if wanted else None
    if (wanted is None or made) and _is_done(choice):
        return None, made
    _check_goes_on_without(user, row)
    decision = cancellation.decide(
        user, choice.action, None if choice.at_once else _refuse_if_ending, only=row, actor=actor
    )
    if wanted is None:
        return decision, None
    payment = last_payment(row)
    if payment is None or payment != choice.payment:
        raise MembershipError("Another payment came in meanwhile. Look once more.")
    return decision, service.give(payment.pk, actor, wanted)


def _is_done(choice: Choice) -> bool:
    """Whether exactly this was just decided, and is done or under way."""
    row = Subscription.objects.get(pk=choice.subscription.pk)
    made = row.decisions.filter(
        action=choice.action, created_at__gt=timezone.now() - PENDING_FOR
    ).exclude(state=DecisionState.FAILED)
    is_over = not row.is_live if choice.at_once else row.ends_with_period
    return made.exists() if is_over else made.filter(state=DecisionState.PENDING).exists()


def _check_goes_on_without(user: User, row: Subscription) -> None:
    """Make sure that the member keeps a membership that continues."""
    others = [one for one in memberships.live(user) if one.pk != row.pk]
    if not any(not one.ends_with_period for one in others):
        raise MembershipError(NOT_ONE_OF_TWO)


def _refuse_if_ending(row: Subscription) -> None:
    if row.ends_with_period:
        raise MembershipError("It ends with its period already.")


def _ask(decision: MembershipDecision, *, at_once: bool) -> None:
    """Ask Stripe to end it. Raises MembershipError if that's not possible."""
    subscription_id, key = decision.subscription.stripe_id, cancellation.key_of(decision)
    if at_once:
        cancellation.ask(decision, lambda: gateway.end_now(subscription_id))
    else:
        cancellation.ask(decision, lambda: gateway.schedule_end(subscription_id, "", "", key))
