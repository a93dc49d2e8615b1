"""Payments by Zelle: what members are to send, and which transfers paid it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, Sum

from billing.bank import references
from billing.core.bank_statuses import (
    EXPECTED_GONE,
    EXPECTED_OPEN,
    AllocationState,
    ExpectedState,
    ZellePurpose,
)
from billing.models.bank import NAME, BankTransfer
from billing.models.copy import choices
from billing.models.invoice import Invoice
from billing.models.request import PaymentRequest
from billing.models.subscription import Subscription
from common.money import Money
from common.reads import Person

IS_OPEN = Q(state__in=sorted(EXPECTED_OPEN))


class ZelleTerms(models.Model):
    """What the owner takes by Zelle, and how. There's one row; amounts are cents.

    Limits on `confirms_by_itself`: a payment of up to `trusted_amount`, and up to
    `trusted_a_day` in 24 hours altogether, count as soon as the bank's mail names them.
    """

    takes_amounts = models.BooleanField("single payments", default=False)
    takes_requests = models.BooleanField("payment requests and items", default=False)
    takes_memberships = models.BooleanField("the membership", default=False)
    minimum = models.BigIntegerField("smallest amount", default=100)
    maximum = models.BigIntegerField("largest amount", default=200_000)
    name = models.CharField(
        "business name at Zelle", max_length=60, blank=True, help_text="As members see it."
    )
    address = models.CharField("email address or phone number at Zelle", max_length=120, blank=True)
    code = models.BinaryField("QR code", null=True, blank=True)
    code_type = models.CharField(max_length=20, blank=True)
    prefix = models.CharField(
        "prefix of references",
        max_length=4,
        blank=True,
        help_text="Up to four letters, such as HY in HY-7K3P-4.",
    )
    confirms_by_itself = models.BooleanField(
        "count a payment as soon as the bank's mail names it", default=False
    )
    trusted_amount = models.BigIntegerField("up to this amount", default=10_000)
    trusted_a_day = models.BigIntegerField("up to this a day altogether", default=50_000)
    days_to_pay = models.PositiveSmallIntegerField("days to pay", default=7)
    days_to_prove = models.PositiveSmallIntegerField(
        "days until announced money must be on the account", default=5
    )
    days_of_grace = models.PositiveSmallIntegerField(
        "days after a membership's renewal to pay it", default=7
    )
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = "Zelle terms"
        verbose_name_plural = "Zelle terms"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="billing_one_row_of_zelle_terms"),
            models.CheckConstraint(
                condition=Q(minimum__gt=0, maximum__gte=models.F("minimum")),
                name="billing_zelle_amounts_in_order",
            ),
        ]

    def __str__(self) -> str:
        return "Zelle terms"

    def clean(self) -> None:
        """Make sure that what's switched on can be paid.

        Raises:
            ValidationError: name or address is missing, or the prefix isn't letters.
        """
        is_on = self.takes_amounts or self.takes_requests or self.takes_memberships
        if is_on and not (self.name and self.address):
            raise ValidationError("Members need your business's name and address at Zelle.")
        if self.prefix and not (self.prefix.isascii() and self.prefix.isalpha()):
            raise ValidationError({"prefix": "Only letters, please."})
        if self.minimum > self.maximum:
            raise ValidationError({"maximum": "It's less than the smallest amount."})

    def takes(self, purpose: ZellePurpose) -> bool:
        """Whether members may pay this by Zelle."""
        match purpose:
            case ZellePurpose.AMOUNT:
                return self.takes_amounts
            case ZellePurpose.REQUEST:
                return self.takes_requests
            case _:
                return self.takes_memberships


class ExpectedQuerySet(models.QuerySet["ExpectedTransfer"]):
    """Payments by Zelle."""

    def for_user(self, user: Person) -> Self:
        """Only this user's: the only way to a member's records."""
        return self.filter(user=user)

    def open(self) -> Self:
        """Those whose money is still awaited."""
        return self.filter(IS_OPEN)

    def to_book(self) -> Self:
        """Those paid in full that Stripe's books don't have yet."""
        return self.filter(state=ExpectedState.CONFIRMED, booked_at=None)


class ExpectedTransfer(models.Model):
    """A payment that a member makes by Zelle. The amount is cents; times are UTC.

    `reference` is what they write into the memo, without prefix and dashes. Once it's confirmed,
    it's booked at Stripe as an invoice that was paid elsewhere (`billing.zelle.booking`): `invoice`
    is that one, or the open one that it pays. `price_id` is a membership's price.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="expected_transfers"
    )
    reference = models.CharField(max_length=references.LENGTH, unique=True)
    purpose = models.CharField(max_length=10, choices=choices(ZellePurpose))
    request = models.ForeignKey(
        PaymentRequest,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="expected_transfers",
    )
    price_id = models.CharField(max_length=255, blank=True)
    invoice = models.ForeignKey(
        Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="expected_transfers"
    )
    subscription = models.ForeignKey(
        Subscription,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="expected_transfers",
    )
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    description = models.CharField(max_length=200)
    payer_name = models.CharField(
        max_length=NAME, blank=True, help_text="Whose account it comes from, as the member says."
    )
    state = models.CharField(
        max_length=10, choices=choices(ExpectedState), default=ExpectedState.WAITING
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    said_sent_at = models.DateTimeField(
        null=True, blank=True, help_text="When the member said that they've sent it."
    )
    reminded_at = models.DateTimeField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it expired or was canceled."
    )
    booking = models.PositiveSmallIntegerField(
        default=1, help_text="How many times it has been booked at Stripe, this one included."
    )
    booked_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(
        max_length=500, blank=True, help_text="Why it isn't booked at Stripe yet, for staff."
    )

    objects = ExpectedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "Zelle payment"
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_expected_amount"),
            models.CheckConstraint(
                condition=Q(purpose=ZellePurpose.REQUEST, request__isnull=False)
                | ~Q(purpose=ZellePurpose.REQUEST) & Q(request=None),
                name="billing_expected_of_a_request",
            ),
            models.UniqueConstraint(
                fields=["user", "purpose"],
                condition=IS_OPEN & Q(purpose__in=[ZellePurpose.AMOUNT, ZellePurpose.MEMBERSHIP]),
                name="billing_one_open_expected",
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=~Q(state__in=sorted(EXPECTED_GONE)),
                name="billing_one_expected_of_request",
            ),
            models.UniqueConstraint(
                fields=["invoice"],
                condition=~Q(state__in=sorted(EXPECTED_GONE)),
                name="billing_one_expected_of_invoice",
            ),
        ]
        indexes = [models.Index(fields=["user", "state"], name="billing_expected_of_user")]

    def __str__(self) -> str:
        return f"{self.description}, {self.money}"

    @property
    def money(self) -> Money:
        """What's to be paid."""
        return Money(self.amount, self.currency)

    @property
    def is_open(self) -> bool:
        """Whether its money is still awaited."""
        return self.state in EXPECTED_OPEN

    def received(self) -> int:
        """Return the cents that count for it by now."""
        rows = self.allocations.filter(state=AllocationState.CONFIRMED)
        return int(rows.aggregate(sum=Sum("amount", default=0))["sum"])


class Allocation(models.Model):
    """That a transfer's money, or part of it, is for a payment. Never deleted: undone instead.

    Nobody in `confirmed_by` means that it counted by itself, by reference and amount. `reasons` are
    `billing.bank.matching.Reason` values.
    """

    transfer = models.ForeignKey(BankTransfer, on_delete=models.PROTECT, related_name="allocations")
    expected = models.ForeignKey(
        ExpectedTransfer, on_delete=models.PROTECT, related_name="allocations"
    )
    amount = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=choices(AllocationState))
    reasons = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    first_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The first of two people, where the amount takes two.",
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_because = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "match"
        verbose_name_plural = "matches"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_allocation_amount"),
            models.UniqueConstraint(
                fields=["transfer", "expected"],
                condition=~Q(state=AllocationState.UNDONE),
                name="billing_allocation_once",
            ),
            models.CheckConstraint(
                condition=Q(first_confirmed_by=None)
                | Q(confirmed_by=None)
                | ~Q(first_confirmed_by=models.F("confirmed_by")),
                name="billing_allocation_by_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money} for {self.expected_id}"

    @property
    def money(self) -> Money:
        """The part of the transfer that counts."""
        return Money(self.amount, self.transfer.currency)
