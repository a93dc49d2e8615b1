"""The history of all refunds, its texts, and its verifications."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.core.statuses import LedgerTextKind, RefundAction, RefundState
from billing.models.copy import choices
from billing.models.refund import Refund
from common.money import Money


class RefundEntry(models.Model):
    """A step in a refund's history: appended, never changed, with the previous step's hash.

    Numbers have no gaps across all refunds. `hash` is SHA-256 over the other columns (see
    `refund_ledger.digest`). Database triggers refuse UPDATE, DELETE, and TRUNCATE.

    Names and words aren't part of it: `LedgerText` has them until the person leaves, and the three
    digests prove them until then (see `ledger_texts`). An empty digest means no text.
    """

    number = models.PositiveBigIntegerField(unique=True)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    actor_digest = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=20, choices=choices(RefundAction))
    from_state = models.CharField(max_length=20, choices=choices(RefundState), blank=True)
    to_state = models.CharField(max_length=20, choices=choices(RefundState))
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stripe_id = models.CharField(max_length=255, blank=True)
    words_digest = models.CharField(max_length=64, blank=True)
    policy_version = models.PositiveIntegerField(null=True, blank=True)
    earlier_digest = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.number}: {self.get_action_display().lower()}"

    @property
    def money(self) -> Money:
        """The refund's amount then."""
        return Money(self.amount, self.currency)


class LedgerText(models.Model):
    """A name or words in a ledger step; deleted when the person leaves.

    The step keeps the SHA-256 of `salt` and `text`. So nobody can change the text unnoticed, and
    once the row is gone, nobody can find out what it said, not even by guessing. A database trigger
    refuses UPDATE.
    """

    entry = models.ForeignKey(RefundEntry, on_delete=models.CASCADE, related_name="texts")
    kind = models.CharField(max_length=10, choices=choices(LedgerTextKind))
    text = models.TextField()
    salt = models.CharField(max_length=32)

    class Meta:
        ordering = ["entry_id", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "kind"], name="billing_one_text_of_a_kind"),
        ]

    def __str__(self) -> str:
        return self.text


class LedgerCheck(models.Model):
    """One verification of the ledger. `problems` is a list of sentences; empty means verified."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    entries = models.PositiveBigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, blank=True)
    refunds_compared = models.PositiveIntegerField(default=0)
    compared_with_stripe = models.BooleanField(default=False)
    head_exported = models.BooleanField(
        default=False, help_text="Its last line stands in the file of heads."
    )
    problems = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "ledger check"

    def __str__(self) -> str:
        if not self.finished_at:
            return "Did not finish"
        if self.problems:
            return f"{len(self.problems)} problems"
        return "All is proved" if self.compared_with_stripe else "Not compared with Stripe"
