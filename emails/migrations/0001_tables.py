"""The outbox: every email and text message, from queued to delivered."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
STATES = [
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("sent", "Sent"),
    ("delivered", "Delivered"),
    ("failed", "Failed"),
    ("skipped", "Not needed"),
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("emails", "0001_initial"),
        ("emails", "0002_resends_expiry_and_database_defaults"),
        ("emails", "0003_keys_without_addresses"),
        ("emails", "0004_order_and_faults"),
        ("emails", "0005_forgetting"),
    ]

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="messages_sent",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("email", "Email"), ("sms", "Text message")], max_length=5
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                (
                    "recipient",
                    models.CharField(help_text="Email address or E.164 number.", max_length=254),
                ),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="Empty where it would show a code.", max_length=255
                    ),
                ),
                ("context", models.JSONField(default=dict)),
                (
                    "cause",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="What it is about: begins with the id of an invoice, a refund, a subscription.",
                        max_length=255,
                    ),
                ),
                ("dedupe_key", models.CharField(max_length=255, unique=True)),
                ("state", models.CharField(choices=STATES, db_default="queued", max_length=10)),
                ("attempts", models.PositiveIntegerField(db_default=0)),
                ("error", models.TextField(blank=True, db_default="")),
                (
                    "is_our_fault",
                    models.BooleanField(
                        db_default=False,
                        help_text="The last attempt was refused because of us, not of the recipient.",
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        db_index=True,
                        help_text="Message-ID or Twilio SID.",
                        max_length=255,
                    ),
                ),
                ("provider_status", models.CharField(blank=True, db_default="", max_length=40)),
                (
                    "resend_of",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="resends",
                        to="emails.message",
                    ),
                ),
                (
                    "resent_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who of the staff had it sent again.",
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=Now(), editable=False)),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Not sent after this: its code would not work any more.",
                        null=True,
                    ),
                ),
                ("sending_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "empty_when_done",
                    models.BooleanField(
                        db_default=False,
                        help_text="It is about somebody who has left: nothing of it is kept.",
                    ),
                ),
                (
                    "emptied_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When recipient and words were taken out of it.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(state__in=["queued", "sending"]),
                        fields=["created_at"],
                        name="emails_message_open",
                    ),
                    models.Index(
                        condition=models.Q(state__in=["queued", "sending"]),
                        fields=["recipient", "id"],
                        name="emails_message_order",
                    ),
                ],
            },
        )
    ]
