"""The plan's prices as last read from Stripe, so pages never wait for Stripe."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.models.copy import StripeCopy
from common.money import Money


class Plan(StripeCopy):
    """A price of the plan's product (`stripe_id` is the price's). Amounts are in minor units.

    Prices that were once on sale keep their row: a subscription to any price of the product is the
    membership.
    """

    product_id = models.CharField(max_length=limits.ID)
    name = models.CharField(max_length=limits.PRODUCT_NAME)
    description = models.TextField(blank=True)
    amount = models.BigIntegerField(help_text="Minor units a period.")
    currency = models.CharField(max_length=limits.CURRENCY)
    interval = models.CharField(max_length=limits.WORD)
    interval_count = models.PositiveIntegerField(default=1)
    trial_days = models.PositiveIntegerField(default=0)
    tax_behavior = models.CharField(
        max_length=limits.WORD,
        blank=True,
        default="",
        db_default="",
        help_text="As the price says.",
    )
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

    @property
    def money(self) -> Money:
        """The price of one period."""
        return Money(self.amount, self.currency)
