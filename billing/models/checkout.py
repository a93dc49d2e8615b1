"""Checkout sessions that we made, so nothing can be paid twice."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from billing.core.statuses import UNFINISHED_CHECKOUT, CheckoutState, Purpose
from billing.models.copy import MemberRecordQuerySet, choices
from billing.models.customer import Customer
from billing.models.payment import Payment
from billing.models.request import PaymentRequest

IS_UNFINISHED = models.Q(state__in=sorted(UNFINISHED_CHECKOUT))


class Checkout(models.Model):
    """One visit to Stripe Checkout. The row's id makes the idempotency key of its session.

    There's at most one unfinished row per payment request, and one per member for each other
    purpose, whichever of their customers pays (`user` is the customer's). So two tabs get the same
    session, which can be paid only once. A membership names its price and trial days; single
    payments have an amount (minor units), currency, and description.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="checkouts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    session_id = models.CharField(max_length=255, blank=True, db_index=True)
    purpose = models.CharField(max_length=10, choices=choices(Purpose), default=Purpose.MEMBERSHIP)
    price_id = models.CharField(max_length=255, blank=True)
    trial_days = models.PositiveIntegerField(default=0, db_default=0)
    amount = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    description = models.CharField(max_length=200, blank=True)
    request = models.ForeignKey(
        PaymentRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="checkouts"
    )
    payment = models.OneToOneField(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="checkout"
    )
    is_taxed = models.BooleanField(
        default=False, db_default=False, help_text="Whether Stripe works out tax on its page."
    )
    is_guest = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether its page was opened with a link, without signing in.",
    )
    url = models.TextField(blank=True)
    state = models.CharField(
        max_length=10, choices=choices(CheckoutState), default=CheckoutState.STARTING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    returned_at = models.DateTimeField(
        null=True, blank=True, help_text="When the member came back having paid."
    )

    objects = MemberRecordQuerySet["Checkout"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "purpose"],
                condition=IS_UNFINISHED & ~models.Q(purpose=Purpose.REQUEST),
                name="billing_one_unfinished_checkout",
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=IS_UNFINISHED,
                name="billing_one_unfinished_checkout_of_request",
            ),
            models.CheckConstraint(
                condition=models.Q(purpose=Purpose.MEMBERSHIP) | models.Q(amount__gt=0),
                name="billing_checkout_of_an_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(purpose=Purpose.REQUEST, request__isnull=False)
                | ~models.Q(purpose=Purpose.REQUEST) & models.Q(request=None),
                name="billing_checkout_of_a_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_state_display().lower()}"
