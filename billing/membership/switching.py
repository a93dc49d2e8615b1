"""Use case: a member switches from monthly to yearly billing, or back; or staff do it for them.

What's shown is what's charged: the page asks Stripe for a preview as of one second, signs that
second with the amount, and makes the change as of the same second. If the amount has changed since,
nothing is done, and the member sees the new figures.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import rhythms, subscription_items, texts
from billing.core.statuses import (
    MembershipAction,
    SubscriptionStatus,
)
from billing.facts import discounts, plans
from billing.membership import by_staff, cancellation
from billing.membership.cancellation import MembershipError
from billing.membership.switch_options import Choice, choices, refused, why_not
from billing.models import Plan, Subscription
from billing.stripe import failures, gateway
from billing.stripe.snapshots import SubscriptionSnapshot, SwitchLine, SwitchSnapshot
from billing.sync import refresh
from common.money import Money

logger = logging.getLogger(__name__)

SALT = "billing.switching"
# How long a preview can be confirmed.
SHOWN_FOR_SECONDS = 30 * 60
ADDRESS_MISSING = gettext_lazy(
    "We need your billing address to work out the tax. Add it under Billing details, then switch."
)


class LookAgain(MembershipError):
    """What was shown is out of date: the member must see the new figures first."""


@dataclass(frozen=True)
class Line:
    """A line of the calculation: what it is, and how much."""

    label: str
    amount: Money


@dataclass(frozen=True)
class Preview:
    """A switch's cost. `token` is what the confirmation form sends back."""

    choice: Choice
    lines: list[Line]
    due_today: Money
    tax_included: Money | None  # included in the lines
    credit_left: Money | None
    next_charge_at: datetime
    next_charge: Money | None
    is_trial: bool
    is_free_time: bool  # which is no first trial
    card: str
    token: str


def preview(row: Subscription, choice: Choice, *, is_later: bool = False) -> Preview:
    """Ask Stripe what a switch would cost right now; or, if `is_later`, from the next renewal on.

    Raises:
        MembershipError: the member can't switch now, or Stripe couldn't be asked.
    """
    if refusal := why_not(row) or refused(row, choice):
        raise MembershipError(refusal)
    try:
        snapshot = gateway.read_subscription(row.stripe_id)
        change = _change(snapshot, choice.plan, None, is_later=is_later)
        shown = gateway.preview_switch(change)
    except gateway.StripeError as error:
        failures.note(logger, error, "A switch could not be previewed")
        raise MembershipError(cancellation.why_not_now(error)) from error
    if shown.needs_place:
        raise MembershipError(str(ADDRESS_MISSING))
    return _as_preview(row, choice, change, shown, is_later=is_later)


def can_wait(row: Subscription, choice: Choice) -> bool:
    """Whether the price can count from the next renewal on, with nothing due today.

    With another interval, Stripe begins a new period right away.
    """
    every = (choice.plan.interval, choice.plan.interval_count)
    return (row.interval, row.interval_count) == every


def switch(user: User, choice: Choice, token: str) -> None:
    """Switch to a price exactly as shown: same second, same amount.

    Two clicks or tabs switch only once: one decision is pending at a time, and Stripe's current
    price is checked first.

    Raises:
        LookAgain: the figures are out of date.
        MembershipError: it can't be done now, the card didn't pay, or Stripe couldn't be asked.
    """
    row = cancellation.live_subscription(user)
    if row is None:
        raise MembershipError(_("There’s no membership to change."))
    _switch(row, choice, token, None)


