"""Stripe customers whose member we don't know: made in the dashboard, or imported."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.models.copy import StripeCopy


class UnassignedCustomer(StripeCopy):
    """A Stripe customer that belongs to no user here. Its money isn't copied.

    The row is deleted when the customer gets its user: through Stripe's metadata, a verified email
    address, or staff. Every `Customer` has a user, so no page has to handle one without.
    """

    email = models.EmailField(max_length=limits.EMAIL, blank=True)
    name = models.CharField(max_length=limits.CUSTOMER_NAME, blank=True)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody with this address closed their account."
    )
    invited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name or self.email or self.stripe_id
