"""Use case: a member switches from monthly to yearly billing, or back.

What's shown is what's charged: the page asks Stripe for a preview as of one second, signs that
second with the amount, and makes the change as of the same second. If the amount has changed since,
nothing is done, and the member sees the new figures.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import F, QuerySet
from django.urls import reverse

from billing.core import subscription_items, texts
from billing.core import tax_texts as tax_words
from billing.core.dates import plain_date
from billing.core.statuses import (
    OPEN_DISPUTE,
    UNPAID_SUBSCRIPTION,
    DisputeStatus,
    MembershipAction,
    RefundOrigin,
    RefundState,
    SubscriptionStatus,
)
from billing.facts import discounts, plans
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Payment, Plan, Refund, Subscription
from billing.stripe import failures, gateway
from billing.stripe.snapshots import SubscriptionSnapshot, SwitchLine, SwitchSnapshot
from billing.sync import refresh
from common.money import Money

logger = logging.getLogger(__name__)

SALT = "billing.switching"
# How long a preview can be confirmed.
SHOWN_FOR_SECONDS = 30 * 60
# An invoice is made at about the beginning of its period.
ADDRESS_MISSING = (
    "We need your billing address to work out the tax. Add it on the page where you change your "
    "card, then switch."
)
A_DAY = timedelta(days=1)


class LookAgain(MembershipError):
    """What was shown is out of date: the member must see the new figures first."""


@dataclass(frozen=True)
class Choice:
    """Another price that the member can switch to."""

    plan: Plan
    rhythm: str  # "yearly"
    price: Money
    interval: str  # "year"
    saving: str
    tax_words: str = ""  # "plus tax"
    why_not: str = ""  # why this one has to wait although others don't


@dataclass(frozen=True)
class Offered:
    """Other prices that a member could switch to, and why not now (or "").

    `url` is the address of the request that's in the way.
    """

    choices: list[Choice]
    why_not: str
    url: str = ""


@dataclass(frozen=True)
class Obstacle:
    """Why a member can't switch now, and the page where they can fix that (or "")."""

    why: str = ""
    url: str = ""


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
    card: str
    token: str


def choices(row: Subscription) -> list[Choice]:
    """Return the other prices on sale that this subscription can change to."""
    return choices_among(row, plans.on_sale())


def choices_among(row: Subscription, on_sale: Sequence[Plan]) -> list[Choice]:
    """Return the other ones of some prices that this subscription can change to."""
    current = Plan(
        amount=row.plan_amount,
        currency=row.currency,
        interval=row.interval,
        interval_count=row.interval_count,
    )
    others = [plan for plan in on_sale if plan.stripe_id != row.price_id]
    options = [_choice(plan, current) for plan in others if plan.currency == row.currency]
    words = tax_words.price(row.taxation)
    return [replace(one, why_not=_choice_refused(row, one), tax_words=words) for one in options]


def _choice(plan: Plan, current: Plan) -> Choice:
    return Choice(
        plan=plan,
        rhythm=texts.rhythm(plan.interval, plan.interval_count).lower(),
        price=plan.money,
        interval=texts.interval(plan.interval, plan.interval_count),
        saving=plans.saving(current, plan),
    )


def offered(
    row: Subscription,
    on_sale: Sequence[Plan],
    paid: Collection[Payment],
    given_back: Sequence[Refund],
) -> Offered | None:
    """Return what the membership page offers: choices, or why there is none just now.

    `paid` is what was paid for the running period, with its disputes, `given_back` its refunds.
    """
    options = choices_among(row, on_sale)
    if not options:
        return None
    obstacle = _state_obstacle(row) or _given_back(row, paid, given_back)
    return Offered(options, obstacle.why, obstacle.url)


def why_not(row: Subscription) -> str:
    """Return why a member can't switch now, and what to do first; "" if they can."""
    return _obstacle(row).why


def _obstacle(row: Subscription) -> Obstacle:
    if obstacle := _state_obstacle(row):
        return obstacle
    paid = list(paid_for_periods([row]).prefetch_related("disputes"))
    return _given_back(row, paid, list(Refund.objects.holding().filter(payment__in=paid)))


