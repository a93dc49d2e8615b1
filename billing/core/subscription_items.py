"""What a subscription is made of: which of its items is the membership, and what they come to.

Pure. Only a price of the plan's product is the membership, whatever else the subscription holds
("Locker rental"). Amounts are minor units a period, periods seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

UNNAMED_PLAN, UNNAMED = "Membership", "Subscription"
# So many names are said; the others are counted.
NAMED = 2


@dataclass(frozen=True)
class SubscriptionItem:
    """One item. `unit_amount` is None where the price depends on what is used."""

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
        """What all of it costs a period; 0 where that depends on what is used."""
        return (self.unit_amount or 0) * self.quantity

    @property
    def every(self) -> tuple[str, int]:
        """How often it is charged."""
        return self.interval, self.interval_count

    @property
    def title(self) -> str:
        """Its name, with the quantity where that is not one: "2 × Locker rental"."""
        return f"{self.quantity} × {self.name}" if self.quantity != 1 else self.name


def of_plan(items: Iterable[SubscriptionItem], products: Collection[str]) -> list[SubscriptionItem]:
    """Return the items that are the membership: prices of the plan's products, old ones too."""
    return [one for one in items if one.product_id in products]


def columns(
    items: Sequence[SubscriptionItem], products: Collection[str], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the columns of a subscription's row that follow from its items.

    `products` are the plan's, `names` those of products by id. Price, interval and period are the
    membership's, else the first item's; the amount is that of all items charged as often.
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
