"""Credit notes: what was taken off an invoice afterward."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.core.statuses import CreditNoteStatus
from billing.models.copy import MemberRecordQuerySet, StripeCopy, choices
from billing.models.customer import Customer
from billing.models.invoice import Invoice
from common.money import Money


class CreditNote(StripeCopy):
    """Stripe's credit note. Amounts are in minor units of the invoice's currency; times are UTC.

    `amount` (including tax) is `pre_payment_amount`, which reduced an open invoice, plus
    `refunded`, `out_of_band` (given back outside of Stripe), and `credited` (kept for future
    invoices).
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="credit_notes")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=limits.NUMBER, blank=True)
    status = models.CharField(max_length=limits.WORD, choices=choices(CreditNoteStatus))
    reason = models.CharField(max_length=limits.WORD, blank=True)
    memo = models.TextField(blank=True)
    currency = models.CharField(max_length=limits.CURRENCY)
    amount = models.BigIntegerField()
    tax = models.BigIntegerField(default=0)
    pre_payment_amount = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    out_of_band = models.BigIntegerField(default=0)
    credited = models.BigIntegerField(default=0)
    pdf_url = models.URLField(max_length=limits.LINK, blank=True)
    created_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)

    objects = MemberRecordQuerySet["CreditNote"].as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="billing_credit_note_list"),
            models.Index(fields=["-created_at", "-id"], name="billing_credit_note_newest"),
        ]

    def __str__(self) -> str:
        return self.number or self.stripe_id

    @property
    def money(self) -> Money:
        """What it takes off its invoice."""
        return Money(self.amount, self.currency)
