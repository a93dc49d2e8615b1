"""Suggested amounts, and how long records are kept, as owners set them."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("business", "0002_accounts_of_the_journal"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        unique=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="saved")),
                (
                    "restores",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The earlier version whose values these are.",
                        null=True,
                    ),
                ),
                (
                    "messages",
                    models.PositiveIntegerField(
                        blank=True, help_text="In days.", null=True, verbose_name="messages"
                    ),
                ),
                (
                    "payloads",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="In days.",
                        null=True,
                        verbose_name="data of events and bank emails",
                    ),
                ),
                (
                    "sign_ins",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="In days.",
                        null=True,
                        verbose_name="sign-ins and account activity",
                    ),
                ),
                (
                    "devices",
                    models.PositiveIntegerField(
                        blank=True, help_text="In days.", null=True, verbose_name="known browsers"
                    ),
                ),
                (
                    "jobs",
                    models.PositiveIntegerField(
                        blank=True, help_text="In days.", null=True, verbose_name="failed jobs"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="saved by",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of the retention",
                "verbose_name_plural": "retention",
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SuggestionsVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        unique=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="saved")),
                (
                    "restores",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The earlier version whose values these are.",
                        null=True,
                    ),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "amounts",
                    models.JSONField(blank=True, null=True, verbose_name="suggested amounts"),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="saved by",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of the suggested amounts",
                "verbose_name_plural": "suggested amounts",
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
    ]
