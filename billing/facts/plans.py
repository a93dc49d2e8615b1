"""The plan's prices on sale, and what a longer period saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.core import rhythms, texts
from billing.core import tax_texts as tax_words
from billing.core.dates import plain_date
from billing.facts import tax_settings
from billing.models import Plan, Product, Subscription
from common.money import Money

MONTHS = {"month": 1, "year": 12}
NUMBERS = (
    *(gettext_lazy("no"), gettext_lazy("one"), gettext_lazy("two"), gettext_lazy("three")),
    *(gettext_lazy("four"), gettext_lazy("five"), gettext_lazy("six"), gettext_lazy("seven")),
    *(gettext_lazy("eight"), gettext_lazy("nine"), gettext_lazy("ten")),
)


@dataclass(frozen=True)
class PriceOffer:
    """One of the plan's prices, as a choice. `saving` reads "two months free"."""

    price_id: str
    price: Money
    interval: str  # "month", "year", "3 months"
    per: str  # "a month", "every 3 months"
    rate: str  # "$29.00 a month"
    rhythm: str  # "Monthly", "Yearly", "Every 3 months"
    trial_days: int
    saving: str = ""
    tax_words: str = ""  # "plus tax"
    a_month: str = ""  # "That’s $24.17 a month, billed yearly", rounded to the minor unit

    @property
    def per_with_tax(self) -> str:
        """What stands behind the price: "a month, plus tax"."""
        return texts.with_tax(self.per, self.tax_words)


@dataclass(frozen=True)
class PlanOffer:
    """The plan as shown to someone who can buy it: its prices in order."""

    name: str
    description: str
    prices: list[PriceOffer]
    takes_codes: bool

    @property
    def first(self) -> PriceOffer:
        """The price that's preselected."""
        return self.prices[0]

    @property
    def trial_days(self) -> int:
        """The number of trial days for every price; 0 if it depends on the price."""
        days = {one.trial_days for one in self.prices}
        return days.pop() if len(days) == 1 else 0

    @property
    def has_trial(self) -> bool:
        """Whether any of the prices has a trial."""
        return any(one.trial_days for one in self.prices)


def price_ids() -> list[str]:
    """Return the Stripe IDs of the prices on sale, in order."""
    wanted = [settings.STRIPE_PRICE_ID, settings.STRIPE_YEARLY_PRICE_ID]
    return list(dict.fromkeys(price_id for price_id in wanted if price_id))


def unread_price_ids() -> list[str]:
    """Return the Stripe IDs of the prices on sale that have no row yet."""
    known = set(Plan.objects.values_list("stripe_id", flat=True))
    return [price_id for price_id in price_ids() if price_id not in known]


def product_ids() -> frozenset[str]:
    """Return the Stripe IDs of the products that are the plan, or once were.

    A product that's no longer on sale still counts: otherwise its members would lose what they pay
    for, and could buy it twice.
    """
    return frozenset(products_of_prices().values())


def products_of_prices() -> dict[str, str]:
    """Return those products by the Stripe IDs of their prices."""
    return dict(Plan.objects.values_list("stripe_id", "product_id"))


def product_names() -> dict[str, str]:
    """Return product names by Stripe ID."""
    return dict(Product.objects.values_list("stripe_id", "name"))


def on_sale() -> list[Plan]:
    """Return the rows of the prices on sale that we've read and that Stripe sells."""
    return in_order(Plan.objects.filter(stripe_id__in=price_ids(), active=True))


def in_order(rows: Iterable[Plan]) -> list[Plan]:
    """Return prices on sale as they are offered."""
    by_price = {row.stripe_id: row for row in rows}
    return [by_price[price_id] for price_id in price_ids() if price_id in by_price]


def offer(plans: Sequence[Plan], *, is_new: bool, tax_behavior: str) -> PlanOffer | None:
    """Return what's on sale to this person, or None if there's nothing to show.

    `is_new`: this person gets the free trial. `tax_behavior`: from the account's settings.
    """
    if not plans:
        return None
    return PlanOffer(
        name=plans[0].name,
        description=plans[0].description,
        prices=[
            _price_offer(plan, plans, gets_trial=is_new, tax_behavior=tax_behavior)
            for plan in plans
        ],
        takes_codes=settings.STRIPE_PROMOTION_CODES,
    )


def _price_offer(
    plan: Plan, plans: Sequence[Plan], *, gets_trial: bool, tax_behavior: str
) -> PriceOffer:
    savings = [saving(other, plan) for other in plans if other.pk != plan.pk]
    return PriceOffer(
        price_id=plan.stripe_id,
        price=plan.money,
        interval=rhythms.interval(plan.interval, plan.interval_count),
        per=rhythms.per(plan.interval, plan.interval_count),
        rate=rhythms.rate(plan.money, plan.interval, plan.interval_count),
        rhythm=rhythms.rhythm(plan.interval, plan.interval_count),
        trial_days=plan.trial_days if gets_trial else 0,
        saving=next(filter(None, savings), ""),
        tax_words=tax_words.price(tax_settings.of_plan(plan, tax_behavior)),
        a_month=_a_month(plan),
    )


def _a_month(plan: Plan) -> str:
    count = months(plan.interval, plan.interval_count)
    if count <= 1:
        return ""
    price = Money((2 * plan.amount + count) // (2 * count), plan.currency)
    return rhythms.a_month(price, plan.interval, plan.interval_count)


def saving(shorter: Plan, longer: Plan) -> str:
    """Return what the longer price saves: "two months free", "$58.00 less", or an empty string.

    Prices in different currencies, or weekly ones, aren't compared.
    """
    short = months(shorter.interval, shorter.interval_count)
    long = months(longer.interval, longer.interval_count)
    if not short or long <= short or shorter.currency != longer.currency:
        return ""
    saved = shorter.amount * long - longer.amount * short
    if saved <= 0 or not shorter.amount:
        return ""
    # In minor units of the longer period, before dividing by `short`.
    free, rest = divmod(saved, shorter.amount)
    if not rest and 1 <= free < len(NUMBERS):
        return ngettext("%(number)s month free", "%(number)s months free", free) % {
            "number": NUMBERS[free]
        }
    return _("%(amount)s less") % {"amount": Money(saved // short, longer.currency)}


def months(interval: str, interval_count: int) -> int:
    """Return a period's number of months; 0 if it isn't in months."""
    return MONTHS.get(interval, 0) * interval_count


def planned(row: Subscription, known: Iterable[Plan]) -> str:
    """Return which price comes next and when: "$290.00 a year from December 4", or ""."""
    if row.planned_at is None or not row.planned_price_id:
        return ""
    day = plain_date(row.planned_at)
    plan = next((one for one in known if one.stripe_id == row.planned_price_id), None)
    if plan is None:
        return _("Another price from %(day)s") % {"day": day}
    return _("%(rate)s from %(day)s") % {"rate": named_rate(row, plan), "day": day}


def named_rate(row: Subscription, plan: Plan) -> str:
    """Return what a planned price costs, after its plan's name if that's another than now."""
    rate = rhythms.rate(plan.money, plan.interval, plan.interval_count)
    name = other_name(row, plan)
    return f"{name}, {rate}" if name else rate


def other_name(row: Subscription, plan: Plan) -> str:
    """Return the name of a price's plan if the subscription has another one now, or ""."""
    is_same = any(one.product_id == plan.product_id for one in row.parts)
    return "" if is_same else plan.name
