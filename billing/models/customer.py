"""Who pays: the Stripe customer of a user."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.models.copy import StripeCopy


class Customer(StripeCopy):
    """One user's customer at Stripe. The row is what billing locks to write a member's money."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="customer"
    )
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=255, blank=True)
    deleted_at_stripe = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or self.email or self.stripe_id
