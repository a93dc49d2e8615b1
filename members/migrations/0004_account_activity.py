"""The table of changes that members see in their list of activity."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0003_cache_table"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountActivity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "Email address"),
                            ("phone", "Phone number"),
                            ("phone_removed", "Phone number removed"),
                            ("texts_on", "Text messages on"),
                            ("texts_off", "Text messages off"),
                            ("password", "Password"),
                            ("app_added", "Authenticator app added"),
                            ("app_removed", "Authenticator app removed"),
                            ("passkey_added", "Passkey added"),
                            ("passkey_removed", "Passkey removed"),
                            ("codes_made", "New spare codes"),
                            ("code_used", "Spare code used"),
                            ("steps_removed", "Second step removed"),
                            ("card", "Card"),
                            ("joined", "Membership started"),
                            ("ending", "Membership set to end"),
                            ("kept", "Membership kept"),
                            ("switched", "Other price"),
                            ("paused", "Payments paused"),
                            ("resumed", "Payments resumed"),
                            ("ended", "Membership ended"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "by",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("member", "The member"),
                            ("staff", "Staff"),
                            ("stripe", "Stripe or the bank"),
                        ],
                        help_text="Empty if unknown.",
                        max_length=10,
                    ),
                ),
                (
                    "detail",
                    models.CharField(
                        blank=True, help_text="A passkey’s name, a card, or a plan.", max_length=200
                    ),
                ),
                (
                    "ip",
                    models.GenericIPAddressField(blank=True, null=True, verbose_name="IP address"),
                ),
                (
                    "user_agent",
                    models.CharField(blank=True, max_length=500, verbose_name="browser"),
                ),
                (
                    "happened_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activity",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "account activity",
                "ordering": ["-happened_at", "-id"],
                "indexes": [
                    models.Index(fields=["user", "-happened_at"], name="members_activity_of_user")
                ],
            },
        ),
    ]