def switch_by_staff(subscription: Subscription, token: str, actor: User) -> Choice:
    """Switch a member to a price of the plan exactly as staff were shown; return the price.

    Raises:
        PermissionDenied: the actor may not.
        LookAgain: the figures are out of date.
        MembershipError: it can't be done now, the card didn't pay, or Stripe couldn't be asked.
    """
    by_staff.require(actor)
    rows = Subscription.objects.live().memberships().select_related("customer__user")
    row = rows.filter(pk=subscription.pk).first()
    if row is None:
        raise MembershipError("There’s no membership to change.")
    price_id = _price_of(token)
    choice = next((one for one in choices(row) if one.plan.stripe_id == price_id), None)
    if choice is None:
        raise LookAgain(by_staff.CHANGED)
    logger.info("User %s switches %s to %s.", actor.pk, row.stripe_id, price_id)
    _switch(row, choice, token, actor)
    return choice


def _price_of(token: str) -> str:
    """Return the price that a preview was about."""
    try:
        return str(signing.loads(token, salt=SALT, max_age=SHOWN_FOR_SECONDS)["price"])
    except signing.BadSignature as error:
        raise LookAgain(by_staff.CHANGED) from error


def _switch(row: Subscription, choice: Choice, token: str, actor: User | None) -> None:
    shown = _opened(token, row, choice)
    change = _checked(row, choice, shown)
    if change is None:
        return
    decision = cancellation.decide(
        row.customer.user,
        MembershipAction.SWITCH,
        lambda locked: _refuse(locked, choice),
        only=row,
        actor=actor,
        price_id=choice.plan.stripe_id,
        prorated_at=_moment(shown["at"]),
        amount=shown["figures"][0],
        currency=row.currency,
    )
    cancellation.ask(decision, lambda: gateway.switch_price(change, cancellation.key_of(decision)))


def _refuse(row: Subscription, choice: Choice) -> None:
    """Check under the lock that it's still possible."""
    if row.price_id == choice.plan.stripe_id:
        plan = choice.plan
        raise MembershipError(rhythms.already_on(plan.interval, plan.interval_count, choice.rate))
    if refusal := why_not(row) or refused(row, choice):
        raise MembershipError(refusal)


def _opened(token: str, row: Subscription, choice: Choice) -> dict[str, Any]:
    """Return what was shown: for this subscription and price, and recently."""
    try:
        shown: dict[str, Any] = signing.loads(token, salt=SALT, max_age=SHOWN_FOR_SECONDS)
    except signing.BadSignature as error:
        raise LookAgain(_("These amounts have changed. Here are today’s.")) from error
    if (shown["row"], shown["price"]) != (row.stripe_id, choice.plan.stripe_id):
        raise LookAgain(_("Those amounts were for something else. Here are the right ones."))
    return shown


def _checked(
    row: Subscription, choice: Choice, shown: dict[str, Any]
) -> gateway.PriceChange | None:
    """Compare what was shown with Stripe; None if the switch has already been made."""
    try:
        at_stripe = gateway.read_subscription(row.stripe_id)
        if choice.plan.stripe_id in {one.price_id for one in at_stripe.items}:
            refresh.sync_subscription(row.stripe_id)
            return None
        is_later = bool(shown.get("later"))
        change = _change(at_stripe, choice.plan, shown["at"], is_later=is_later)
        foreseen = gateway.preview_switch(change)
    except failures.NOT_THE_REQUEST as error:
        failures.note(logger, error, "A switch could not be checked")
        raise MembershipError(cancellation.why_not_now(error)) from error
    except gateway.StripeError as error:
        # Since then, the period may have ended, or the price may have been archived.
        logger.warning("What was shown of a switch is no longer possible: %s", error)
        raise LookAgain(_("This has changed since you looked. Please check it again.")) from error
    if _figures(change, foreseen) != shown["figures"]:
        raise LookAgain(_("The amounts have changed since you looked. Please check them again."))
    return change


def _change(
    snapshot: SubscriptionSnapshot, plan: Plan, at: int | None, *, is_later: bool
) -> gateway.PriceChange:
    """Describe the change of the membership's item; in a trial nothing is prorated.

    Raises:
        gateway.StripeRefused: Stripe's subscription doesn't have exactly one such item.
    """
    items = subscription_items.of_plan(snapshot.items, plans.product_ids())
    if len(items) != 1 or items[0].quantity != 1:
        raise gateway.StripeRefused(f"{snapshot.id} does not hold just one membership.")
    return gateway.PriceChange(
        subscription_id=snapshot.id,
        item_id=items[0].id,
        price_id=plan.stripe_id,
        is_prorated=snapshot.status != SubscriptionStatus.TRIALING and not is_later,
        prorated_at=at,
    )


