"""What taxes come to, on the lines of an invoice, a Checkout session or a credit note.

Stripe documentation, "Tax rates": tax counts after discounts, is rounded half up on each line, an
inclusive tax is a part of the line's amount and an exclusive one comes on top of what is left
without the inclusive ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.world import Json

ZERO_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


@dataclass(frozen=True)
class Tax:
    """One rate on one amount; amounts are minor units."""

    rate: Json
    amount: int
    taxable: int
    reason: str

    @property
    def of_document(self) -> Json:
        """As a line of an invoice or a credit note shows it, and their sums."""
        return {
            "amount": self.amount,
            "tax_behavior": "inclusive" if self.rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": self.rate["id"]},
            "taxability_reason": self.reason,
            "taxable_amount": self.taxable,
            "type": "tax_rate_details",
        }


def on(amount: int, rates: Sequence[Json], reason: str = "not_available") -> list[Tax]:
    """The taxes of an amount that discounts have lowered already.

    `reason` is why (`standard_rated`), or why not (`customer_exempt`): then each is nothing.
    """
    if reason in ("customer_exempt", "reverse_charge", "not_collecting", "not_subject_to_tax"):
        return [Tax(rate, 0, 0, reason) for rate in rates]
    inside = sum((percent(rate) for rate in rates if rate["inclusive"]), Decimal(0))
    base = Decimal(amount) * 100 / (100 + inside)
    included = {
        rate["id"]: _round(base * percent(rate) / 100) for rate in rates if rate["inclusive"]
    }
    left = amount - sum(included.values())
    return [
        Tax(
            rate,
            included[rate["id"]] if rate["inclusive"] else _round(left * percent(rate) / 100),
            left,
            reason,
        )
        for rate in rates
    ]


def percent(rate: Json) -> Decimal:
    return Decimal(str(rate["percentage"]))


def _round(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def summed(entries: Iterable[Json]) -> list[Json]:
    """The taxes of several lines, one entry for each rate and reason."""
    totals: dict[tuple[str, str], Json] = {}
    for entry in entries:
        key = (entry["tax_rate_details"]["tax_rate"], entry["taxability_reason"])
        if key in totals:
            totals[key]["amount"] += entry["amount"]
            totals[key]["taxable_amount"] += entry["taxable_amount"]
        else:
            totals[key] = {**entry, "tax_rate_details": dict(entry["tax_rate_details"])}
    return list(totals.values())


def exclusive(entries: Iterable[Json]) -> int:
    """What comes on top."""
    return sum(int(one["amount"]) for one in entries if one["tax_behavior"] == "exclusive")


def inclusive(entries: Iterable[Json]) -> int:
    """What is a part of the amounts."""
    return sum(int(one["amount"]) for one in entries if one["tax_behavior"] == "inclusive")
