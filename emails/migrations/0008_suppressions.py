"""Addresses that get only needed emails, and how far the mailbox of bounces was read."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0007_edited_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BounceMailbox",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mailbox", models.CharField(max_length=300, unique=True)),
                ("uid_validity", models.BigIntegerField(blank=True, null=True)),
                ("last_uid", models.BigIntegerField(default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name_plural": "bounce mailboxes",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                (
                    "reason",
                    models.CharField(
                        choices=[("bounced", "Emails bounce"), ("complained", "Marked as spam")],
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("server", "Mail server"),
                            ("mailbox", "Mailbox of bounces"),
                            ("provider", "Email provider"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "words",
                    models.CharField(
                        blank=True,
                        help_text="What the mail server or the provider said.",
                        max_length=500,
                    ),
                ),
                ("happened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                (
                    "message",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="suppressions",
                        to="emails.message",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who said that the address works: the member, or somebody on the staff.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suppressions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "suppressed address",
                "verbose_name_plural": "suppressed addresses",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("released_at__isnull", True)),
                        fields=("address",),
                        name="emails_suppression_once",
                    )
                ],
            },
        ),
    ]
