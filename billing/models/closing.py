"""Closed months of the books."""

from __future__ import annotations

from django.conf import settings
from django.db import models

# What a closing keeps, and its hash is over: without money outside of Stripe's balance, and with
# it; the current one has other subscriptions in lines of their own, apart from the membership.
WITHOUT_DIRECT, WITH_DIRECT, CURRENT = 1, 2, 3


class BookClosing(models.Model):
    """A month as it was when somebody closed it. A row never changes; the database refuses that.

    `statements` is a list of `{"currency", "opening", "closing", "lines"}`, whose lines are
    `{"section", "key", "label", "amount", "count"}`, in minor units. `direct` is what moved outside
    of Stripe's balance, a list of `{"kind", "currency", "amount"}`; closings of version 1 were made
    before it was kept, and their hash doesn't have it. Until version 2, other subscriptions counted
    as memberships, and do so in these months for good (`billing.facts.books`). `time_zone` decides
    for good when the month began and ended (`billing.facts.book_months`). `hash` is over the row
    and the hash of the month closed before it (see `billing.reconcile.closing_books`).
    """

    number = models.PositiveIntegerField(unique=True)
    month = models.DateField(unique=True, help_text="Its first day.")
    time_zone = models.CharField(max_length=64)
    statements = models.JSONField()
    direct = models.JSONField(default=list, db_default=[])
    version = models.PositiveSmallIntegerField(default=CURRENT, db_default=1)
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-month"]
        permissions = [("close_books", "Can close a month of the books")]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"


class BookCheck(models.Model):
    """The last verification of the closings' chain: one row. `problems` is a list of sentences."""

    checked_at = models.DateTimeField()
    closings = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.closings} closings, {len(self.problems)} problems"
