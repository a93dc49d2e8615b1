"""Saved payment methods, and which one is a customer's default."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0016_billing_details"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="default_method_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                max_length=255,
                verbose_name="default payment method",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="methods_read_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When all of their payment methods were last read.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="PaymentMethod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "stripe_id",
                    models.CharField(max_length=255, unique=True, verbose_name="Stripe id"),
                ),
                ("read_at", models.DateTimeField(verbose_name="last read from Stripe")),
                ("kind", models.CharField(max_length=100)),
                ("card_brand", models.CharField(blank=True, max_length=100)),
                ("card_last4", models.CharField(blank=True, max_length=4)),
                (
                    "card_expires",
                    models.CharField(blank=True, help_text="YYYY-MM", max_length=7),
                ),
                ("wallet", models.CharField(blank=True, max_length=100)),
                ("fingerprint", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payment_methods",
                        to="billing.customer",
                    ),
                ),
            ],
            options={"ordering": ["-created_at", "-id"]},
        ),
    ]
