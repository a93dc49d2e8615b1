"""The inbox: every event from Stripe, and its state."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from billing.core.statuses import OPEN_EVENT, EventState
from billing.models.copy import choices


class StripeEvent(models.Model):
    """A webhook event. The payload is kept for people to read; we take only IDs from it."""

    stripe_id = models.CharField("Stripe id", max_length=255)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True, db_default="")
    customer_id = models.CharField("Stripe customer", max_length=255, blank=True, db_default="")
    api_version = models.CharField(max_length=50, blank=True, db_default="")
    created_at = models.DateTimeField("happened at Stripe")
    received_at = models.DateTimeField(db_default=Now())
    payload = models.JSONField()
    state = models.CharField(
        max_length=10, choices=choices(EventState), db_default=EventState.PENDING
    )
    attempts = models.PositiveIntegerField(db_default=0)
    error = models.TextField(blank=True, db_default="")
    processed_at = models.DateTimeField(null=True, blank=True)
    reduced_at = models.DateTimeField(
        null=True, blank=True, help_text="When all but ids was taken out of the payload."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "webhook event"
        # A constraint rather than `unique=True`, which would add an index for LIKE.
        constraints = [
            models.UniqueConstraint(fields=["stripe_id"], name="billing_event_once"),
        ]
        indexes = [
            models.Index(fields=["type", "-id"], name="billing_event_type"),
            models.Index(fields=["object_id"], name="billing_event_object"),
            models.Index(
                fields=["received_at"],
                condition=models.Q(state__in=sorted(OPEN_EVENT)),
                name="billing_event_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_id}"


class EventAttempt(models.Model):
    """One try at processing an event. The rows that it changed are its `changes`.

    Without `ended_at`, it's still running, or its worker died.
    """

    event = models.ForeignKey(StripeEvent, on_delete=models.CASCADE, related_name="tries")
    is_replay = models.BooleanField("replayed by staff", default=False)
    began_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(
        max_length=10,
        choices=choices(EventState),
        blank=True,
        db_default="",
        help_text="What it left the event in.",
    )
    problem = models.TextField(blank=True, db_default="")

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Attempt {self.pk} at event {self.event_id}"


class ChangeAction(models.TextChoices):
    """What happened to a row."""

    INSERT = "I", "Added"
    UPDATE = "U", "Changed"
    DELETE = "D", "Removed"


class RowChange(models.Model):
    """A row that an attempt added, changed, or removed, as the database's triggers saw it.

    `before` and `after` have the columns that differ; a new row has no `before`, a removed one no
    `after`. Times of reading are left out, and so are some columns that hold much about a person
    (the migration that makes the triggers says which).
    """

    attempt = models.ForeignKey(EventAttempt, on_delete=models.CASCADE, related_name="changes")
    table = models.CharField(max_length=63)
    row = models.BigIntegerField()
    action = models.CharField(max_length=1, choices=ChangeAction.choices)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.table} {self.row}"
