"""Who documents say is billed: a business with its tax IDs, a name, an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext

from billing.models import Customer, Invoice
from common import countries
from common.reads import Person


def label(kind: str) -> str:
    """Return the label for one of Stripe's tax ID types: "EU VAT", "US EIN"."""
    return kind.replace("_", " ").upper()


def of_invoice(row: Invoice) -> list[tuple[str, str]]:
    """Return who was billed, with labels; nothing for people without a tax ID."""
    return _named(row.customer_name, row.customer_tax_ids)


def of_member(user: User) -> list[tuple[str, str]]:
    """Return who a member's next invoice names, as Stripe has it now: one query.

    Nothing for people who gave no name of their own for invoices, no address, and no tax ID.
    """
    named: dict[tuple[str, str], None] = {}
    for row in customers_of(user):
        named |= dict.fromkeys(_details(row, user))
    return list(named)


def customers_of(user: Person) -> QuerySet[Customer]:
    """Return the customers whose details count."""
    return Customer.objects.filter(user=user, deleted_at_stripe=False)


def business_of(customers: Iterable[Customer]) -> str:
    """Return the business that these customers' invoices name, or ""."""
    names = (row.business_name or (row.name if row.tax_ids else "") for row in customers)
    return next(filter(None, names), "")


def of_payment(now: list[tuple[str, str]], invoice: Invoice | None) -> list[tuple[str, str]]:
    """Return who a document about one payment names: today's details (`of_member`).

    If its invoice names another business, that's the one.
    """
    billed = of_invoice(invoice) if invoice else []
    return now if set(billed) <= set(now) else billed


def _details(row: Customer, user: User) -> list[tuple[str, str]]:
    address = ", ".join(countries.address_lines(row.address))
    if row.tax_ids or row.business_name:
        named = _named(row.business_name or row.name, row.tax_ids)
    elif row.individual_name not in ("", user.get_full_name()):
        named = [(gettext("Billed to"), row.individual_name)]
    else:
        named = []
    return [*named, *([(gettext("Address"), address)] if address else [])]


def _named(name: str, tax_ids: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    who = [(gettext("Business"), name)] if name else []
    return [*who, *((label(one["type"]), one["value"]) for one in tax_ids)]
