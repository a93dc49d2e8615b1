"""The business's clock, country, languages, and way of writing, as owners set them."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("business", "0004_quiet_hours"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LocaleVersion",
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
                    "locale",
                    models.CharField(blank=True, max_length=20, verbose_name="numbers and dates"),
                ),
                ("time_zone", models.CharField(blank=True, max_length=64)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("language", models.CharField(blank=True, max_length=20)),
                (
                    "languages",
                    models.JSONField(blank=True, null=True, verbose_name="offered languages"),
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
                "verbose_name": "version of time and place",
                "verbose_name_plural": "time and place",
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
    ]
