"""Who pays: a user's Stripe customer."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.core import limits
from billing.models.copy import StripeCopy


class Customer(StripeCopy):
    """A user's customer at Stripe. A user may have several: one that was deleted and the next one,
    or one that staff assigned. `billing.facts.payers` says which pays next.

    `name` is what invoices say; `business_name` and `individual_name` are its parts, if they were
    given. `address` has the parts that aren't empty, in Stripe's terms (`line1`, `postal_code`, …).
    `tax_ids` is a list of `{"type", "value"}`, in Stripe's terms, with a `status` where Stripe
    looks them up in a registry.

    `told_…` is what we told Stripe about the member (see `billing.reconcile.push`). Once staff
    moved the customer to another member, `told_user` is whose it is by its metadata there.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="customers"
    )
    email = models.EmailField(max_length=limits.EMAIL, blank=True)
    name = models.CharField(max_length=limits.CUSTOMER_NAME, blank=True)
    business_name = models.CharField(
        max_length=limits.CUSTOMER_NAME, blank=True, default="", db_default=""
    )
    individual_name = models.CharField(
        max_length=limits.PARTY_NAME, blank=True, default="", db_default=""
    )
    address = models.JSONField(default=dict, db_default={}, blank=True)
    tax_ids = models.JSONField(default=list, db_default=[], blank=True)
    default_method_id = models.CharField(
        "default payment method", max_length=limits.ID, blank=True, default="", db_default=""
    )
    methods_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When all of their payment methods were last read."
    )
    deleted_at_stripe = models.BooleanField(default=False)
    told_email = models.EmailField(blank=True, db_default="")
    told_name = models.CharField(max_length=310, blank=True, db_default="")
    told_language = models.CharField(max_length=10, blank=True, db_default="")
    told_user = models.BigIntegerField(null=True, blank=True)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the member left; the customer is deleted at Stripe."
    )
    history_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When all of their money was first read."
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        permissions = [("move_customer", "Can merge a member's second account or customer")]

    def __str__(self) -> str:
        return self.name or self.email or self.stripe_id
