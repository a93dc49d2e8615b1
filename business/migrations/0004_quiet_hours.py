"""When texts that can wait aren't sent, as owners set it."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("business", "0003_suggestions_and_retention"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="QuietHoursVersion",
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
                    "begins",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="from"),
                ),
                (
                    "ends",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="until"),
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
                "verbose_name": "version of the quiet hours",
                "verbose_name_plural": "quiet hours",
                "ordering": ["-version"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("begins", None), ("ends", None)),
                            models.Q(("begins__range", (0, 23)), ("ends__range", (0, 23))),
                            _connector="OR",
                        ),
                        name="business_quiet_hours_are_hours",
                    )
                ],
            },
        ),
    ]
