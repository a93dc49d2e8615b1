"""Refunds, and the policy that judges them."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.core import limits, refund_times
from billing.core.statuses import (
    REFUND_AT_STRIPE,
    REFUND_SETTLED,
    REFUND_TO_SEND,
    REFUND_VOID,
    ZELLE,
    DisputeStatus,
    RefundOrigin,
    RefundReason,
    RefundState,
)
from billing.models.copy import MemberRecordQuerySet, choices
from billing.models.customer import Customer
from billing.models.payment import Payment
from common.money import Money
from common.reads import Moment


class RefundPolicy(models.Model):
    """One version of the policy; the newest is in force. A version never changes.

    Before staff have saved one, `billing.refunds.terms` writes the portal's own as version 1, and
    reads the rules: `rules` is what `billing.refunds.policy.Policy.as_json` makes, its amounts
    minor units of `currency`.
    """

    version = models.PositiveIntegerField(unique=True, validators=[MinValueValidator(1)])
    currency = models.CharField(max_length=3)
    rules = models.JSONField()
    note = models.CharField(
        max_length=300, blank=True, help_text="What changed and why, for other staff."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["-version"]
        verbose_name = "refund policy version"

    def __str__(self) -> str:
        return f"Version {self.version}"


class RefundQuerySet(MemberRecordQuerySet["Refund"]):
    """Refunds."""

    def holding(self) -> RefundQuerySet:
        """Those whose amount is refunded or promised: all that didn't come to nothing."""
        return self.exclude(state__in=sorted(REFUND_VOID))

    def undecided(self) -> RefundQuerySet:
        """Those waiting for a decision."""
        return self.filter(state=RefundState.REQUESTED)

    def waiting_for_second(self) -> RefundQuerySet:
        """Those that one of two people has approved."""
        return self.undecided().exclude(first_approved_by=None)

    def on_the_way(self) -> RefundQuerySet:
        """Those whose money is going back, or went: approved, and not failed."""
        return self.exclude(state__in=[*sorted(REFUND_VOID), RefundState.REQUESTED])

    def still_owed(self) -> RefundQuerySet:
        """Those that failed, and whose money is still here.

        One is settled once at least its amount goes back in later refunds of the payment, or the
        payment went back another way. A smaller refund since then is for something else.
        """
        later = Refund.objects.on_the_way().filter(
            payment=OuterRef("payment"), pk__gt=OuterRef("pk")
        )
        sums = later.order_by().values("payment").annotate(total=Sum("amount")).values("total")
        failed = self.filter(state=RefundState.FAILED).exclude(failure_reason__in=REFUND_SETTLED)
        owed = failed.alias(made_good=Coalesce(Subquery(sums), 0)).filter(made_good__lt=F("amount"))
        return owed.exclude(payment__disputes__status=DisputeStatus.LOST)

    def failed_lately(self, now: Moment | None = None) -> RefundQuerySet:
        """Those that failed in the last 30 days and haven't been settled since."""
        since = (now or timezone.now()) - refund_times.FAILED_TASK
        return self.still_owed().filter(failed_at__gt=since)

    def held(self, now: Moment | None = None) -> RefundQuerySet:
        """Those that Stripe holds back: for long, or because the balance is too low."""
        is_long = Q(sent_at__lt=(now or timezone.now()) - refund_times.HELD_TASK)
        held = Q(pending_reason="insufficient_funds") | is_long
        return self.filter(held, state=RefundState.PENDING)

    def to_send(self) -> RefundQuerySet:
        """Those approved that aren't at Stripe yet. Staff send the others: see `by_zelle`."""
        return self.filter(state__in=sorted(REFUND_TO_SEND)).exclude(payment__card_brand=ZELLE)

    def by_zelle(self) -> RefundQuerySet:
        """Those approved that staff have to send by Zelle."""
        return self.filter(state__in=sorted(REFUND_TO_SEND), payment__card_brand=ZELLE)

    def not_sent(
        self, now: Moment | None = None, since: timedelta = refund_times.NOT_SENT_TASK
    ) -> RefundQuerySet:
        """Those approved longer ago than `since` that aren't at Stripe yet."""
        return self.to_send().filter(decided_at__lt=(now or timezone.now()) - since)


