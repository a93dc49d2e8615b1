"""What makes up an invoice's total: its page, its receipt, and requests to pay it say the same."""

from __future__ import annotations

from dataclasses import dataclass

from billing.core import texts
from billing.facts import taxes
from billing.facts.taxes import TaxNames
from billing.models import Invoice
from common.money import Money

Named = list[tuple[str, Money]]


@dataclass(frozen=True)
class Parts:
    """Lines less `discount` plus `taxes` make the total, and `taxes_included` are in it.

    `credits` are between the total and what's due. `discount` is negative.
    """

    lines: Named
    discount: Money | None
    discount_label: str  # "Discount (code WELCOME50)"
    taxes: Named
    taxes_included: Named
    tax_note: str
    credits: Named

    @property
    def is_one_amount(self) -> bool:
        """Whether they say nothing but the amount and what it's for."""
        others = (self.discount, self.taxes, self.taxes_included, self.tax_note, self.credits)
        return len(self.lines) < 2 and not any(others)


def of(row: Invoice, names: TaxNames | None = None) -> Parts:
    """Return an invoice's parts; one query unless its taxes' names are known, or it has none."""
    tax = taxes.of_invoice(row) if names is None else taxes.in_words(row, names)
    return Parts(
        lines=[(line["description"], Money(line["amount"], row.currency)) for line in row.lines],
        discount=Money(-row.discount, row.currency) if row.discount else None,
        discount_label=texts.discount(row.promotion_codes),
        taxes=_in_money(tax.added, row),
        taxes_included=_in_money(taxes.included_words(tax.included), row),
        tax_note=tax.note,
        credits=_in_money(texts.invoice_credits(row), row),
    )


def _in_money(named: list[tuple[str, int]], row: Invoice) -> Named:
    return [(words, Money(amount, row.currency)) for words, amount in named]
