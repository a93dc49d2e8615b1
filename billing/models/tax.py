"""What taxes are called on invoices."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.models.copy import StripeCopy


class TaxRate(StripeCopy):
    """Stripe's tax rate: one that staff made, or one that Stripe Tax made for an invoice."""

    name = models.CharField(max_length=limits.NUMBER)
    jurisdiction = models.CharField(max_length=limits.NUMBER, blank=True)
    percentage = models.DecimalField(max_digits=9, decimal_places=4)

    def __str__(self) -> str:
        return self.name


class TaxAccount(StripeCopy):
    """The one row of the account's settings of Stripe Tax, read while STRIPE_TAX is on.

    `behavior` counts for prices that say nothing themselves: `inclusive`, `exclusive` or
    `inferred_by_currency`.
    """

    status = models.CharField(max_length=limits.WORD)
    behavior = models.CharField(max_length=limits.WORD, blank=True)

    def __str__(self) -> str:
        return f"Stripe Tax: {self.status}"
