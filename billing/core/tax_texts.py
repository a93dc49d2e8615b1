"""Taxes in words (pure)."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# How prices are described, by how their tax is calculated.
ADDED, INCLUDED = "added", "included"
PRICES = {ADDED: gettext_lazy("plus tax"), INCLUDED: gettext_lazy("tax included")}
# Stripe's reasons for zero tax that must be on the invoice. Others concern only the business
# (`not_collecting`). Most countries' laws require the first.
NOTES = {
    "reverse_charge": gettext_lazy("Tax to be paid on reverse charge basis."),
    "customer_exempt": gettext_lazy("Tax exempt."),
}
# Reasons why a rate takes nothing.
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
    """Return a tax's label: "VAT (19%)", "Sales tax, California (7.25%)".

    A jurisdiction that's only a country code means nothing to a reader.
    """
    where = f", {jurisdiction}" if len(jurisdiction) > 2 else ""
    return f"{name or _('Tax')}{where} ({percentage.normalize():f}%)"


def price(taxation: str) -> str:
    """Return "plus tax" or "tax included", or "" if nothing is known about tax."""
    return str(PRICES.get(taxation, ""))
