"""Use cases: a membership is canceled, resumed, or ended immediately.

Each locks the member, checks again, records the decision, asks Stripe outside of the transaction,
and rereads the subscription. The decision is pending until Stripe shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import idempotency, texts
from billing.core.statuses import (
    CancellationReason,
    DecisionState,
    MembershipAction,
)
from billing.facts import memberships
from billing.models import MembershipDecision, Subscription
from billing.models.decision import PENDING_FOR
from billing.models.locks import lock_member
from billing.stripe import failures, gateway
from billing.sync import refresh
from common.reads import Moment, Person
from members import access_changes

logger = logging.getLogger(__name__)

ENDED_THERE = gettext_lazy(
    "This membership has already ended at our payment provider. Nothing changed."
)
PLANNED_ALREADY = gettext_lazy("Another price is planned for it. Take that back first.")
# What Stripe would apply to the running period alone, or would have to be planned anew.
CHANGES_WHAT_IS_PLANNED = frozenset(
    {
        MembershipAction.SWITCH,
        MembershipAction.PLAN,
        MembershipAction.STAY,
        MembershipAction.EXTEND,
        MembershipAction.DISCOUNT,
        MembershipAction.UNDISCOUNT,
        MembershipAction.FREE,
    }
)
MAY_END_NOW = "billing.cancel_subscription_now"


class MembershipError(Exception):
    """The membership can't be changed this way; the text is for the member or staff."""


def cancel(user: User, reason: CancellationReason | None = None, comment: str = "") -> None:
    """Let the user's membership end with its paid period.

    Raises:
        MembershipError: there's no membership, it won't renew anyway, or Stripe couldn't be asked.
    """
    decision = decide(
        user, MembershipAction.CANCEL, _refuse_if_ending, reason=reason or "", comment=comment
    )
    ask(
        decision,
        lambda: gateway.schedule_end(
            decision.subscription.stripe_id, decision.reason, decision.comment, key_of(decision)
        ),
    )


def resume(user: User) -> None:
    """Let the user's ending membership continue.

    Raises:
        MembershipError: there's nothing to undo, or Stripe couldn't be asked.
    """
    _resume(user)


def end_with_period(subscription: Subscription) -> None:
    """Let one of a member's subscriptions end with its paid period, unless it already does.

    Raises:
        MembershipError: Stripe couldn't be asked, or another change is under way: try again.
    """
    end_for_refund(subscription, at_once=False)


def resume_one(subscription: Subscription) -> None:
    """Let one of a member's subscriptions continue that is ending.

    Raises:
        MembershipError: it has ended, or is set to continue, or Stripe couldn't be asked.
    """
    _resume(subscription.customer.user, only=subscription)


def _resume(user: User, only: Subscription | None = None) -> None:
    continue_again(decide(user, MembershipAction.RESUME, _refuse_unless_ending, only=only))


def continue_again(decision: MembershipDecision) -> None:
    """Ask Stripe to let a membership continue: until the end that its cancellation replaced.

    Raises:
        MembershipError: Stripe couldn't be asked.
    """
    row = decision.subscription
    ask(
        decision,
        lambda: gateway.take_back_end(
            row.stripe_id,
            key_of(decision),
            is_at_period_end=row.cancel_at_period_end,
            until=decision.until,
        ),
    )


def later_end(row: Subscription) -> datetime | None:
    """Return the end several renewals away that its cancellation replaced, if it had one."""
    if not row.ends_with_period:
        return None
    resumed = Q(action=MembershipAction.RESUME, state=DecisionState.CONFIRMED)
    decided = row.decisions.filter(Q(action=MembershipAction.CANCEL) | resumed)
    last = decided.order_by("-pk").first()
    until = last.until if last and last.action == MembershipAction.CANCEL else None
    return until if until and until > row.current_period_end else None


def _end_kept(row: Subscription, action: MembershipAction) -> datetime | None:
    """Return the end that a cancellation replaces, or that comes back as it's undone."""
    if action == MembershipAction.CANCEL and not row.ends_with_period:
        return row.ends_at
    return later_end(row) if action == MembershipAction.RESUME else None


def cancel_now(subscription: Subscription, actor: User) -> None:
    """End a membership immediately, as staff; this refunds nothing.

    Raises:
        PermissionDenied: the actor may not.
        MembershipError: it has already ended, or Stripe couldn't be asked.
    """
    require_may_end(actor)
    decision = decide(
        subscription.customer.user, MembershipAction.CANCEL_NOW, only=subscription, actor=actor
    )
    logger.info("User %s ends %s at once.", actor.pk, decision.subscription.stripe_id)
    ask(decision, lambda: gateway.end_now(decision.subscription.stripe_id))


def require_may_end(actor: User) -> None:
    """Make sure that a staff member may end memberships now.

    Raises:
        PermissionDenied: they may not.
    """
    if not actor.has_perm(MAY_END_NOW):
        raise PermissionDenied("Ending a membership at once needs a permission.")


