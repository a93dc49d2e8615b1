"""Members who pay as a business: its name and tax IDs, as on their invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User

from billing.models import Customer, Invoice


def label(kind: str) -> str:
    """Return the label for one of Stripe's tax ID types: "EU VAT", "US EIN"."""
    return kind.replace("_", " ").upper()


def of_invoice(row: Invoice) -> list[tuple[str, str]]:
    """Return who was billed, with labels; nothing for people without a tax ID."""
    return _named(row.customer_name, row.customer_tax_ids)


def of_member(user: User) -> list[tuple[str, str]]:
    """Return a member's business and its tax IDs, as Stripe has them now: one query."""
    businesses: dict[tuple[str, str], None] = {}
    for row in Customer.objects.filter(user=user, deleted_at_stripe=False):
        if row.tax_ids or row.business_name:
            businesses |= dict.fromkeys(_named(row.business_name or row.name, row.tax_ids))
    return list(businesses)


def _named(name: str, tax_ids: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    who = [("Business", name)] if name else []
    return [*who, *((label(one["type"]), one["value"]) for one in tax_ids)]
