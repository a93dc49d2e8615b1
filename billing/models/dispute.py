"""Disputes: payments that cardholders take back through their bank."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.core.statuses import ANSWERABLE_DISPUTE, INQUIRY, OPEN_DISPUTE, DisputeStatus
from billing.models.copy import MemberRecordQuerySet, StripeCopy, choices
from billing.models.customer import Customer
from billing.models.payment import Payment
from common.money import Money


class DisputeQuerySet(MemberRecordQuerySet["Dispute"]):
    """Disputes, by what they require from us."""

    def running(self) -> DisputeQuerySet:
        """Those that aren't decided yet."""
        return self.filter(status__in=OPEN_DISPUTE)

    def to_answer(self) -> DisputeQuerySet:
        """Those waiting for our evidence, the most urgent first."""
        answerable = self.filter(status__in=ANSWERABLE_DISPUTE)
        return answerable.order_by(models.F("evidence_due_at").asc(nulls_last=True), "pk")


class Dispute(StripeCopy):
    """A payment's dispute. `amount` is in minor units of `currency`; times are UTC."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="disputes")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    charge_id = models.CharField(max_length=limits.ID, blank=True)
    status = models.CharField(max_length=limits.WORD, choices=choices(DisputeStatus))
    reason = models.CharField(max_length=limits.WORD, blank=True)
    network_reason_code = models.CharField(max_length=limits.WORD, blank=True)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=limits.CURRENCY)
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    has_evidence = models.BooleanField(
        default=False, help_text="Some is staged at Stripe, whether it was sent to the bank or not."
    )
    submission_count = models.PositiveIntegerField(
        default=0, help_text="How often evidence was sent to the bank."
    )
    created_at = models.DateTimeField()

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["evidence_due_at"],
                condition=models.Q(status__in=sorted(ANSWERABLE_DISPUTE)),
                name="billing_dispute_to_answer",
            ),
            models.Index(fields=["-created_at", "-id"], name="billing_dispute_newest"),
        ]

    def __str__(self) -> str:
        return f"Dispute of {self.money}"

    @property
    def money(self) -> Money:
        """What the bank takes back."""
        return Money(self.amount, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether the bank hasn't decided yet."""
        return self.status in OPEN_DISPUTE

    @property
    def needs_response(self) -> bool:
        """Whether it's waiting for our evidence."""
        return self.status in ANSWERABLE_DISPUTE

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank is only asking: no money has moved."""
        return self.status in INQUIRY