def end_for_refund(subscription: Subscription, *, at_once: bool) -> None:
    """End a membership whose member asked for it with a refund, unless it's already ending.

    Raises:
        MembershipError: Stripe couldn't be asked, or another change is under way: try again.
    """
    if not subscription.is_live or (subscription.ends_with_period and not at_once):
        return
    user = subscription.customer.user
    action = MembershipAction.CANCEL_NOW if at_once else MembershipAction.CANCEL
    decision = decide(user, action, only=subscription)
    subscription_id, key = decision.subscription.stripe_id, key_of(decision)
    if at_once:
        ask(decision, lambda: gateway.end_now(subscription_id))
    else:
        ask(decision, lambda: gateway.schedule_end(subscription_id, "", "", key))


def live_subscription(user: User) -> Subscription | None:
    """Return the relevant membership."""
    return memberships.current(user)


def pending_decision(user: User) -> MembershipDecision | None:
    """Return the decision that's waiting for Stripe to show it."""
    return pending(user, timezone.now() - PENDING_FOR).first()


def pending(user: Person, since: Moment) -> QuerySet[MembershipDecision]:
    """Return the decisions since then that wait for Stripe to show them, the last one first."""
    rows = MembershipDecision.objects.for_user(user)
    return rows.filter(state=DecisionState.PENDING, created_at__gt=since)


@transaction.atomic
def decide(
    user: User,
    action: MembershipAction,
    check: Callable[[Subscription], None] | None = None,
    *,
    only: Subscription | None = None,
    actor: User | None = None,
    **columns: Any,
) -> MembershipDecision:
    """Lock the member, check that the change is possible now, and record it.

    It applies to the relevant membership, or to `only`. `check` runs under the lock; `columns` are
    more columns of the decision.

    Raises:
        MembershipError: there's no membership, another change is pending, `check` says no, or
        others changed the staff `actor`'s account within a day.
    """
    lock_member(user.pk)
    if actor:
        _require_not_on_hold(actor)
    row = _live(user, only)
    if row is None:
        raise MembershipError(_("There’s no membership to change."))
    if pending_decision(user):
        raise MembershipError(
            _("Your last change is still being confirmed. It takes a few seconds.")
        )
    if row.planned_price_id and action in CHANGES_WHAT_IS_PLANNED:
        raise MembershipError(str(PLANNED_ALREADY))
    if check:
        check(row)
    if until := _end_kept(row, action):
        columns["until"] = until
    return MembershipDecision.objects.create(
        customer_id=row.customer_id,
        subscription=row,
        action=action,
        actor=actor or user,
        **columns,
    )


def _require_not_on_hold(actor: User) -> None:
    try:
        access_changes.require_not_on_hold(actor)
    except access_changes.OnHold as hold:
        raise MembershipError(str(hold)) from hold


def _live(user: User, only: Subscription | None) -> Subscription | None:
    """Return the relevant membership, or the given one if it's live."""
    if only is None:
        return memberships.current(user)
    return Subscription.objects.for_user(user).live().filter(pk=only.pk).first()


def _refuse_if_ending(row: Subscription) -> None:
    if row.ends_with_period:
        raise MembershipError(_("Your membership is already set to end."))


def _refuse_unless_ending(row: Subscription) -> None:
    if not row.ends_at:
        raise MembershipError(_("Your membership is already set to continue."))


def ask(decision: MembershipDecision, send: Callable[[], None], *, refused: str = "") -> None:
    """Ask Stripe, then reread the subscription; if that fails, the webhook will tell.

    `refused` is what the member reads if Stripe says no.

    Raises:
        MembershipError: Stripe didn't do it; the decision is recorded as failed.
    """
    try:
        send()
    except gateway.CardRefused as error:
        logger.info("A card refused what a member decided: %s", error)
        _give_up(decision)
        raise MembershipError(
            " ".join(
                [
                    texts.failure(error.code),
                    _("Nothing was charged or changed. Change your card here and try again."),
                ]
            )
        ) from error
    except gateway.StripeMissing as error:
        _give_up(decision)
        raise MembershipError(refused or why_not_now(error)) from error
    except gateway.StripeError as error:
        failures.note(logger, error, "A membership could not be changed")
        _give_up(decision)
        said_no = not isinstance(error, failures.NOT_THE_REQUEST)
        raise MembershipError((said_no and refused) or why_not_now(error)) from error
    try:
        refresh.sync_subscription(decision.subscription.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A changed membership could not be read again yet")


def why_not_now(error: gateway.StripeError) -> str:
    """Say that a change isn't possible now, and that it's not the member's fault."""
    if isinstance(error, gateway.StripeMissing):
        return str(ENDED_THERE)
    return failures.sentence(error)


def _give_up(decision: MembershipDecision) -> None:
    pending = MembershipDecision.objects.filter(pk=decision.pk, state=DecisionState.PENDING)
    pending.update(state=DecisionState.FAILED)


def key_of(decision: MembershipDecision) -> str:
    """Return a decision's idempotency key."""
    made = (settings.PORTAL_URL, decision.created_at.isoformat())
    return idempotency.key("decision", decision.pk, about=made)
