"""A member's saved payment methods: cards, bank accounts, and others, as Stripe has them."""

from __future__ import annotations

from datetime import date

from django.db import models

from billing.core import limits
from billing.models.copy import MemberRecordQuerySet, StripeCopy
from billing.models.customer import Customer


class PaymentMethod(StripeCopy):
    """A payment method that's attached to a customer. One that was detached has no row.

    `kind` is Stripe's type. Cards have a brand; for others `card_brand` is the type, too.
    `fingerprint` is the same for the same card or account, wherever it was saved.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="payment_methods")
    kind = models.CharField(max_length=limits.WORD)
    card_brand = models.CharField(max_length=limits.WORD, blank=True)
    card_last4 = models.CharField(max_length=limits.LAST4, blank=True)
    card_expires = models.CharField(max_length=limits.MONTH, blank=True, help_text="YYYY-MM")
    wallet = models.CharField(max_length=limits.WORD, blank=True)
    fingerprint = models.CharField(max_length=limits.ID, blank=True)
    created_at = models.DateTimeField()

    objects = MemberRecordQuerySet["PaymentMethod"].as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.card_brand} {self.card_last4}".strip()

    def has_expired(self, today: date) -> bool:
        """Whether its card is past the month printed on it."""
        return bool(self.card_expires) and self.card_expires < f"{today:%Y-%m}"

    @property
    def same_as(self) -> tuple[str, ...]:
        """What's equal for the same card or account. In a wallet, a card is another one."""
        return (self.kind, self.fingerprint or self.stripe_id, self.wallet)
