"""A member's subscription: to the plan, or to something else that Stripe charges them for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from django.db import models

from billing.core import limits
from billing.core.statuses import (
    LIVE_SUBSCRIPTION,
    CollectionMethod,
    PauseBehavior,
    SubscriptionStatus,
)
from billing.core.subscription_items import SubscriptionItem
from billing.models.copy import MemberRecordQuerySet, StripeCopy, choices
from billing.models.customer import Customer
from common.money import Money


class SubscriptionQuerySet(MemberRecordQuerySet["Subscription"]):
    """Subscriptions: memberships, and what members are billed for besides."""

    def memberships(self) -> Self:
        """Those that are the membership, now or once."""
        return self.filter(is_membership=True)

    def others(self) -> Self:
        """Those to something else."""
        return self.filter(is_membership=False)

    def live(self) -> Self:
        """Those that are running, paid up or not."""
        return self.filter(status__in=LIVE_SUBSCRIPTION)


# Nothing is collected for now, because its payments or the subscription itself are paused.
# What `Subscription.ends_with_period` denies: an end that's renewals away stops none of them.
RENEWS = models.Q(cancel_at_period_end=False) & (
    models.Q(cancel_at=None) | models.Q(cancel_at__gt=models.F("current_period_end"))
)
IS_PAUSED = models.Q(pause_behavior__gt="") | models.Q(status=SubscriptionStatus.PAUSED)


class Subscription(StripeCopy):
    """Stripe's subscription. Amounts are in minor units; times are UTC.

    It's the membership if one of its `items` is a price of the plan's product
    (`billing.facts.memberships`). Price, interval, and period are that item's, or else the first
    one's; `amount` is for all items, `plan_amount` for the membership alone. `items` is empty in
    rows that weren't read since the column exists.

    `pause_behavior` is empty if it isn't paused, and None if that's unknown (a row from before the
    column): a pause found then isn't news.

    `discounts` is a list of `{"id", "coupon", "name", "code", "percent_off", "amount_off",
    "currency", "duration", "ends_at"}`: those that still apply, with ends in seconds since 1970.
    One that's given on a single item also has that one's ID as its `"item"`.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=limits.WORD, choices=choices(SubscriptionStatus))
    is_membership = models.BooleanField("membership", default=True, db_default=True)
    name = models.TextField("for", blank=True, default="", db_default="")
    items = models.JSONField(default=list, db_default=[], blank=True)
    price_id = models.CharField(max_length=limits.ID)
    plan_amount = models.BigIntegerField(
        default=0, db_default=0, help_text="Minor units a period: the membership's part of it."
    )
    amount = models.BigIntegerField(
        help_text="Minor units a period, before discounts and added tax."
    )
    currency = models.CharField(max_length=limits.CURRENCY)
    interval = models.CharField(max_length=limits.WORD)
    interval_count = models.PositiveIntegerField(default=1)
    current_period_start = models.DateTimeField()
    current_period_end = models.DateTimeField()
    trial_end = models.DateTimeField(null=True, blank=True)
    is_second_trial = models.BooleanField(
        default=False,
        db_default=False,
        help_text="We gave this trial to somebody who, as it turned out, had one before.",
    )
    has_free_time = models.BooleanField(
        "was given free time",
        default=False,
        db_default=False,
        help_text="Later trials at Stripe are time that staff gave, as its metadata say.",
    )
    cancel_at = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    canceled_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    card_brand = models.CharField(max_length=limits.WORD, blank=True)
    card_last4 = models.CharField(max_length=limits.LAST4, blank=True)
    card_expires = models.CharField(max_length=limits.MONTH, blank=True, help_text="YYYY-MM")
    method_id = models.CharField("payment method", max_length=limits.ID, blank=True)
    card_added_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe got to know the card."
    )
    collection_method = models.CharField(
        max_length=limits.WORD,
        choices=choices(CollectionMethod),
        default=CollectionMethod.CHARGE,
        db_default=CollectionMethod.CHARGE,
    )
    days_until_due = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long a member has to pay an invoice that is sent."
    )
    pause_behavior = models.CharField(
        max_length=limits.WORD,
        choices=choices(PauseBehavior),
        null=True,
        blank=True,
        help_text="While collection is paused: what becomes of new invoices.",
    )
    resumes_at = models.DateTimeField(
        "collection resumes", null=True, blank=True, help_text="Empty: when staff say so."
    )
    discounts = models.JSONField(default=list, blank=True)
    next_charge = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units, from Stripe's preview of the next invoice."
    )
    next_credit = models.BigIntegerField(
        db_default=0,
        default=0,
        help_text="Minor units of credit that the next invoice uses, from the same.",
    )
    taxation = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="Whether the next invoice adds tax, or the price includes it, from the same.",
    )
    tax_is_automatic = models.BooleanField(default=False, db_default=False)
    is_by_zelle = models.BooleanField(
        "paid by Zelle",
        default=False,
        db_default=False,
        help_text="We said so at Stripe: when it began, or when its member chose Zelle.",
    )
    tax_problem = models.CharField(
        max_length=limits.WORD,
        blank=True,
        default="",
        db_default="",
        help_text="Stripe's word for why it no longer works out the tax.",
    )
    schedule_id = models.CharField(
        "schedule",
        max_length=limits.ID,
        blank=True,
        default="",
        db_default="",
        help_text="Of what is planned for it at Stripe.",
    )
    planned_price_id = models.CharField(
        "planned price", max_length=limits.ID, blank=True, default="", db_default=""
    )
    planned_at = models.DateTimeField(
        "planned from", null=True, blank=True, help_text="When that price begins."
    )
    changes_at = models.DateTimeField(
        "changes from",
        null=True,
        blank=True,
        help_text="When something else that's scheduled begins, if that's before that price.",
    )
    balance = models.BigIntegerField(
        db_default=0,
        default=0,
        help_text="Minor units: the customer's balance at Stripe. Less than 0 is credit.",
    )
    end_reason = models.CharField(
        max_length=limits.WORD, blank=True, help_text="Stripe's word for why it ends or ended."
    )

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="billing_subscription_newest"),
            models.Index(
                fields=["customer"],
                condition=models.Q(
                    models.Q(cancel_at=None)
                    | models.Q(cancel_at__gt=models.F("current_period_end")),
                    is_membership=True,
                    status__in=sorted(LIVE_SUBSCRIPTION),
                    cancel_at_period_end=False,
                ),
                name="billing_membership_renewing",
            ),
            # Few have these, and home asks for them each time.
            models.Index(
                fields=["id"],
                condition=models.Q(is_second_trial=True),
                name="billing_second_trials",
            ),
            models.Index(
                fields=["id"], condition=~models.Q(tax_problem=""), name="billing_untaxed"
            ),
        ]
        permissions = [("cancel_subscription_now", "Can end a membership at once")]

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_status_display().lower()}"

    @property
    def money(self) -> Money:
        """What one period costs, tax on top aside."""
        return Money(self.amount, self.currency)

    @property
    def plan_price(self) -> Money:
        """The membership's part of it."""
        return Money(self.plan_amount, self.currency)

    @property
    def money_balance(self) -> Money:
        """The customer's balance: below zero it's credit."""
        return Money(self.balance, self.currency)

    @property
    def money_next_credit(self) -> Money:
        """The credit that pays part of the next charge."""
        return Money(self.next_credit, self.currency)

    @property
    def is_live(self) -> bool:
        """Whether the member has the membership now, paid up or not."""
        return self.status in LIVE_SUBSCRIPTION

    @property
    def is_paused(self) -> bool:
        """Whether Stripe collects nothing for now although it continues (`pause_collection`)."""
        return bool(self.pause_behavior)

    def is_paused_at(self, moment: datetime) -> bool:
        """Whether it will still be paused at a time, as far as Stripe has said."""
        return self.is_paused and (self.resumes_at is None or self.resumes_at > moment)

    @property
    def is_renewal_charged(self) -> bool:
        """Whether its next renewal is charged: it goes on until then, and won't be paused."""
        return not self.ends_with_period and not self.is_paused_at(self.current_period_end)

    @property
    def is_in_free_time(self) -> bool:
        """Whether it's free now because staff said so. At Stripe that's a trial."""
        return self.has_free_time and self.status == SubscriptionStatus.TRIALING

    @property
    def is_sent(self) -> bool:
        """Whether its invoices are sent rather than charged."""
        return self.collection_method == CollectionMethod.SEND

    @property
    def parts(self) -> list[SubscriptionItem]:
        """Its items; empty if they aren't known yet."""
        return [SubscriptionItem(**one) for one in self.items]

    @property
    def card_ends_at(self) -> datetime | None:
        """When its card expires: after the month printed on it."""
        year, _, month = self.card_expires.partition("-")
        if not month:
            return None
        months = int(year) * 12 + int(month)
        return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime | None:
        """When it will end automatically, or None if it continues."""
        return self.current_period_end if self.cancel_at_period_end else self.cancel_at

    @property
    def is_planned_next(self) -> bool:
        """Whether what's planned begins with the next period: it may leave renewals before it."""
        return self.planned_at is not None and self.planned_at <= self.current_period_end

    @property
    def changes_with_period(self) -> bool:
        """Whether anything that's scheduled at Stripe begins with the next period."""
        is_before = self.changes_at is not None and self.changes_at <= self.current_period_end
        return self.is_planned_next or is_before

    @property
    def ends_by_schedule(self) -> bool:
        """Whether a schedule at Stripe ends it: it also holds the price, and the trial."""
        return self.ends_at is not None and bool(self.schedule_id)

    @property
    def ends_with_period(self) -> bool:
        """Whether it ends before it would renew. A schedule's end can be several renewals away."""
        return self.ends_at is not None and self.ends_at <= self.current_period_end