def _state_obstacle(row: Subscription) -> Obstacle | None:
    if row.status in UNPAID_SUBSCRIPTION:
        return Obstacle("Your last payment is still open. Pay it to switch plans.")
    if row.status == SubscriptionStatus.PAUSED:
        return Obstacle("Your membership is paused. You can switch once it resumes.")
    if row.is_paused:
        until = f" until {plain_date(row.resumes_at)}" if row.resumes_at else ""
        return Obstacle(f"Your payments are paused{until}. You can switch once they resume.")
    if row.ends_at:
        return Obstacle("Your membership is about to end. Keep your membership to switch plans.")
    return None


def paid_for_periods(
    rows: QuerySet[Subscription] | Sequence[Subscription],
) -> QuerySet[Payment]:
    """Return what was paid, or tried, for the running periods of subscriptions."""
    begins = F("invoice__subscription__current_period_start") - A_DAY
    return Payment.objects.filter(invoice__subscription__in=rows, invoice__created_at__gte=begins)


def _given_back(
    row: Subscription, paid: Collection[Payment], refunds: Sequence[Refund]
) -> Obstacle:
    """Return why what was paid for this period can't become credit, if it can't.

    Stripe credits the unused time regardless of refunds and disputes, so the member would get it
    twice. `paid` is what was paid for it, with its disputes.
    """
    disputed = {one.status for payment in paid for one in payment.disputes.all()}
    day = plain_date(row.current_period_end)
    if disputed & OPEN_DISPUTE:
        why = "Your bank looks into this period's payment. You can switch once it has decided."
        return Obstacle(why)
    if DisputeStatus.LOST in disputed:
        why = f"Your bank has taken this period's payment back. You can switch from {day}."
        return Obstacle(why)
    return _refunded(refunds, day)


def _refunded(refunds: Sequence[Refund], day: str) -> Obstacle:
    """Return which refund of the current period's payment is in the way, and until when."""
    agreed = {one.state for one in refunds if not one.is_undecided}
    if agreed:
        done = "was" if agreed == {RefundState.SUCCEEDED} else "is being"
        return Obstacle(f"This period's payment {done} refunded. You can switch from {day}.")
    return _in_review(refunds[0]) if refunds else Obstacle()


def _in_review(row: Refund) -> Obstacle:
    if row.origin != RefundOrigin.MEMBER:
        return Obstacle("We are looking at this period's payment. You can switch after that.")
    why = (
        "Your request for a refund of this period's payment is in review. "
        "You can switch once you withdraw it, or if we do not approve it."
    )
    return Obstacle(why, reverse("billing:refund", args=[row.pk]))


def preview(row: Subscription, choice: Choice) -> Preview:
    """Ask Stripe what a switch would cost right now.

    Raises:
        MembershipError: the member can't switch now, or Stripe couldn't be asked.
    """
    if refusal := why_not(row) or _choice_refused(row, choice):
        raise MembershipError(refusal)
    try:
        change = _change(gateway.read_subscription(row.stripe_id), choice.plan, None)
        shown = gateway.preview_switch(change)
    except gateway.StripeError as error:
        failures.note(logger, error, "A switch could not be previewed")
        raise MembershipError(cancellation.why_not_now(error)) from error
    if shown.needs_place:
        raise MembershipError(ADDRESS_MISSING)
    return _as_preview(row, choice, change, shown)


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
        raise MembershipError("There is no membership to change.")
    shown = _opened(token, row, choice)
    change = _checked(row, choice, shown)
    if change is None:
        return
    decision = cancellation.decide(
        user,
        MembershipAction.SWITCH,
        lambda locked: _refuse(locked, choice),
        only=row,
        price_id=choice.plan.stripe_id,
        prorated_at=_moment(shown["at"]),
        amount=shown["figures"][0],
        currency=row.currency,
    )
    cancellation.ask(decision, lambda: gateway.switch_price(change, cancellation.key_of(decision)))


def _choice_refused(row: Subscription, choice: Choice) -> str:
    """Return why this one has to wait, or "" if the member can switch to it."""
    return _holds_more(row, choice) or _stretches_a_discount(row, choice)


def _holds_more(row: Subscription, choice: Choice) -> str:
    """Return why the member must ask us: other items share the subscription, or a quantity.

    Items in one subscription are charged at the same interval, so a new one would change them.
    """
    ask = f"To change how you pay, write to {settings.SUPPORT_EMAIL}."
    plan = subscription_items.of_plan(row.parts, plans.product_ids())
    if len(plan) > 1 or any(one.quantity != 1 for one in plan):
        return f"You pay for {row.name} together. {ask}"
    every = (choice.plan.interval, choice.plan.interval_count)
    others = [one for one in row.parts if one not in plan and one.every != every]
    if others:
        names = subscription_items.joined([one.title for one in others])
        return f"You also pay for {names} with your membership. {ask}"
    return ""


