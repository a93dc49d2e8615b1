"""Whether emails bring their PDF, as owners set it."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("business", "0005_time_and_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AttachmentsVersion",
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
                    "receipts",
                    models.BooleanField(blank=True, null=True, verbose_name="receipts as PDF"),
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
                "verbose_name": "version of the attachments",
                "verbose_name_plural": "attachments",
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
    ]
