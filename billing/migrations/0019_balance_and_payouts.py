"""Copies of Stripe's balance transactions and payouts, and how far they were read."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0018_guest_checkouts"),
    ]

    operations = [
        migrations.CreateModel(
            name="BalanceReading",
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
                ("totals", models.JSONField(default=dict)),
                ("read_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="BalanceTransaction",
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
                ("category", models.CharField(max_length=100)),
                ("amount", models.BigIntegerField()),
                ("fee", models.BigIntegerField()),
                ("net", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("fees", models.JSONField(default=list)),
                (
                    "exchange_rate",
                    models.DecimalField(blank=True, decimal_places=12, max_digits=24, null=True),
                ),
                (
                    "description",
                    models.CharField(
                        blank=True,
                        help_text="Only where Stripe itself is the cause: no words about members.",
                        max_length=5000,
                    ),
                ),
                ("balance_type", models.CharField(max_length=100)),
                ("source_id", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField()),
                ("available_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Payout",
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
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("in_transit", "In transit"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        max_length=100,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "automatic",
                    models.BooleanField(help_text="Stripe made it, and says what it pays out."),
                ),
                ("method", models.CharField(blank=True, max_length=100)),
                ("description", models.CharField(blank=True, max_length=5000)),
                ("reconciliation", models.CharField(blank=True, max_length=100)),
                (
                    "trace",
                    models.CharField(blank=True, max_length=255, verbose_name="bank’s reference"),
                ),
                ("failure_code", models.CharField(blank=True, max_length=100)),
                ("failure_message", models.CharField(blank=True, max_length=5000)),
                ("created_at", models.DateTimeField()),
                ("arrives_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("charge_id", ""), _negated=True),
                fields=["charge_id"],
                name="billing_payment_charge",
            ),
        ),
        migrations.AddField(
            model_name="balancetransaction",
            name="dispute",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="booked",
                to="billing.dispute",
            ),
        ),
        migrations.AddField(
            model_name="balancetransaction",
            name="payment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="booked",
                to="billing.payment",
            ),
        ),
        migrations.AddField(
            model_name="balancetransaction",
            name="refund",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="booked",
                to="billing.refund",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["-created_at", "-id"], name="billing_payout_list"),
        ),
        migrations.AddField(
            model_name="balancetransaction",
            name="paid_out_in",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="paid_out",
                to="billing.payout",
            ),
        ),
        migrations.AddField(
            model_name="balancetransaction",
            name="payout",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="booked",
                to="billing.payout",
            ),
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(fields=["-created_at", "-id"], name="billing_balance_list"),
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(
                fields=["currency", "created_at", "id"], name="billing_balance_books"
            ),
        ),
        migrations.AddIndex(
            model_name="balancetransaction",
            index=models.Index(
                condition=models.Q(
                    ("dispute", None),
                    ("payment", None),
                    ("payout", None),
                    ("refund", None),
                    models.Q(("source_id", ""), _negated=True),
                ),
                fields=["source_id"],
                name="billing_balance_unlinked",
            ),
        ),
    ]
