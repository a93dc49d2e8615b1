"""Replays of many webhook events at once: which, by whom, and how far they've come."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from common import days


class Replay(models.Model):
    """Events that staff had processed again, in the order in which they happened at Stripe.

    They're handed to the queue in batches: the first `handed` of `event_ids` were. `key` comes with
    the question's form, so a button that's pressed twice makes one replay.
    """

    key = models.UUIDField(unique=True, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(db_default=Now())
    chosen = models.CharField(max_length=500, help_text="The list's filters, in words.")
    event_ids = ArrayField(models.BigIntegerField())
    kinds = models.JSONField(default=dict, help_text="How many events of each type.")
    total = models.PositiveIntegerField()
    handed = models.PositiveIntegerField(default=0)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    stopped_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        started = timezone.localtime(self.started_at)
        return f"Replay of {days.short_with_year(started)}, {started:%H:%M}"
