"""Early fraud warnings. What events change of them is noted, as of other copies."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

NOTED = """
CREATE TRIGGER billing_fraudwarning_noted
    AFTER INSERT OR UPDATE OR DELETE ON billing_fraudwarning FOR EACH ROW
    WHEN (coalesce(current_setting('portal.attempt', true), '') <> '')
    EXECUTE FUNCTION billing_note_change('');
"""
DROP = "DROP TRIGGER billing_fraudwarning_noted ON billing_fraudwarning;"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0041_earlier_charges"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FraudWarning",
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
                ("charge_id", models.CharField(max_length=255)),
                ("fraud_type", models.CharField(blank=True, max_length=100)),
                ("is_actionable", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                ("left_because", models.CharField(blank=True, max_length=300)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fraud_warnings",
                        to="billing.customer",
                    ),
                ),
                (
                    "left_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fraud_warnings",
                        to="billing.payment",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_actionable", True), ("left_at", None)),
                        fields=["created_at"],
                        name="billing_fraud_warning_asking",
                    ),
                    models.Index(
                        fields=["-created_at", "-id"], name="billing_fraud_warning_newest"
                    ),
                ],
            },
        ),
        migrations.RunSQL(NOTED, DROP),
    ]
