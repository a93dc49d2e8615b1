"""What people write to us on the help page, and whether somebody has answered."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("portal", "0005_data_exports"),
    ]

    operations = [
        migrations.CreateModel(
            name="SupportMessage",
            fields=[
                ("id", ID),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("name", models.CharField(blank=True, max_length=150)),
                (
                    "email",
                    models.CharField(blank=True, max_length=254, verbose_name="email address"),
                ),
                ("words", models.TextField(max_length=4000, verbose_name="message")),
                (
                    "page",
                    models.CharField(
                        blank=True,
                        help_text="The page from which they came to the help page.",
                        max_length=200,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "answered_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="answered"),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="support_messages",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "message from a member",
                "verbose_name_plural": "messages from members",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("answered_at", None)),
                        fields=["created_at"],
                        name="portal_support_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("user__isnull", False),
                            models.Q(("email", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="portal_support_message_has_a_sender",
                    )
                ],
            },
        ),
    ]
