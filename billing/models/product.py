"""Names of products at Stripe, so pages never wait for Stripe."""

from __future__ import annotations

from django.db import models

from billing.models.copy import StripeCopy


class Product(StripeCopy):
    """The plan's product, or one for something else that a member is billed for."""

    name = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name or self.stripe_id
