"""People who aren't new, known only by keyed digests of their addresses."""

from __future__ import annotations

from django.db import models


class TrialRecord(models.Model):
    """An address whose owner had a free trial, or was a member without one.

    The digest says nothing without the portal's secret key (`billing.facts.trials`). The row
    identifies nobody, so it stays when an account is closed. Otherwise its owner would be new
    again.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    began_at = models.DateTimeField(help_text="When the trial or the membership began.")
    had_trial = models.BooleanField()

    def __str__(self) -> str:
        return f"{'Trial' if self.had_trial else 'Membership'} from {self.began_at:%Y-%m-%d}"
