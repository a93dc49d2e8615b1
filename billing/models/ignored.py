"""Counts of Stripe's deliveries that we accept and ignore."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from billing.core.statuses import IgnoredBecause
from billing.models.copy import choices

WORDS = {
    IgnoredBecause.THIN.value: "Thin event",
    IgnoredBecause.OTHER_MODE.value: "Event of the other mode",
    IgnoredBecause.CONNECTED.value: "Event of a connected account",
}


class IgnoredEvents(models.Model):
    """How often an event type came that isn't for us, signed with one of our secrets.

    They get a 200, or Stripe would retry for days and then disable the endpoint.
    """

    reason = models.CharField(max_length=20, choices=choices(IgnoredBecause, WORDS))
    type = models.CharField(max_length=100)
    count = models.PositiveBigIntegerField(default=1)
    last_id = models.CharField("last event", max_length=255)
    first_at = models.DateTimeField("first came", db_default=Now())
    last_at = models.DateTimeField("last came", db_default=Now())

    class Meta:
        ordering = ["-last_at", "-id"]
        verbose_name = "ignored event"
        verbose_name_plural = "ignored events"
        constraints = [
            models.UniqueConstraint(fields=["reason", "type"], name="billing_ignored_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.type}"
