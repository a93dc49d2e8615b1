"""Our answers to disputes, with their files."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0029_closings_keep_direct_money"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DisputeAnswer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("inquiry", "Inquiry"),
                            ("dispute", "Dispute"),
                            ("appeal", "Appeal"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("sending", "Sending"),
                            ("sent", "Sent"),
                            ("accepting", "Accepting"),
                            ("accepted", "Accepted"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("texts", models.JSONField(blank=True, default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "tries",
                    models.PositiveIntegerField(
                        default=0, help_text="How often Stripe failed: each begins a new request."
                    ),
                ),
                (
                    "problem",
                    models.TextField(blank=True, help_text="Why it isn't confirmed, for staff."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("edited_at", models.DateTimeField()),
                (
                    "asked_at",
                    models.DateTimeField(
                        blank=True, help_text="When somebody pressed the button.", null=True
                    ),
                ),
                (
                    "done_at",
                    models.DateTimeField(blank=True, help_text="When Stripe had it.", null=True),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dispute",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answers",
                        to="billing.dispute",
                    ),
                ),
                (
                    "edited_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "permissions": [
                    ("send_disputeanswer", "Can send an answer to the bank, or accept")
                ],
                "default_permissions": ("change",),
            },
        ),
        migrations.CreateModel(
            name="EvidenceFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "field",
                    models.CharField(help_text="Stripe's name of the evidence.", max_length=100),
                ),
                ("name", models.CharField(max_length=200)),
                ("content", models.BinaryField()),
                ("size", models.PositiveIntegerField()),
                ("pages", models.PositiveIntegerField()),
                ("is_ours", models.BooleanField(default=False, help_text="Made from our records.")),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False)),
                (
                    "stripe_id",
                    models.CharField(blank=True, max_length=255, verbose_name="Stripe id"),
                ),
                ("added_at", models.DateTimeField(auto_now_add=True)),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="billing.disputeanswer",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="disputeanswer",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        ["accepting", "sending"],
                    )
                ),
                fields=["asked_at"],
                name="billing_answer_under_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="disputeanswer",
            constraint=models.UniqueConstraint(
                fields=("dispute", "stage"), name="billing_one_answer_a_stage"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidencefile",
            constraint=models.UniqueConstraint(
                fields=("answer", "field"), name="billing_one_file_a_field"
            ),
        ),
    ]
