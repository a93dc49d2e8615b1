"""Stripe's balance: each amount that came or left, and payouts to the bank."""

from __future__ import annotations

from django.db import models

from billing.core import limits
from billing.core.statuses import PayoutStatus
from billing.models.copy import StripeCopy, choices
from billing.models.dispute import Dispute
from billing.models.payment import Payment
from billing.models.refund import Refund
from common.money import Money


class Payout(StripeCopy):
    """Money that Stripe sends to the bank account. Amounts are minor units; times are UTC."""

    status = models.CharField(max_length=limits.WORD, choices=choices(PayoutStatus))
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=limits.CURRENCY)
    automatic = models.BooleanField(help_text="Stripe made it, and says what it pays out.")
    method = models.CharField(max_length=limits.WORD, blank=True)
    description = models.CharField(max_length=limits.TEXT, blank=True)
    reconciliation = models.CharField(max_length=limits.WORD, blank=True)
    trace = models.CharField("bank’s reference", max_length=limits.NUMBER, blank=True)
    failure_code = models.CharField(max_length=limits.WORD, blank=True)
    failure_message = models.CharField(max_length=limits.TEXT, blank=True)
    created_at = models.DateTimeField()
    arrives_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="billing_payout_list")]

    def __str__(self) -> str:
        return f"Payout of {self.money}"

    @property
    def money(self) -> Money:
        """What arrives at the bank."""
        return Money(self.amount, self.currency)


class BalanceTransaction(StripeCopy):
    """An amount that came into Stripe's balance or left it, which never changes.

    `net` is `amount` less `fee`; a currency's balance is the sum of `net`. `kind` and `category`
    are Stripe's `type` and `reporting_category`. `fees` is a list of `{"type", "amount",
    "description"}`. It links to what caused it: a payment, a refund, a dispute, or a payout, as
    soon as that has a row. `paid_out_in` is the automatic payout that brought it to the bank;
    Stripe lists a payout's own transaction there, too. Stripe's `status` isn't kept, since no
    event tells when it changes: `available_at` says it.
    """

    kind = models.CharField(max_length=limits.WORD)
    category = models.CharField(max_length=limits.WORD)
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    net = models.BigIntegerField()
    currency = models.CharField(max_length=limits.CURRENCY)
    fees = models.JSONField(default=list)
    exchange_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    description = models.CharField(
        max_length=limits.TEXT,
        blank=True,
        help_text="Only where Stripe itself is the cause: no words about members.",
    )
    balance_type = models.CharField(max_length=limits.WORD)
    source_id = models.CharField(max_length=limits.ID, blank=True)
    intent_id = models.CharField(
        max_length=limits.ID,
        null=True,
        blank=True,
        help_text="Of an earlier charge of a payment: the payment intent; empty if it has none.",
    )
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.SET_NULL, related_name="booked"
    )
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.SET_NULL, related_name="booked"
    )
    dispute = models.ForeignKey(
        Dispute, null=True, blank=True, on_delete=models.SET_NULL, related_name="booked"
    )
    payout = models.ForeignKey(
        Payout, null=True, blank=True, on_delete=models.SET_NULL, related_name="booked"
    )
    paid_out_in = models.ForeignKey(
        Payout, null=True, blank=True, on_delete=models.SET_NULL, related_name="paid_out"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_balance_list"),
            models.Index(fields=["currency", "created_at", "id"], name="billing_balance_books"),
            models.Index(
                fields=["source_id"],
                condition=models.Q(payment=None, refund=None, dispute=None, payout=None)
                & ~models.Q(source_id=""),
                name="billing_balance_unlinked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category.replace('_', ' ').capitalize()} of {self.money}"

    @property
    def money(self) -> Money:
        """What came or left, before fees."""
        return Money(self.amount, self.currency)

    @property
    def money_fee(self) -> Money:
        """What Stripe kept of it."""
        return Money(self.fee, self.currency)

    @property
    def money_net(self) -> Money:
        """What it changed the balance by."""
        return Money(self.net, self.currency)


class BalanceReading(StripeCopy):
    """The single row with the balance that Stripe gave, and how far its transactions were read.

    `totals` has each currency's available and pending amounts together. `read_until` is when the
    newest transaction was made, once everything before it had been read. `differences` has what the
    transactions lack of a currency's total, in minor units. Money may move between two requests, so
    only one that lasts (`differs_since`) is a problem.
    """

    totals = models.JSONField(default=dict)
    read_until = models.DateTimeField(null=True, blank=True)
    differences = models.JSONField(default=dict, db_default={}, blank=True)
    differs_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return "Stripe’s balance"
