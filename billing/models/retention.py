"""Offers to members who are about to leave, and who got them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.core import limits, texts
from billing.models.copy import MemberRecordQuerySet
from billing.models.customer import Customer


class RetentionOffer(models.Model):
    """A Stripe coupon for those who stay. At most one offer is active.

    Its terms are those of the coupon when staff saved it; Stripe refuses a coupon that has expired.
    """

    headline = models.CharField(
        max_length=100, help_text="What members read first: Would it help if it cost less?"
    )
    text = models.CharField(max_length=300, blank=True, help_text="A sentence below it.")
    coupon_id = models.CharField(
        "coupon", max_length=limits.COUPON_ID, help_text="The coupon's id at Stripe."
    )
    percent_off = models.FloatField(null=True, editable=False)
    amount_off = models.BigIntegerField(null=True, editable=False, help_text="Minor units.")
    currency = models.CharField(max_length=3, blank=True, editable=False)
    duration = models.CharField(max_length=limits.WORD, editable=False)
    months = models.PositiveIntegerField(null=True, editable=False)
    every_months = models.PositiveSmallIntegerField(
        "once in so many months",
        default=12,
        help_text="A member who accepted an offer sees none for so many months.",
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_active", "-id"]
        verbose_name = "offer to stay"
        verbose_name_plural = "offers to stay"
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"],
                condition=Q(is_active=True),
                name="billing_one_active_retention_offer",
                violation_error_message="Another offer is active. Switch that off first.",
            ),
            models.CheckConstraint(
                condition=Q(every_months__gte=1),
                name="billing_retention_offer_now_and_then",
                violation_error_message="At least once in one month.",
            ),
        ]

    def __str__(self) -> str:
        return self.terms

    @property
    def terms(self) -> str:
        """What it gives: "20% off for 3 months"."""
        less = texts.less(self.percent_off, self.amount_off, self.currency)
        return texts.less_for(less, self.duration, self.months)


class RetentionShowing(models.Model):
    """That a member was shown an offer, once a member however often they looked."""

    offer = models.ForeignKey(RetentionOffer, on_delete=models.PROTECT, related_name="showings")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="showings")
    first_at = models.DateTimeField(auto_now_add=True)

    objects = MemberRecordQuerySet["RetentionShowing"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "offer shown"
        verbose_name_plural = "offers shown"
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "customer"], name="billing_one_showing_of_an_offer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.offer}"