class Refund(models.Model):
    """One refund of one payment, from request to bank. Amounts are minor units; times are UTC.

    `key` comes from the form that made it, so two clicks make one row. It's also the idempotency
    key of Stripe's refund, and is in that refund's metadata: one Stripe refund per row. `read_at`
    says as of when the row shows Stripe's data for `stripe_id`.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField()
    amount_asked = models.BigIntegerField(help_text="What was asked for; staff may approve less.")
    currency = models.CharField(max_length=3)
    origin = models.CharField(max_length=10, choices=choices(RefundOrigin))
    reason = models.CharField(max_length=20, choices=choices(RefundReason), blank=True)
    words = models.TextField(max_length=1000, blank=True, help_text="Of whoever asked.")
    cancels_membership = models.BooleanField(
        default=False, help_text="The member wants to leave, too."
    )
    state = models.CharField(max_length=20, choices=choices(RefundState))
    policy = models.ForeignKey(
        RefundPolicy, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds"
    )
    verdict = models.JSONField(default=dict, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(default=1)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    first_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who approved it in the end, or denied it; nobody where the policy decided.",
    )
    answer = models.TextField(max_length=1000, blank=True, help_text="Our words to the member.")
    problem = models.TextField(blank=True, help_text="Why it is stuck or failed, for staff.")
    tried_at = models.DateTimeField(null=True, blank=True)
    stripe_id = models.CharField("Stripe id", max_length=255, null=True, blank=True, unique=True)
    read_at = models.DateTimeField("last read from Stripe", null=True, blank=True)
    failure_reason = models.CharField(
        max_length=limits.WORD,
        blank=True,
        help_text="Stripe's word for why it failed or was refused.",
    )
    pending_reason = models.CharField(
        max_length=limits.WORD, blank=True, help_text="Stripe's word for what it waits for."
    )
    answer_by = models.DateTimeField(
        null=True, blank=True, help_text="Until when the member must say where the money is to go."
    )
    reference = models.CharField(
        max_length=limits.NUMBER, blank=True, help_text="The number by which the bank finds it."
    )
    credit_note_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe took it.")
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        permissions = [
            ("approve_refund", "Can approve and deny refunds"),
            ("approve_large_refund", "Can approve refunds that take two people"),
            ("audit_refund", "Can read the ledger of refunds and verify it"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount_asked__gte=models.F("amount")),
                name="billing_refund_of_an_amount",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(state=RefundState.REQUESTED),
                name="billing_one_undecided_refund",
            ),
            models.CheckConstraint(
                condition=Q(first_approved_by=None)
                | Q(decided_by=None)
                | Q(state=RefundState.DENIED)
                | ~Q(first_approved_by=models.F("decided_by")),
                name="billing_refund_by_two_people",
            ),
            models.CheckConstraint(
                condition=Q(stripe_id=None) | Q(state__in=sorted(REFUND_AT_STRIPE)),
                name="billing_refund_at_stripe",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="billing_refund_list"),
            models.Index(fields=["state", "created_at"], name="billing_refund_queue"),
            models.Index(fields=["-created_at", "-id"], name="billing_refund_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.money} of {self.payment}"

    @property
    def money_asked(self) -> Money:
        """What the member asked for."""
        return Money(self.amount_asked, self.currency)

    @property
    def was_asked(self) -> bool:
        """Whether Stripe had to ask the member where the money should go."""
        return self.answer_by is not None

    @property
    def money(self) -> Money:
        """The amount that goes back."""
        return Money(self.amount, self.currency)

    @property
    def is_undecided(self) -> bool:
        """Whether someone has to decide."""
        return self.state == RefundState.REQUESTED

    @property
    def approvals_given(self) -> int:
        """How many of the required approvals it has."""
        if self.is_undecided:
            return 1 if self.first_approved_by_id else 0
        return self.approvals_needed
