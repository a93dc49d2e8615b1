"""Tax amounts on the lines of an invoice, a Checkout session, or a credit note.

Stripe documentation, "Tax rates": tax is calculated after discounts and rounded half up on each
line. Inclusive tax is part of the line's amount; exclusive tax is added on top of what's left
without the inclusive taxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.world import Json

ZERO_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


@dataclass(frozen=True)
class Tax:
    """One rate on one amount. Amounts are in minor units."""

    rate: Json
    amount: int
    taxable: int
    reason: str

    @property
    def of_document(self) -> Json:
        """A tax as lines of invoices and credit notes, and their totals, show it."""
        return {
            "amount": self.amount,
            "tax_behavior": "inclusive" if self.rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": self.rate["id"]},
            "taxability_reason": self.reason,
            "taxable_amount": self.taxable,
            "type": "tax_rate_details",
        }


def on(amount: int, rates: Sequence[Json], reason: str = "not_available") -> list[Tax]:
    """The taxes on an amount after discounts.

    `reason` says why (`standard_rated`), or why not (`customer_exempt`): then each is zero.
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
    """The taxes of several lines, one entry per rate and reason."""
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
    """The tax added on top."""
    return sum(int(one["amount"]) for one in entries if one["tax_behavior"] == "exclusive")


def inclusive(entries: Iterable[Json]) -> int:
    """The tax included in the amounts."""
    return sum(int(one["amount"]) for one in entries if one["tax_behavior"] == "inclusive")