def _stretches_a_discount(row: Subscription, choice: Choice) -> str:
    """Return why a longer period has to wait: a discount of months would become a year."""
    current = plans.months(row.interval, row.interval_count)
    ends = [one["ends_at"] for one in discounts.running(row) if one["ends_at"]]
    if not ends or plans.months(choice.plan.interval, choice.plan.interval_count) <= current:
        return ""
    day = plain_date(datetime.fromtimestamp(max(ends), UTC))
    return f"Your discount is for paying as you do now, until {day}. You can switch after that."


def _refuse(row: Subscription, choice: Choice) -> None:
    """Check under the lock that it's still possible."""
    if row.price_id == choice.plan.stripe_id:
        raise MembershipError(f"You pay {choice.rhythm} already.")
    if refusal := why_not(row) or _choice_refused(row, choice):
        raise MembershipError(refusal)


def _opened(token: str, row: Subscription, choice: Choice) -> dict[str, Any]:
    """Return what was shown: for this subscription and price, and recently."""
    try:
        shown: dict[str, Any] = signing.loads(token, salt=SALT, max_age=SHOWN_FOR_SECONDS)
    except signing.BadSignature as error:
        raise LookAgain("These amounts have changed. Here are today’s.") from error
    if (shown["row"], shown["price"]) != (row.stripe_id, choice.plan.stripe_id):
        raise LookAgain("These figures were for something else. Here are the right ones.")
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
        change = _change(at_stripe, choice.plan, shown["at"])
        foreseen = gateway.preview_switch(change)
    except failures.NOT_THE_REQUEST as error:
        failures.note(logger, error, "A switch could not be checked")
        raise MembershipError(cancellation.why_not_now(error)) from error
    except gateway.StripeError as error:
        # Since then, the period may have ended, or the price may have been archived.
        logger.warning("What was shown of a switch is no longer possible: %s", error)
        raise LookAgain("This has changed since you looked. Please look again.") from error
    if _figures(change, foreseen) != shown["figures"]:
        raise LookAgain("The amounts have changed since you looked. Please look again.")
    return change


def _change(snapshot: SubscriptionSnapshot, plan: Plan, at: int | None) -> gateway.PriceChange:
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
        is_prorated=snapshot.status != SubscriptionStatus.TRIALING,
        prorated_at=at,
    )


def _figures(change: gateway.PriceChange, foreseen: SwitchSnapshot) -> list[int]:
    """Return what must not change between preview and confirmation; first, what's due today.

    In a trial, the preview is of the payment after it.
    """
    due_today = foreseen.amount_due if change.is_prorated else 0
    return [due_today, foreseen.amount_due, foreseen.total, int(change.is_prorated)]


def _as_preview(
    row: Subscription, choice: Choice, change: gateway.PriceChange, shown: SwitchSnapshot
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
        card=texts.card(row.card_brand, row.card_last4),
        token=signing.dumps(
            {
                "row": row.stripe_id,
                "price": change.price_id,
                "at": shown.prorated_at,
                "figures": _figures(change, shown),
            },
            salt=SALT,
        ),
    )


def _lines(shown: SwitchSnapshot, choice: Choice) -> Iterator[Line]:
    """Yield the lines that add up to today's charge."""
    for line in shown.lines:
        yield Line(_label(line, choice), Money(line.amount, shown.currency))
    if shown.discount:
        yield Line("Discount", Money(-shown.discount, shown.currency))
    if shown.tax_added:
        yield Line("Tax", Money(shown.tax_added, shown.currency))
    if shown.balance > 0:
        yield Line("Still open from before", Money(shown.balance, shown.currency))
    used = min(-shown.balance, max(0, shown.total))
    if used > 0:
        yield Line("Credit that you had", Money(-used, shown.currency))


def _label(line: SwitchLine, choice: Choice) -> str:
    if line.is_period:
        return f"Your next {choice.interval}, from today"
    if not line.is_proration:
        return line.description
    return "Credit for unused time" if line.amount < 0 else "Until your next payment"


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
