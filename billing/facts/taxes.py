"""The taxes of an invoice, each by its name: those on top of its lines, and those inside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from billing.core import tax_texts
from billing.models import Invoice, TaxRate

Named = list[tuple[str, int]]
# By Stripe's id.
TaxNames: TypeAlias = dict[str, str]


@dataclass(frozen=True)
class Taxes:
    """What taxes come to, in words and minor units.

    Lines, discount and what is `added` make the total, of which what is `included` is a part.
    """

    added: Named = field(default_factory=list)
    included: Named = field(default_factory=list)
    note: str = ""  # "Tax exempt."


def of_invoice(row: Invoice) -> Taxes:
    """Return an invoice's taxes: one query, and none where there is no tax."""
    return in_words(row, names_of(row))


def in_words(row: Invoice, names: TaxNames) -> Taxes:
    """Return an invoice's taxes, given what their rates are called."""
    added, included = _named(row, names, is_included=False), _named(row, names, is_included=True)
    notes = (
        tax_texts.NOTES[one["reason"]] for one in row.taxes if one["reason"] in tax_texts.NOTES
    )
    return Taxes(
        # An invoice that was read by an earlier version has sums only.
        added=added or _sum("Tax", row.tax_added),
        included=included or _sum("Tax", row.tax_included),
        note=" ".join(dict.fromkeys(notes)),
    )


def included_words(named: Named) -> list[tuple[str, int]]:
    """Return what is said below a total: "Includes VAT (19%)"."""
    return [(f"Includes {'tax' if name == 'Tax' else name}", amount) for name, amount in named]


def _named(row: Invoice, names: TaxNames, *, is_included: bool) -> Named:
    return [
        (names.get(one["rate"], "Tax"), one["amount"])
        for one in row.taxes
        if one["amount"] and one["is_included"] == is_included
    ]


def _sum(name: str, amount: int) -> Named:
    return [(name, amount)] if amount else []


def names_of(row: Invoice) -> TaxNames:
    """Return what the rates of an invoice are called: one query, and none where it has none."""
    wanted = {one["rate"] for one in row.taxes}
    found = TaxRate.objects.filter(stripe_id__in=wanted) if wanted else []
    return {
        rate.stripe_id: tax_texts.label(rate.name, rate.jurisdiction, rate.percentage)
        for rate in found
    }
