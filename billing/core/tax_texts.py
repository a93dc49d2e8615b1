"""Taxes in words (pure)."""

from __future__ import annotations

from decimal import Decimal

# What a price is said to be, by how its tax is reckoned.
ADDED, INCLUDED = "added", "included"
PRICES = {ADDED: "plus tax", INCLUDED: "tax included"}
# Stripe's reasons for a tax of nothing that have to be on the invoice. Other ones concern the
# business alone (`not_collecting`). The first is what the law of most countries asks for.
NOTES = {
    "reverse_charge": "Tax to be paid on reverse charge basis.",
    "customer_exempt": "Tax exempt.",
}
# Reasons for which a rate takes nothing.
NOTHING = frozenset(
    {
        "customer_exempt",
        "not_collecting",
        "not_subject_to_tax",
        "not_supported",
        "product_exempt",
        "product_exempt_holiday",
        "reverse_charge",
        "zero_rated",
    }
)


def label(name: str, jurisdiction: str, percentage: Decimal) -> str:
    """Return what a tax is called: "VAT (19%)", "Sales tax, California (7.25%)".

    A jurisdiction that is only a country's code says nothing to a reader.
    """
    where = f", {jurisdiction}" if len(jurisdiction) > 2 else ""
    return f"{name or 'Tax'}{where} ({percentage.normalize():f}%)"


def price(taxation: str) -> str:
    """Return "plus tax" or "tax included", or "" where nothing is known of tax."""
    return PRICES.get(taxation, "")
