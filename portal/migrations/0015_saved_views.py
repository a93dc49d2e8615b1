"""Lists as staff saved them, for themselves or the team."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0014_closed_by_staff"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "model",
                    models.CharField(help_text="Whose list it is, as app.model.", max_length=100),
                ),
                ("name", models.CharField(max_length=40)),
                ("filters", models.JSONField(default=list)),
                (
                    "is_shared",
                    models.BooleanField(default=False, verbose_name="shared with the team"),
                ),
                (
                    "is_default",
                    models.BooleanField(
                        default=False,
                        help_text="Whether its owner's list opens with it.",
                        verbose_name="opens the list",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["model", "name"],
                "permissions": [("share_savedview", "Can share saved views with the team")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "model", "name"), name="portal_saved_view_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("owner", "model"),
                        name="portal_saved_view_one_default",
                    ),
                ],
            },
        ),
    ]
