"""A subscription's items: which one is the membership, and what they cost.

Pure. Only a price of the plan's product is the membership, whatever else the subscription holds
("Locker rental"). Amounts are minor units per period; periods are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from common.money import Money

UNNAMED_PLAN, UNNAMED = "Membership", "Subscription"
# How many names are listed; the others are counted.
NAMED = 2


@dataclass(frozen=True)
class SubscriptionItem:
    """One item. `unit_amount` is None if the price depends on usage."""

    id: str
    price_id: str
    product_id: str
    quantity: int
    unit_amount: int | None
    currency: str
    interval: str
    interval_count: int
    period_start: int
    period_end: int
    name: str = ""  # the product's

    @property
    def amount(self) -> int:
        """The cost per period of the whole quantity; 0 if that depends on usage."""
        return (self.unit_amount or 0) * self.quantity

    @property
    def money(self) -> Money:
        """The cost per period of the whole quantity."""
        return Money(self.amount, self.currency)

    @property
    def every(self) -> tuple[str, int]:
        """How often it's charged."""
        return self.interval, self.interval_count

    @property
    def title(self) -> str:
        """Its name, with the quantity unless that's one: "2 × Locker rental"."""
        return f"{self.quantity} × {self.name}" if self.quantity != 1 else self.name


def of_plan(items: Iterable[SubscriptionItem], products: Collection[str]) -> list[SubscriptionItem]:
    """Return the membership's items: prices of the plan's products, including old ones."""
    return [one for one in items if one.product_id in products]


def columns(
    items: Sequence[SubscriptionItem], products: Collection[str], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the columns of a subscription's row that depend on its items.

    `products` are the plan's; `names` are product names by ID. Price, interval, and period are the
    membership's, or else the first item's; the amount is that of all items with the same interval.
    """
    named = [replace(one, name=_name(one, products, names)) for one in items]
    plan = of_plan(named, products)
    main = (plan or named)[0]
    return {
        "items": [asdict(one) for one in named],
        "name": joined([one.title for one in named]),
        "is_membership": bool(plan),
        "price_id": main.price_id,
        "amount": _sum(named, main),
        "plan_amount": _sum(plan, main),
        "interval": main.interval,
        "interval_count": main.interval_count,
        "current_period_start": datetime.fromtimestamp(main.period_start, UTC),
        "current_period_end": datetime.fromtimestamp(main.period_end, UTC),
    }


def joined(names: Sequence[str]) -> str:
    """Return names as one: "Membership and Locker rental", "Membership, Locker and 2 more"."""
    if len(names) <= NAMED:
        return " and ".join(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"


def _sum(items: Iterable[SubscriptionItem], main: SubscriptionItem) -> int:
    return sum(one.amount for one in items if one.every == main.every)


def _name(one: SubscriptionItem, products: Collection[str], names: Mapping[str, str]) -> str:
    return names.get(one.product_id) or (UNNAMED_PLAN if one.product_id in products else UNNAMED)
