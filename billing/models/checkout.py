"""A Checkout session that we made, so that one member can't buy the membership twice."""

from __future__ import annotations

from django.db import models

from billing.models.copy import MemberRecordQuerySet, choices
from billing.models.customer import Customer
from billing.states import UNFINISHED_CHECKOUT, CheckoutState


class Checkout(models.Model):
    """One visit to Stripe Checkout. The row's id makes the idempotency key of its session.

    A customer has at most one unfinished row, and two tabs get the same session: a session can be
    paid once only.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="checkouts")
    session_id = models.CharField(max_length=255, blank=True, db_index=True)
    price_id = models.CharField(max_length=255)
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
                fields=["customer"],
                condition=models.Q(state__in=sorted(UNFINISHED_CHECKOUT)),
                name="billing_one_unfinished_checkout",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_state_display().lower()}"
