"""Which tax rates apply to each line of an invoice, and what they come to."""

from __future__ import annotations

from sandbox.stripe import taxes
from sandbox.stripe.events import private
from sandbox.world import Json, World


def mark(line: Json, *, rates: list[Json]) -> Json:
    """Remember on a line which rates are its own; the invoice's count where it has none."""
    private(line)["rates"] = [rate["id"] for rate in rates]
    return line


def assess(world: World, invoice: Json) -> None:
    """Set the taxes of each line, after its discounts, and their sums."""
    lines = invoice["lines"]["data"]
    without = 0
    for line in lines:
        rates, reason = _rates(world, invoice, line)
        less = sum(int(entry["amount"]) for entry in line["discount_amounts"])
        line["taxes"] = [tax.of_document for tax in taxes.on(line["amount"] - less, rates, reason)]
        before = [tax.of_document for tax in taxes.on(line["amount"], rates, reason)]
        without += line["amount"] - taxes.inclusive(before)
    invoice["total_taxes"] = taxes.summed(entry for line in lines for entry in line["taxes"])
    invoice["subtotal_excluding_tax"] = without


def _rates(world: World, invoice: Json, line: Json) -> tuple[list[Json], str]:
    """The rates of a line, and why they count or do not."""
    own = [world.objects.get(one) for one in private(line).get("rates", [])]
    rates = [rate for rate in own if rate] or invoice["default_tax_rates"]
    reason = taxes.ZERO_REASONS.get(invoice["customer_tax_exempt"], "not_available")
    return rates, reason
