"""An invoice's taxes by name: those added to its lines, and those included in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from django.utils.translation import gettext as _

from billing.core import tax_texts
from billing.models import Invoice, TaxRate

Named = list[tuple[str, int]]
# By Stripe's id.
TaxNames: TypeAlias = dict[str, str]


@dataclass(frozen=True)
class Taxes:
    """Taxes in words and minor units.

    Lines, discount, and `added` make the total; `included` is a part of it.
    """

    added: Named = field(default_factory=list)
    included: Named = field(default_factory=list)
    note: str = ""  # "Tax exempt."


def of_invoice(row: Invoice) -> Taxes:
    """Return an invoice's taxes: one query, or none without tax."""
    return in_words(row, names_of(row))


def in_words(row: Invoice, names: TaxNames) -> Taxes:
    """Return an invoice's taxes, given what their rates are called."""
    added, included = _named(row, names, is_included=False), _named(row, names, is_included=True)
    notes = (
        str(tax_texts.NOTES[one["reason"]]) for one in row.taxes if one["reason"] in tax_texts.NOTES
    )
    return Taxes(
        # An invoice read by an earlier version has only totals.
        added=[(name or _("Tax"), amount) for name, amount in added or _sum(row.tax_added)],
        included=included or _sum(row.tax_included),
        note=" ".join(dict.fromkeys(notes)),
    )


def included_words(named: Named) -> list[tuple[str, int]]:
    """Return the text below a total: "Includes VAT (19%)"."""
    return [(_("Includes %(tax)s") % {"tax": name or _("tax")}, amount) for name, amount in named]


def _named(row: Invoice, names: TaxNames, *, is_included: bool) -> Named:
    return [
        (names.get(one["rate"], ""), one["amount"])
        for one in row.taxes
        if one["amount"] and one["is_included"] == is_included
    ]


def _sum(amount: int) -> Named:
    return [("", amount)] if amount else []


def names_of(row: Invoice) -> TaxNames:
    """Return the names of an invoice's tax rates: one query, or none if it has no rates."""
    wanted = {one["rate"] for one in row.taxes}
    rates = TaxRate.objects.filter(stripe_id__in=wanted) if wanted else []
    return {
        rate.stripe_id: tax_texts.label(rate.name, rate.jurisdiction, rate.percentage)
        for rate in rates
    }
