"""Tax rates and their names on invoices, and the account's tax settings."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.models.copy import StripeCopy


class TaxRate(StripeCopy):
    """Stripe's tax rate, made by staff, or by Stripe Tax for an invoice."""

    name = models.CharField(max_length=limits.NUMBER)
    jurisdiction = models.CharField(max_length=limits.NUMBER, blank=True)
    percentage = models.DecimalField(max_digits=9, decimal_places=4)

    def __str__(self) -> str:
        return self.name


class TaxAccount(StripeCopy):
    """The single row with the account's Stripe Tax settings, read while STRIPE_TAX is on.

    `behavior` applies to prices that don't say: `inclusive`, `exclusive`, or
    `inferred_by_currency`.
    """

    status = models.CharField(max_length=limits.WORD)
    behavior = models.CharField(max_length=limits.WORD, blank=True)

    def __str__(self) -> str:
        return f"Stripe Tax: {self.status}"
