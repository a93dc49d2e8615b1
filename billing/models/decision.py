"""Decisions by members or staff about a membership: cancel, resume, switch, stay."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models

from billing.core import limits
from billing.core.statuses import (
    CancellationReason,
    DecisionState,
    MembershipAction,
    PauseBehavior,
)
from billing.models.copy import MemberRecordQuerySet, choices
from billing.models.customer import Customer
from billing.models.retention import RetentionOffer
from billing.models.subscription import Subscription

# If Stripe hasn't shown a decision after this long, we stop waiting for it.
PENDING_FOR = timedelta(minutes=15)


class MembershipDecision(models.Model):
    """One decision. It is pending until Stripe's subscription shows it.

    The idempotency key of the request to Stripe comes from the row's ID.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="decisions")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="decisions"
    )
    action = models.CharField(max_length=10, choices=choices(MembershipAction))
    reason = models.CharField(
        max_length=20, choices=choices(CancellationReason), blank=True, help_text="Of a survey."
    )
    comment = models.TextField(max_length=500, blank=True, help_text="In the member's own words.")
    price_id = models.CharField("new price", max_length=255, blank=True)
    prorated_at = models.DateTimeField(
        null=True, blank=True, help_text="From when the new price counts, as the member was shown."
    )
    until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a longer trial or free time ends, or paused payments resume.",
    )
    pause_behavior = models.CharField(
        max_length=limits.WORD,
        choices=choices(PauseBehavior),
        blank=True,
        default="",
        db_default="",
        help_text="What becomes of new invoices while payments are paused.",
    )
    amount = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units: what the member was shown to be charged."
    )
    currency = models.CharField(max_length=3, blank=True)
    offer = models.ForeignKey(
        RetentionOffer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decisions",
        help_text="That made the member stay.",
    )
    coupon_id = models.CharField("coupon", max_length=limits.COUPON_ID, blank=True)
    discount_id = models.CharField(
        "discount", max_length=255, blank=True, help_text="What came of the coupon at Stripe."
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The member, or who of the staff.",
    )
    state = models.CharField(
        max_length=10, choices=choices(DecisionState), default=DecisionState.PENDING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = MemberRecordQuerySet["MembershipDecision"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "member's decision"
        verbose_name_plural = "members' decisions"

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_action_display().lower()}"
