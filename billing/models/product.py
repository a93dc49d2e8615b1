"""What things are called that are sold at Stripe, so that pages never wait for Stripe."""

from __future__ import annotations

from django.db import models

from billing.models.copy import StripeCopy


class Product(StripeCopy):
    """A product of the plan's, or of something else that a member is billed for."""

    name = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name or self.stripe_id
