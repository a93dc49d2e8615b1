"""What each look for missed events found."""

from __future__ import annotations

from django.db import models


class Reconciliation(models.Model):
    """One run of `reconcile`. A run without `finished_at` failed: the next one starts before it."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    events_seen = models.PositiveIntegerField(default=0)
    events_missed = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "missed-event check"

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.events_missed} missed"