def _figures(change: gateway.PriceChange, foreseen: SwitchSnapshot) -> list[int]:
    """Return what must not change between preview and confirmation; first, what's due today.

    In a trial, the preview is of the payment after it.
    """
    due_today = foreseen.amount_due if change.is_prorated else 0
    return [due_today, foreseen.amount_due, foreseen.total, int(change.is_prorated)]


def _as_preview(
    row: Subscription,
    choice: Choice,
    change: gateway.PriceChange,
    shown: SwitchSnapshot,
    *,
    is_later: bool,
) -> Preview:
    currency = shown.currency
    is_trial = not change.is_prorated
    due_today, *_ = _figures(change, shown)
    left = -min(0, shown.total + shown.balance)
    return Preview(
        choice=choice,
        lines=[] if is_trial else list(_lines(shown, choice)),
        due_today=Money(due_today, currency),
        tax_included=Money(shown.tax_included, currency) if shown.tax_included else None,
        credit_left=Money(left, currency) if left and not is_trial else None,
        next_charge_at=row.current_period_end if is_trial else _next_charge_at(row, shown),
        next_charge=_next_charge(row, choice, shown, is_trial=is_trial, left=left),
        is_trial=is_trial,
        is_free_time=row.is_in_free_time,
        card=texts.card(row.card_brand, row.card_last4),
        token=signing.dumps(
            {
                "row": row.stripe_id,
                "price": change.price_id,
                "at": shown.prorated_at,
                "figures": _figures(change, shown),
                "later": is_later,
            },
            salt=SALT,
        ),
    )


def _lines(shown: SwitchSnapshot, choice: Choice) -> Iterator[Line]:
    """Yield the lines that add up to today's charge."""
    for line in shown.lines:
        yield Line(_label(line, choice), Money(line.amount, shown.currency))
    if shown.discount:
        yield Line(_("Discount"), Money(-shown.discount, shown.currency))
    if shown.tax_added:
        yield Line(_("Tax"), Money(shown.tax_added, shown.currency))
    if shown.balance > 0:
        yield Line(_("Still unpaid from before"), Money(shown.balance, shown.currency))
    used = min(-shown.balance, max(0, shown.total))
    if used > 0:
        yield Line(_("Your credit"), Money(-used, shown.currency))


def _label(line: SwitchLine, choice: Choice) -> str:
    if line.is_period:
        return rhythms.next_period(choice.plan.interval, choice.plan.interval_count)
    if not line.is_proration:
        return line.description
    return _("Credit for unused time") if line.amount < 0 else _("Until your next payment")


def _next_charge_at(row: Subscription, shown: SwitchSnapshot) -> datetime:
    """Return the end of the new period, which begins today if the interval changes."""
    ends = [line.ends_at for line in shown.lines if line.is_period and line.ends_at]
    return max(ends, default=row.current_period_end)


def _next_charge(
    row: Subscription, choice: Choice, shown: SwitchSnapshot, *, is_trial: bool, left: int
) -> Money | None:
    """Return the next charge, or None if discounts or tax make it a different amount.

    If a whole period is paid today, its tax is known, and the next one's is the same.
    """
    if is_trial:
        return Money(shown.amount_due, shown.currency)
    periods = [line for line in shown.lines if line.is_period]
    has_added_tax = any(line.tax_added for line in shown.lines)
    if discounts.running(row) or (has_added_tax and not periods):
        return None
    added = sum(line.tax_added for line in periods)
    return Money(max(0, choice.price.amount + added - left), shown.currency)


def _moment(at: int | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None else None
