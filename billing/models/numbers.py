"""The business's numbers by day, made from our rows: they can be made anew at any time.

Days are the business's (`TIME_ZONE`), amounts minor units. `billing.facts.daily` keeps them.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.core import limits
from billing.models.subscription import Subscription

# When what they're about is deleted, these rows tell which days to count again.
LEFT_TO_TRIGGERS: dict[str, Any] = {
    "on_delete": models.DO_NOTHING,
    "db_constraint": False,
    "related_name": "+",
}


class MemberSpan(models.Model):
    """What a member was in a currency from a day until the next change, at each day's end.

    `movement` says what the change of MRR is called, `membership` that of being a member; `joined`
    is the first of the month in which they became a member for the first time. See
    `billing.core.recurring`.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, **LEFT_TO_TRIGGERS)
    currency = models.CharField(max_length=limits.CURRENCY)
    day = models.DateField()
    until = models.DateField(null=True, blank=True, help_text="The day of the next change.")
    mrr_before = models.BigIntegerField()
    mrr = models.BigIntegerField()
    was_member = models.BooleanField()
    is_member = models.BooleanField()
    movement = models.CharField(max_length=limits.WORD, blank=True)
    membership = models.CharField(max_length=limits.WORD, blank=True)
    joined = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["day", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "currency", "day"], name="billing_span_once"),
        ]
        indexes = [
            models.Index(fields=["currency", "day"], name="billing_span_day"),
            models.Index(
                fields=["currency", "joined"],
                condition=~Q(membership=""),
                name="billing_span_cohort",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} from {self.day}"


class TrialSpan(models.Model):
    """A membership's free trial. `ended` is empty while it runs."""

    subscription = models.OneToOneField(Subscription, **LEFT_TO_TRIGGERS)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, **LEFT_TO_TRIGGERS)
    currency = models.CharField(max_length=limits.CURRENCY)
    started = models.DateField()
    ended = models.DateField(null=True, blank=True)
    converted = models.BooleanField()

    class Meta:
        ordering = ["started", "id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["started"], name="billing_trial_started"),
            models.Index(fields=["ended"], name="billing_trial_ended"),
        ]

    def __str__(self) -> str:
        return f"Trial from {self.started}"


class DayFact(models.Model):
    """How many of something there were on a day, and what they came to (`billing.facts.daily`)."""

    day = models.DateField()
    currency = models.CharField(max_length=limits.CURRENCY)
    kind = models.CharField(max_length=limits.WORD)
    count = models.BigIntegerField()
    amount = models.BigIntegerField(help_text="Minor units.")

    class Meta:
        ordering = ["day", "kind"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["currency", "day", "kind"], name="billing_fact_once"),
        ]
        indexes = [models.Index(fields=["day"], name="billing_fact_day")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.day}"


class CohortFact(models.Model):
    """By how much those who joined in one month became more or fewer in another."""

    currency = models.CharField(max_length=limits.CURRENCY)
    joined = models.DateField(help_text="The first of the month.")
    month = models.DateField(help_text="The first of the month.")
    change = models.IntegerField()

    class Meta:
        ordering = ["joined", "month"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "joined", "month"], name="billing_cohort_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Joined in {self.joined:%Y-%m}: {self.change} in {self.month:%Y-%m}"


class FactDue(models.Model):
    """That a member, or the day of a time, has to be counted again; the database notes it itself.

    Triggers write it with whatever changes a row that counts. `user_id` is no reference: the user
    may be gone.
    """

    user_id = models.BigIntegerField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Member {self.user_id}" if self.user_id else f"{self.moment}"


class NumbersMail(models.Model):
    """That somebody of the staff wants the numbers by email every week."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="numbers_mail"
    )
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user}, since {self.since:%Y-%m-%d}"


class DayMail(models.Model):
    """That somebody of the staff wants to know every morning what happened the day before."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="day_mail"
    )
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user}, since {self.since:%Y-%m-%d}"


class FailureMail(models.Model):
    """That somebody of the staff wants to know right away when a renewal fails."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="failure_mail"
    )
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user}, since {self.since:%Y-%m-%d}"


class FactState(models.Model):
    """As of when the facts are current, and for which time zone they were made. There's one row."""

    time_zone = models.CharField(max_length=64)
    current_at = models.DateTimeField()
    rebuilt_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Current as of {self.current_at}"
