"""Invoices: what members were asked to pay."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from billing.core import limits
from billing.core.statuses import Collection, CollectionMethod, InvoiceStatus
from billing.models.copy import MemberRecordQuerySet, StripeCopy, choices
from billing.models.customer import Customer
from billing.models.subscription import Subscription
from common.money import Money


class Invoice(StripeCopy):
    """Stripe's invoice. Amounts are in minor units; times are UTC.

    `starting_balance` and `ending_balance` are the customer's balance before and after; negative is
    credit. Credit notes reduce the amount due only before payment.

    `lines` is a list of `{"description", "quantity", "amount", "product", "period_start",
    "period_end"}` with amounts in minor units and periods in seconds since 1970.

    `taxes` is a list of `{"rate", "amount", "is_included", "reason"}`, one per rate, with the
    rate's Stripe ID. `tax` is their sum; `tax_included` is the part included in the lines. The
    total is lines less discount plus the rest of the tax.

    `customer_name` and `customer_tax_ids` (a list of `{"type", "value"}`) say who was billed;
    they're kept only for businesses, which gave a tax ID.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(
        Subscription, null=True, blank=True, on_delete=models.PROTECT, related_name="invoices"
    )
    number = models.CharField(max_length=limits.NUMBER, blank=True, db_index=True)
    status = models.CharField(max_length=limits.WORD, choices=choices(InvoiceStatus))
    billing_reason = models.CharField(max_length=limits.WORD, blank=True)
    currency = models.CharField(max_length=limits.CURRENCY)
    subtotal = models.BigIntegerField()
    discount = models.BigIntegerField(default=0)
    discount_lasting = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="What discounts without an end took off. Not known of invoices read before.",
    )
    customer_name = models.CharField(
        max_length=limits.CUSTOMER_NAME, blank=True, default="", db_default=""
    )
    customer_tax_ids = models.JSONField(default=list, db_default=[], blank=True)
    finalization_error = models.CharField(
        max_length=limits.WORD,
        blank=True,
        default="",
        db_default="",
        help_text="Stripe's word for why it stays a draft.",
    )
    promotion_codes = models.CharField(
        max_length=limits.TEXT,
        blank=True,
        default="",
        db_default="",
        help_text="By which it was lowered.",
    )
    tax = models.BigIntegerField(default=0)
    tax_included = models.BigIntegerField(default=0, db_default=0)
    taxes = models.JSONField(default=list, db_default=[])
    total = models.BigIntegerField()
    starting_balance = models.BigIntegerField(default=0)
    ending_balance = models.BigIntegerField(null=True, blank=True)
    pre_payment_credit_notes_amount = models.BigIntegerField(default=0)
    post_payment_credit_notes_amount = models.BigIntegerField(default=0)
    amount_due = models.BigIntegerField()
    amount_paid = models.BigIntegerField()
    amount_remaining = models.BigIntegerField()
    amount_paid_outside = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="The part of what was paid that did not come through Stripe.",
    )
    collection_method = models.CharField(
        max_length=limits.WORD,
        choices=choices(CollectionMethod),
        default=CollectionMethod.CHARGE,
        db_default=CollectionMethod.CHARGE,
    )
    auto_advance = models.BooleanField(
        "Stripe goes on by itself", default=True, db_default=True, help_text="Off: it has given up."
    )
    attempt_count = models.PositiveIntegerField(default=0)
    collection = models.CharField(max_length=20, choices=choices(Collection), blank=True)
    next_payment_attempt_at = models.DateTimeField(null=True, blank=True)
    lines = models.JSONField(default=list)
    hosted_url = models.URLField(max_length=limits.LINK, blank=True)
    pdf_url = models.URLField(max_length=limits.LINK, blank=True)
    created_at = models.DateTimeField()
    finalized_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was marked uncollectible."
    )
    given_up_reason = models.CharField(
        max_length=limits.WORD,
        blank=True,
        default="",
        db_default="",
        help_text="Stripe's word for why.",
    )

    objects = MemberRecordQuerySet["Invoice"].as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="billing_invoice_list"),
            models.Index(
                fields=["customer"],
                condition=models.Q(billing_reason="subscription_update"),
                name="billing_invoice_switches",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(status=InvoiceStatus.DRAFT) & ~models.Q(finalization_error=""),
                name="billing_invoice_unfinalized",
            ),
        ]

    @property
    def tax_added(self) -> int:
        """The tax added on top of the lines."""
        return self.tax - self.tax_included

    @property
    def membership(self) -> Subscription | None:
        """The membership it's for; None if it's for something else."""
        subscription = self.subscription
        return subscription if subscription and subscription.is_membership else None

    @property
    def balance_applied(self) -> int:
        """What the customer's balance adds to the amount due; negative is used credit."""
        return 0 if self.ending_balance is None else self.starting_balance - self.ending_balance

    @property
    def is_sent(self) -> bool:
        """Whether it was sent rather than charged."""
        return self.collection_method == CollectionMethod.SEND

    @property
    def is_payable(self) -> bool:
        """Whether it asks for money that hasn't arrived."""
        return self.status == InvoiceStatus.OPEN and self.amount_remaining > 0

    @property
    def is_kept_draft(self) -> bool:
        """Whether it's a subscription's draft that Stripe leaves alone, as during a pause."""
        is_left = self.status == InvoiceStatus.DRAFT and not self.auto_advance
        return is_left and self.subscription_id is not None

    @property
    def was_last_try(self) -> bool:
        """Whether Stripe has stopped trying to collect it.

        A missing next attempt means nothing: Stripe may set it some time after the last one failed.
        Collection continues automatically (`auto_advance`) until Stripe gives up.
        """
        has_next = self.next_payment_attempt_at is not None
        return self.attempt_count > 0 and not has_next and not self.auto_advance

    @property
    def is_being_paid(self) -> bool:
        """Whether a bank is processing it, or asking the member."""
        return self.collection in (Collection.PROCESSING, Collection.REQUIRES_ACTION)

    @property
    def is_overdue(self) -> bool:
        """Whether it's past its due date and unpaid."""
        return self.is_payable and self.due_at is not None and self.due_at <= timezone.now()

    @property
    def credit_notes_amount(self) -> int:
        """What credit notes took off in total, before and after payment."""
        return self.pre_payment_credit_notes_amount + self.post_payment_credit_notes_amount

    def __str__(self) -> str:
        return self.number or self.stripe_id

    @property
    def money(self) -> Money:
        """What it comes to, tax included."""
        return Money(self.total, self.currency)

    @property
    def money_due(self) -> Money:
        """What was asked for once credit was counted."""
        return Money(self.amount_due, self.currency)

    @property
    def money_paid(self) -> Money:
        """What has been paid of it."""
        return Money(self.amount_paid, self.currency)

    @property
    def money_subtotal(self) -> Money:
        """What its lines add up to."""
        return Money(self.subtotal, self.currency)

    @property
    def money_balance_applied(self) -> Money:
        """What the customer's balance adds to the amount due; negative is used credit."""
        return Money(self.balance_applied, self.currency)

    @property
    def money_paid_outside(self) -> Money:
        """What has been paid of it outside of Stripe."""
        return Money(self.amount_paid_outside, self.currency)

    @property
    def money_remaining(self) -> Money:
        """What is still to be paid."""
        return Money(self.amount_remaining, self.currency)
