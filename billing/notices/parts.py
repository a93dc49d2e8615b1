"""What an invoice's total is made of, and how it was paid, as messages say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from billing.facts.invoice_parts import Named, Parts
from billing.models import Payment
from emails.contexts import NamedAmount


class InParts(TypedDict):
    """What `Parts` has, as text."""

    lines: Sequence[NamedAmount]
    taxes: Sequence[NamedAmount]
    taxes_included: Sequence[NamedAmount]
    tax_note: str
    discount: str
    discount_label: str
    credits: Sequence[NamedAmount]


class OnCard(TypedDict):
    """What paid, in Stripe's words, and what a card's statement calls it; empty if unknown."""

    method_picture: str
    on_statement: str


def in_words(parts: Parts) -> InParts:
    """Return the parts as a message has them."""
    return {
        "lines": _named(parts.lines),
        "taxes": _named(parts.taxes),
        "taxes_included": _named(parts.taxes_included),
        "tax_note": parts.tax_note,
        "discount": str(parts.discount) if parts.discount else "",
        "discount_label": parts.discount_label,
        "credits": _named(parts.credits),
    }


def on_card(payments: Sequence[Payment]) -> OnCard:
    """Return what one method's payments look like elsewhere; nothing if several methods paid."""
    by_stripe = [one for one in payments if not one.is_outside]
    if len(by_stripe) != len(payments):
        return {"method_picture": "", "on_statement": ""}
    brands = {one.card_brand for one in payments}
    names = {one.statement_descriptor for one in payments}
    return {
        "method_picture": brands.pop() if len(brands) == 1 else "",
        "on_statement": names.pop() if len(names) == 1 else "",
    }


def _named(named: Named) -> list[NamedAmount]:
    return [NamedAmount(description=words, amount=str(money)) for words, money in named]
