"""Which other prices a member can switch to, and why not now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.core import rhythms, subscription_items, texts
from billing.core import tax_texts as tax_words
from billing.core.dates import plain_date
from billing.core.statuses import (
    OPEN_DISPUTE,
    UNPAID_SUBSCRIPTION,
    DisputeStatus,
    RefundOrigin,
    RefundState,
    SubscriptionStatus,
)
from billing.facts import discounts, plans, zelle
from billing.models import Payment, Plan, Refund, Subscription
from common.context import current_brand
from common.money import Money

# An invoice is made at about the beginning of its period.
A_DAY = timedelta(days=1)
# How long one of Stripe's intervals can be.
LONGEST = {
    "day": A_DAY,
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}


@dataclass(frozen=True)
class Choice:
    """Another price that the member can switch to."""

    plan: Plan
    price: Money
    rate: str  # "$290.00 a year"
    saving: str
    tax_words: str = ""  # "plus tax"
    why_not: str = ""  # why this one has to wait although others don't

    @property
    def title(self) -> str:
        """What choosing it does: "Switch to yearly billing"."""
        return rhythms.switch_to(self.plan.interval, self.plan.interval_count, self.rate)

    @property
    def rate_with_tax(self) -> str:
        """What it costs and how often: "$290.00 a year, plus tax"."""
        return texts.with_tax(self.rate, self.tax_words)


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
    return [replace(one, why_not=refused(row, one), tax_words=words) for one in options]


def _choice(plan: Plan, current: Plan) -> Choice:
    return Choice(
        plan=plan,
        price=plan.money,
        rate=rhythms.rate(plan.money, plan.interval, plan.interval_count),
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


def why_not_later(row: Subscription) -> str:
    """Return why another price can't even be planned, whatever was paid for this period."""
    obstacle = _state_obstacle(row)
    return obstacle.why if obstacle else ""


def _obstacle(row: Subscription) -> Obstacle:
    if obstacle := _state_obstacle(row):
        return obstacle
    paid = list(paid_for_periods([row]).prefetch_related("disputes"))
    return _given_back(row, paid, list(Refund.objects.holding().filter(payment__in=paid)))


def _state_obstacle(row: Subscription) -> Obstacle | None:
    if zelle.is_paid_by(row):
        why = _("You pay by Zelle. To switch plans, write to %(support)s.")
        return Obstacle(why % {"support": current_brand().support_email})
    if row.status in UNPAID_SUBSCRIPTION:
        return Obstacle(_("Your last payment is still open. Pay it to switch plans."))
    if row.status == SubscriptionStatus.PAUSED:
        return Obstacle(_("Your membership is paused. You can switch once it resumes."))
    if row.is_paused:
        return _pause(row)
    return _coming(row)


def _coming(row: Subscription) -> Obstacle | None:
    """Return what's decided for the end of the period."""
    if row.ends_at and (row.ends_with_period or row.ends_by_schedule):
        why = _("Your membership ends on %(day)s. Keep it to switch plans.")
        return Obstacle(why % {"day": plain_date(row.ends_at)})
    if row.planned_at and row.planned_price_id:
        why = _("Your price changes on %(day)s. To choose another, keep your present plan first.")
        return Obstacle(why % {"day": plain_date(row.planned_at)})
    return None


def _pause(row: Subscription) -> Obstacle:
    if row.resumes_at is None:
        return Obstacle(_("Your payments are paused. You can switch once they resume."))
    why = _("Your payments are paused until %(day)s. You can switch once they resume.")
    return Obstacle(why % {"day": plain_date(row.resumes_at)})


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
        why = _("Your bank is reviewing this period’s payment. You can switch once it decides.")
        return Obstacle(why)
    if DisputeStatus.LOST in disputed:
        why = _("Your bank reversed this period’s payment. You can switch from %(day)s.")
        return Obstacle(why % {"day": day})
    return _refunded(refunds, sum(payment.amount_received for payment in paid), day)


def _refunded(refunds: Sequence[Refund], paid: int, day: str) -> Obstacle:
    """Return which refund of the current period's payment is in the way, and until when.

    `paid` is the sum of what was paid for the period, in minor units.
    """
    agreed = [one for one in refunds if not one.is_undecided]
    if agreed:
        is_part = sum(one.amount for one in agreed) < paid
        is_done = {one.state for one in agreed} == {RefundState.SUCCEEDED}
        words = {
            (True, True): _(
                "Part of this period’s payment was refunded. You can switch from %(day)s."
            ),
            (True, False): _(
                "Part of this period’s payment is being refunded. You can switch from %(day)s."
            ),
            (False, True): _("This period’s payment was refunded. You can switch from %(day)s."),
            (False, False): _(
                "This period’s payment is being refunded. You can switch from %(day)s."
            ),
        }
        return Obstacle(words[is_part, is_done] % {"day": day})
    return _in_review(refunds[0]) if refunds else Obstacle()


def _in_review(row: Refund) -> Obstacle:
    if row.origin != RefundOrigin.MEMBER:
        return Obstacle(_("We’re reviewing this period’s payment. You can switch after that."))
    why = _(
        "We’re reviewing your refund request for this period’s payment. "
        "To switch now, withdraw the request."
    )
    return Obstacle(why, reverse("billing:refund", args=[row.pk]))


def refused(row: Subscription, choice: Choice) -> str:
    """Return why this one has to wait, or "" if the member can switch to it."""
    return (
        _ends_before(row, choice) or _holds_more(row, choice) or _stretches_a_discount(row, choice)
    )


def _ends_before(row: Subscription, choice: Choice) -> str:
    """Return why another interval has to wait: it begins now, and wouldn't be over by the end."""
    plan = choice.plan
    is_same = (plan.interval, plan.interval_count) == (row.interval, row.interval_count)
    if row.ends_at is None or is_same:
        return ""
    if row.ends_at >= timezone.now() + LONGEST[plan.interval] * plan.interval_count:
        return ""
    why = _(
        "Your membership ends on %(day)s, before the first payment’s time is over. Keep it to "
        "switch plans."
    )
    return why % {"day": plain_date(row.ends_at)}


def _holds_more(row: Subscription, choice: Choice) -> str:
    """Return why the member must ask us: other items share the subscription, or a quantity.

    Items in one subscription are charged at the same interval, so a new one would change them.
    """
    support = current_brand().support_email
    plan = subscription_items.of_plan(row.parts, plans.product_ids())
    if len(plan) > 1 or any(one.quantity != 1 for one in plan):
        return _("You pay for %(names)s together. To switch plans, write to %(support)s.") % {
            "names": row.name,
            "support": support,
        }
    every = (choice.plan.interval, choice.plan.interval_count)
    others = [one for one in row.parts if one not in plan and one.every != every]
    if others:
        names = subscription_items.joined([one.title for one in others])
        why = _(
            "You also pay for %(names)s with your membership. To switch plans, write to "
            "%(support)s."
        )
        return why % {"names": names, "support": support}
    return ""


def _stretches_a_discount(row: Subscription, choice: Choice) -> str:
    """Return why a longer period has to wait: a discount of months would become a year."""
    current = plans.months(row.interval, row.interval_count)
    ends = [one["ends_at"] for one in discounts.running(row) if one["ends_at"]]
    if not ends or plans.months(choice.plan.interval, choice.plan.interval_count) <= current:
        return ""
    day = plain_date(datetime.fromtimestamp(max(ends), UTC))
    return _("Your discount is for your current plan until %(day)s. You can switch after that.") % {
        "day": day
    }
