"""Early fraud warnings: payments that their card's bank reports as fraud, before any dispute."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.core import limits
from billing.core.statuses import PaymentStatus
from billing.models.copy import MemberRecordQuerySet, StripeCopy
from billing.models.customer import Customer
from billing.models.dispute import Dispute
from billing.models.payment import Payment


class FraudWarningQuerySet(MemberRecordQuerySet["FraudWarning"]):
    """Warnings, by whether they ask us for something."""

    def to_settle(self) -> FraudWarningQuerySet:
        """Those that a refund in full could still settle, and that nobody decided to leave.

        Stripe tells us a little later that a warning is over; our rows may know it before.
        """
        asking = self.filter(is_actionable=True, left_at=None)
        paid = asking.filter(
            charge_id=F("payment__charge_id"),
            payment__status=PaymentStatus.SUCCEEDED,
            payment__amount_refunded__lt=F("payment__amount_received"),
        )
        return paid.exclude(
            models.Exists(Dispute.objects.filter(payment=models.OuterRef("payment")))
        )


class FraudWarning(StripeCopy):
    """A bank's report that a payment was fraud. It moves no money, and the member isn't told.

    `is_actionable` is Stripe's: the payment is neither disputed nor refunded in full. `left_…` is
    ours: staff decided not to refund it, and why.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="fraud_warnings")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="fraud_warnings")
    charge_id = models.CharField(max_length=limits.ID)
    fraud_type = models.CharField(max_length=limits.WORD, blank=True)
    is_actionable = models.BooleanField()
    created_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    left_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    left_because = models.CharField(max_length=300, blank=True)

    objects = FraudWarningQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(is_actionable=True, left_at=None),
                name="billing_fraud_warning_asking",
            ),
            models.Index(fields=["-created_at", "-id"], name="billing_fraud_warning_newest"),
        ]

    def __str__(self) -> str:
        return f"Fraud warning about {self.payment.money}"

    @property
    def is_of_this_charge(self) -> bool:
        """Whether it's about the charge that paid, rather than an earlier try."""
        return self.charge_id == self.payment.charge_id

    @property
    def is_open(self) -> bool:
        """Whether a refund in full could still settle it, as `to_settle` says for many."""
        payment = self.payment
        return (
            self.is_actionable
            and self.left_at is None
            and self.is_of_this_charge
            and payment.status == PaymentStatus.SUCCEEDED
            and payment.amount_refunded < payment.amount_received
            and not payment.disputes.all()
        )
