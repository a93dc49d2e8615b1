"""What is not set up at Stripe, although the portal needs it."""

from __future__ import annotations

from django.db import models


class MissingSetup(models.Model):
    """A part of Stripe that has to be set up in its dashboard first; gone once it is.

    Written where a member met it, and by the hourly look at Stripe (`billing.sync.account_setup`).
    """

    CUSTOMER_PORTAL = "customer_portal"

    name = models.CharField(
        max_length=40, unique=True, choices=[(CUSTOMER_PORTAL, "Customer portal")]
    )
    found_at = models.DateTimeField("found missing", auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "missing setup at Stripe"
        verbose_name_plural = "missing setup at Stripe"

    def __str__(self) -> str:
        return str(self.get_name_display())
