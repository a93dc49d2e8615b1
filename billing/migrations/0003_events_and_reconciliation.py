"""Webhook events, those that are ignored, and the checks for missed ones."""

from django.db import migrations, models
from django.db.models.functions import Now

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
EVENT_STATES = [
    ("pending", "Pending"),
    ("processed", "Processed"),
    ("ignored", "Ignored"),
    ("retrying", "Retrying"),
    ("failed", "Failed"),
]
REASONS = [("thin", "Thin event"), ("other_mode", "Event of the other mode")]


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_invoices_and_payments")]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0002_names_for_people"),
        ("billing", "0003_reconciliation_compares"),
        ("billing", "0031_ignored_events_and_missing_setup"),
        ("billing", "0034_forgetting"),
    ]

    operations = [
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                ("id", ID),
                ("stripe_id", models.CharField(max_length=255, verbose_name="Stripe id")),
                ("type", models.CharField(max_length=100)),
                ("object_id", models.CharField(blank=True, db_default="", max_length=255)),
                (
                    "customer_id",
                    models.CharField(
                        blank=True, db_default="", max_length=255, verbose_name="Stripe customer"
                    ),
                ),
                ("api_version", models.CharField(blank=True, db_default="", max_length=50)),
                ("created_at", models.DateTimeField(verbose_name="happened at Stripe")),
                ("received_at", models.DateTimeField(db_default=Now())),
                ("payload", models.JSONField()),
                (
                    "state",
                    models.CharField(choices=EVENT_STATES, db_default="pending", max_length=10),
                ),
                ("attempts", models.PositiveIntegerField(db_default=0)),
                ("error", models.TextField(blank=True, db_default="")),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reduced_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When all but ids was taken out of the payload.",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook event",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["type", "-id"], name="billing_event_type"),
                    models.Index(fields=["object_id"], name="billing_event_object"),
                    models.Index(
                        condition=models.Q(state__in=["pending", "retrying"]),
                        fields=["received_at"],
                        name="billing_event_open",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("stripe_id",), name="billing_event_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="IgnoredEvents",
            fields=[
                ("id", ID),
                ("reason", models.CharField(choices=REASONS, max_length=20)),
                ("type", models.CharField(max_length=100)),
                ("count", models.PositiveBigIntegerField(default=1)),
                ("last_id", models.CharField(max_length=255, verbose_name="last event")),
                ("first_at", models.DateTimeField(db_default=Now(), verbose_name="first came")),
                ("last_at", models.DateTimeField(db_default=Now(), verbose_name="last came")),
            ],
            options={
                "verbose_name": "ignored event",
                "verbose_name_plural": "ignored events",
                "ordering": ["-last_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("reason", "type"), name="billing_ignored_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="MissingSetup",
            fields=[
                ("id", ID),
                (
                    "name",
                    models.CharField(
                        choices=[("customer_portal", "Customer portal")], max_length=40, unique=True
                    ),
                ),
                ("found_at", models.DateTimeField(auto_now_add=True, verbose_name="found missing")),
            ],
            options={
                "verbose_name": "missing setup at Stripe",
                "verbose_name_plural": "missing setup at Stripe",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", ID),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("events_seen", models.PositiveIntegerField(default=0)),
                ("events_missed", models.PositiveIntegerField(default=0)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                ("customers_compared", models.PositiveIntegerField(default=0)),
                ("customers_agreeing", models.PositiveIntegerField(default=0)),
                ("differences_found", models.PositiveIntegerField(default=0)),
                ("differences_left", models.PositiveIntegerField(default=0)),
                ("differences", models.JSONField(blank=True, default=list)),
                ("error", models.TextField(blank=True)),
            ],
            options={"verbose_name": "missed-event check", "ordering": ["-id"]},
        ),
    ]
