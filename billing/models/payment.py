"""Payments: what members paid, or tried to."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.core.statuses import NOT_BY_STRIPE, PAYMENT_WORDS, ZELLE, PaymentStatus
from billing.models.copy import MemberRecordQuerySet, StripeCopy, choices
from billing.models.customer import Customer
from billing.models.invoice import Invoice
from billing.models.subscription import Subscription
from common.money import Money


class Payment(StripeCopy):
    """A payment (`stripe_id` is the payment intent's). Amounts are minor units; times are UTC.

    What was paid on an invoice outside of Stripe is also a row (`is_outside`), so every sum of
    payments includes it; it's named after the invoice (see `billing.sync.refresh`).
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(
        Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="payments"
    )
    charge_id = models.CharField(max_length=limits.ID, blank=True)
    status = models.CharField(max_length=limits.WORD, choices=choices(PaymentStatus, PAYMENT_WORDS))
    amount = models.BigIntegerField()
    amount_received = models.BigIntegerField(default=0)
    amount_refunded = models.BigIntegerField(default=0)
    tax = models.BigIntegerField(
        default=0, db_default=0, help_text="Minor units of it, where no invoice says so."
    )
    taxes = models.JSONField(
        default=list, db_default=[], blank=True, help_text="The same by rate, as an invoice’s."
    )
    currency = models.CharField(max_length=limits.CURRENCY)
    description = models.CharField(max_length=limits.PAYMENT_DESCRIPTION, blank=True)
    card_brand = models.CharField(max_length=limits.WORD, blank=True)
    card_last4 = models.CharField(max_length=limits.LAST4, blank=True)
    method_id = models.CharField("payment method", max_length=limits.ID, blank=True)
    failure_code = models.CharField(max_length=limits.WORD, blank=True)
    failure_message = models.CharField(max_length=limits.TEXT, blank=True)
    receipt_url = models.URLField(max_length=limits.LINK, blank=True)
    statement_descriptor = models.CharField(
        max_length=limits.NUMBER,
        blank=True,
        db_default="",
        help_text="What the payer’s statement calls it; only of cards.",
    )
    refunds_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When all of its refunds were last read from Stripe."
    )
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    objects = MemberRecordQuerySet["Payment"].as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="billing_payment_list"),
            models.Index(
                fields=["customer", "-created_at", "-id"],
                condition=models.Q(invoice=None),
                name="billing_payment_single",
            ),
            models.Index(
                fields=["charge_id"],
                condition=~models.Q(charge_id=""),
                name="billing_payment_charge",
            ),
        ]

    @property
    def is_outside(self) -> bool:
        """Whether it came to us directly: Stripe only knows about it and can't refund it."""
        return self.card_brand in NOT_BY_STRIPE

    @property
    def is_by_zelle(self) -> bool:
        """Whether it came by Zelle and we know that from our bank: then we send refunds."""
        return self.card_brand == ZELLE

    @property
    def membership(self) -> Subscription | None:
        """The membership that it paid for; None if it was for something else."""
        return self.invoice.membership if self.invoice else None

    def __str__(self) -> str:
        # For an invoice's payment Stripe says "Subscription creation", which helps nobody.
        what = "" if self.invoice_id else self.description
        amount = str(self.money)
        return f"{amount}: {what}" if what else amount

    @property
    def money(self) -> Money:
        """What was asked for."""
        return Money(self.amount, self.currency)

    @property
    def money_received(self) -> Money:
        """What came."""
        return Money(self.amount_received, self.currency)

    @property
    def money_refunded(self) -> Money:
        """What was given back."""
        return Money(self.amount_refunded, self.currency)

    @property
    def money_tax(self) -> Money:
        """The tax in it."""
        return Money(self.tax, self.currency)
