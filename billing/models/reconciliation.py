"""The results of searches for missed events and comparisons with Stripe."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from common import days


class Reconciliation(models.Model):
    """One run of `reconcile`. A run without `finished_at` failed: the next one starts before it.

    The hourly search for missed events compares nothing and has no `compared_at`. `differences` is
    a list of `{"customer", "object", "id", "field", "ours", "stripe"}`: those that are left or, if
    a repair left none, those that it found. The first 500 are kept. `progress` says how far a
    comparison under way has come: `{"kind", "number", "of", "seen"}`; otherwise it's empty.
    """

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    events_seen = models.PositiveIntegerField(default=0)
    events_missed = models.PositiveIntegerField(default=0)
    compared_at = models.DateTimeField(null=True, blank=True)
    customers_compared = models.PositiveIntegerField(default=0)
    customers_agreeing = models.PositiveIntegerField(default=0)
    differences_found = models.PositiveIntegerField(default=0)
    differences_left = models.PositiveIntegerField(default=0)
    differences = models.JSONField(default=list, blank=True)
    progress = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)

    # Set for the page of a run, if its reader may have differences read again.
    can_be_mended = False

    class Meta:
        ordering = ["-id"]
        verbose_name = "missed-event check"

    def __str__(self) -> str:
        started = timezone.localtime(self.started_at)
        return f"Check of {days.short_with_year(started)}, {started:%H:%M}"

    @property
    def summary(self) -> str:
        """Say what the comparison found: "412 of 412 agree"."""
        if not self.compared_at:
            return ""
        agree = f"{self.customers_agreeing} of {self.customers_compared} agree"
        repaired = self.differences_found - self.differences_left
        return f"{agree}, {repaired} repaired" if repaired > 0 else agree
