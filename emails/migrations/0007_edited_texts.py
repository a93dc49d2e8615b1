"""What staff write in place of a message's subject or opening, with its history."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0006_copies_as_sent"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EditedText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("language", models.CharField(max_length=20)),
                ("version", models.PositiveIntegerField()),
                ("subject", models.CharField(blank=True, max_length=120)),
                ("lead", models.CharField(blank=True, max_length=600, verbose_name="opening")),
                ("days", models.JSONField(blank=True, default=list)),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="saved")),
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
                "ordering": ["kind", "language", "-version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "language", "version"), name="emails_editedtext_version"
                    )
                ],
            },
        ),
    ]
